"""The changes whose previews are recorded: `python -m tests.engine.preview_cases` records them anew.

A recording is what the real engine printed for a change to the deployed project, and how the candidate did.
tests/unit/test_preview_comment.py makes the comment from it. Fields that nobody reads are left out.
Debug lines hold secrets and are dropped before anything is written. PATH needs the Pulumi CLI, as `make test` gives it.
"""

import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digits.preview.scoring_files import changed_files
from digits.preview.trial import try_candidate
from tests.engine.project import ROOT, Project, train_another_model
from tests.unit.recorded_previews import read

RECORDED = ROOT / "tests/unit/previews"
_READ_UNCHANGED = (":Environment", ":Model", ":Webservice", ":Release", ":Registry")
_READ = {"type", "urn", "id", "inputs", "outputs"}


def edit_score(project: Project) -> None:
    """Change the entry script so that it answers as before: two lines are new, one is gone."""
    script = project.read("scoring/score.py")
    logged = script.replace('        event="ready",\n', '        event="ready",\n        reviewed=True,\n')
    project.write(
        "scoring/score.py", logged.replace('"""Answer one request."""', '"""Answer one request, and log it."""')
    )


def misread_eights(project: Project) -> None:
    """Change the entry script so that each eight is read as a three, which is below the minimum accuracy."""
    script = project.read("scoring/score.py")
    worse = script.replace("encode(labels, request)", "encode(np.where(labels == 8, 3, labels), request)", 1)
    project.write("scoring/score.py", worse)


def repin(project: Project) -> None:
    """Pin one package anew, drop one, add one, and change a variable."""
    conda = project.read("scoring/conda.yml")
    for old, new in (
        ("joblib==1.6.0", "joblib==1.5.3"),
        ("packaging==26.3", "packaging==26.3\n      - tabulate==0.9.0"),
        ("      - gunicorn_h1c==0.6.9   # the HTTP parser in C, which gunicorn takes where it finds it\n", ""),
        ('WORKER_COUNT: "2"', 'WORKER_COUNT: "3"'),
    ):
        assert old in conda
        conda = conda.replace(old, new)
    project.write("scoring/conda.yml", conda)


def pin_what_is_not_there(project: Project) -> None:
    """Ask for a package that no index has."""
    project.write("scoring/conda.yml", project.read("scoring/conda.yml").replace("joblib==1.6.0", "joblib==99.0"))


def retrain(project: Project) -> None:
    """Train on part of the data."""
    with tempfile.TemporaryDirectory() as directory:
        train_another_model(Path(directory))
        for file in ("sklearn_mnist_model.pkl", "metadata.json"):
            project.write(f"model/{file}", Path(directory, file).read_bytes())


def resize(project: Project) -> None:
    """Change size, tags and what the gate asks for."""
    tags = {"data": "MNIST", "owner": "vision"}
    project.configure(serviceCpuCores="2", serviceTags=tags, minimumAccuracy="0.95")


def ask_for_too_much(project: Project) -> None:
    """Raise the minimum above what the current release reached."""
    project.configure(minimumAccuracy="0.99")


def violate(project: Project) -> None:
    """Drop the owner, which one policy asks for, and have another only remark on the size."""
    project.configure(serviceTags={"method": "sklearn"})
    choices = json.loads(project.read("infra/policy/config/dev.json"))
    choices["size-limited"] = {"enforcementLevel": "advisory", "maximumMemoryGb": 0.5}
    project.write("infra/policy/config/dev.json", json.dumps(choices))


CASES: dict[str, Callable[[Project], None]] = {
    "unchanged": lambda _project: None,
    "score": edit_score,
    "score-worse": misread_eights,
    "packages": repin,
    "packages-not-here": pin_what_is_not_there,
    "model": retrain,
    "resized": resize,
    "minimum-raised": ask_for_too_much,
    "renamed": lambda project: project.configure(serviceName="digits-two"),
    "moved": lambda project: project.configure(resourceGroup="digits-other"),
    "existing-workspace": lambda project: project.configure(
        existingWorkspace="digits-dev-ml", resourceGroup="digits-dev"
    ),
    "policies": violate,
    "failing": lambda project: project.configure(serviceName="Digits"),
}


def options(case: str) -> list[str]:
    """Return what the case gives `pulumi preview`."""
    pack = ["--policy-pack=infra/policy", "--policy-pack-config=infra/policy/config/dev.json"]
    return pack if case == "policies" else []


def print_preview(project: Project, case: str) -> str:
    """Return what the CLI prints for the case as it stands."""
    command = ("pulumi", "preview", "--json", "--non-interactive", "--stack", "dev", *options(case))
    return project.run(*command, check=False, variables={"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}).stdout


def trim(project: Project, printed: str) -> str:
    """Return the engine's events without what nobody reads, secrets' debug lines and this machine's paths included."""
    kept = []
    for event in map(json.loads, printed.splitlines()):
        if metadata := event.pop("resourcePreEvent", {}).get("metadata"):
            if metadata["op"] == "same" and not metadata["type"].endswith(_READ_UNCHANGED):
                continue
            for state in ("old", "new"):
                metadata[state] = _trim_state(metadata.get(state))
            kept.append({**event, "resourcePreEvent": {"metadata": metadata}})
        elif {"policyEvent", "preludeEvent"} & event.keys() or _is_reported(event):
            kept.append(event)
    text = "".join(json.dumps(event) + "\n" for event in kept).replace(f"{project.directory}/", "")
    assert str(Path.home()) not in text
    assert tempfile.gettempdir() not in text
    return text


def _is_reported(event: dict[str, Any]) -> bool:
    return event.get("diagnosticEvent", {}).get("severity") in ("error", "warning")


def _trim_state(state: dict[str, Any] | None) -> dict[str, Any] | None:
    if state is None:
        return None
    kept = {name: value for name, value in state.items() if name in _READ}
    if "dynamic" not in state["type"]:
        kept.pop("outputs", None)
    return kept


def record(project: Project, case: str) -> None:
    """Record one case: the events, how the candidate did, the files that change, and the comment of all that."""
    directory = RECORDED / case
    shutil.rmtree(directory, ignore_errors=True)
    released = {path.name: path.read_bytes() for path in (project.directory / "scoring").glob("*.py")}
    CASES.get(case, CASES["unchanged"])(project)
    events = trim(project, print_preview(project, case))
    preview = read(events)
    with contextlib.chdir(project.directory):
        trial = None if preview.errors else try_candidate(preview, lambda _line: None)
        files = changed_files(preview)
    directory.mkdir(parents=True)
    (directory / "events.jsonl").write_text(events)
    if trial:
        evaluation = trial.evaluation.to_json() if trial.evaluation else None
        written = {"evaluation": evaluation, "failure": trial.failure, "not_run": trial.not_run}
        (directory / "candidate.json").write_text(json.dumps(written) + "\n")
    for name in (file.name for file in files if not file.is_generated):
        (directory / f"{name}.released").write_bytes(released[name])
        (directory / f"{name}.present").write_bytes((project.directory / "scoring" / name).read_bytes())
    print(case, file=sys.stderr)


def main() -> None:
    """Deploy the project and record every case."""
    with tempfile.TemporaryDirectory() as directory:
        project = Project.copy(Path(directory) / "digits")
        try:
            project.python("-m", "digits", "train", "--dataset", "digits")
            project.start_emulator()
            project.pulumi("stack", "select", "--create", "dev")
            record(project, "first")
            project.up()
            for case in CASES:
                record(project, case)
                project.restore()
        finally:
            project.close()


if __name__ == "__main__":
    main()
