"""The workflows: what they run exists here, what they use is pinned, and what they may do is the least."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
TARGETS = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
ALLOWED_SECRETS = {"PULUMI_CONFIG_PASSPHRASE"}
DEPLOYS = re.compile(r"^make (up|promote|down)\b")
MAY_WRITE = {"pull-requests": "make comment", "issues": "make issue", "id-token": "./.github/actions/azure"}

Document = dict[Any, Any]  # YAML reads the key `on` as true


def names(paths: list[Path]) -> list[str]:
    """Name the tests after the files."""
    return [str(path.relative_to(ROOT / ".github")) for path in paths]


every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=names(WORKFLOWS))
every_file = pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=names([*WORKFLOWS, *ACTIONS]))


def read(path: Path) -> Document:
    """Read a workflow or an action."""
    document: Document = yaml.safe_load(path.read_text())
    return document


def jobs(path: Path) -> dict[str, Document]:
    """Return a workflow's jobs."""
    found: dict[str, Document] = read(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[Document]:
    """Yield the steps of a workflow's jobs, or of an action."""
    document = read(path)
    for holder in [document["runs"]] if "runs" in document else document["jobs"].values():
        yield from holder.get("steps", ())


def does(job: Document) -> list[str]:
    """Return what a job runs and uses."""
    return [step.get("run") or step["uses"] for step in job.get("steps", ())]


def test_there_are_workflows_for_a_change_a_merge_prod_and_the_night() -> None:
    """A test of every file in a folder holds nothing where the folder is empty."""
    assert {path.stem for path in WORKFLOWS} == {"pull-request", "main", "prod", "drift"}


@every_file
def test_a_workflow_runs_make_targets_and_nothing_else(path: Path) -> None:
    """One target a step, with plain words as settings: no expression can reach a shell, and what CI does works here."""
    for step in steps(path):
        if "run" in step:
            command = re.fullmatch(r"make ([\w./-]+)((?: [A-Z]+=[\w-]+)*)", step["run"])
            assert command, step["run"]
            assert command[1] in TARGETS, step["run"]


@every_workflow
def test_what_a_person_types_is_one_word_to_the_shell(path: Path) -> None:
    """It arrives as a variable of the environment, which neither make nor the shell reads as code."""
    typed = set(re.findall(r"(\w+): \$\{\{ (?:inputs|github\.event\.inputs)\.", path.read_text()))
    makefile = (ROOT / "Makefile").read_text()
    for name in typed:
        assert f"$({name})" not in makefile
        assert re.findall(rf"(.)\$\${name}(.)", makefile) == [('"', '"')]


@every_file
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    """A tag can be moved to other code; the comment says which version the commit is."""
    for line in path.read_text().splitlines():
        if re.match(r"\s*(- )?uses:", line):
            assert re.search(r"uses: (\./\.github/\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$", line), line


def test_one_action_is_one_commit_everywhere() -> None:
    """An update that forgot a file is seen."""
    pinned = {use for path in [*WORKFLOWS, *ACTIONS] for use in re.findall(r"uses: (\S+@.*)", path.read_text())}
    assert len({use.split("@")[0] for use in pinned}) == len(pinned)


@every_file
def test_what_a_workflow_uses_of_ours_is_there(path: Path) -> None:
    """A path of an action or a workflow is checked by nobody before it runs."""
    for own in re.findall(r"uses: \./(\S+)", path.read_text()):
        assert (ROOT / own).is_file() or (ROOT / own / "action.yml").is_file(), own


@every_workflow
def test_a_workflow_may_do_nothing_and_each_job_says_what_it_needs(path: Path) -> None:
    """Everything starts from no permission; a job reads the code, and writes only what one of its steps writes."""
    assert read(path)["permissions"] == {}
    for name, job in jobs(path).items():
        granted = dict(job["permissions"])
        assert granted.pop("contents") == "read", name
        assert set(granted.values()) <= {"write"}, name
        if "steps" in job:
            assert granted.keys() == {scope for scope, use in MAY_WRITE.items() if writes(job, use)}, name


def writes(job: Document, use: str) -> bool:
    """Say whether a step runs or uses this, and is given a token where it writes to GitHub."""
    return any(
        (step.get("run") or step["uses"]) == use and (use.startswith(".") or "GITHUB_TOKEN" in step.get("env", {}))
        for step in job["steps"]
    )


@every_workflow
def test_a_deployment_never_overlaps_and_is_never_cancelled(path: Path) -> None:
    """Half a deployment would be left behind; the group is the stack's, whichever workflow runs."""
    for name, job in jobs(path).items():
        deploys = [command for command in does(job) if DEPLOYS.match(command)]
        if deploys and path.stem != "pull-request":
            assert job["concurrency"]["cancel-in-progress"] is False, name
            stack = re.search(r"TO=(\w+)", deploys[0])
            named = stack[1] if stack else job.get("env", {}).get("STACK", "dev")
            assert job["concurrency"]["group"] == f"stack-{named}", name


@every_workflow
def test_only_the_dev_stack_is_deployed_without_a_github_environment(path: Path) -> None:
    """Approvals and the federated credential of the deployer hang on the environment of the stack's name."""
    for name, job in jobs(path).items():
        if any(DEPLOYS.match(command) for command in does(job)):
            stack = re.search(r"TO=(\w+)", " ".join(does(job)))
            named = stack[1] if stack else job.get("env", {}).get("STACK", "dev")
            assert job.get("environment") == (None if named == "dev" else named), name


@every_file
def test_no_secret_is_stored_but_the_passphrase(path: Path) -> None:
    """Azure and Pulumi Cloud are entered with the job's own OIDC token."""
    text = path.read_text()
    assert set(re.findall(r"secrets\.(\w+)", text)) <= ALLOWED_SECRETS
    assert "secrets: inherit" not in text
    assert "secrets[" not in text


@every_workflow
def test_a_secret_reaches_only_a_step_that_runs_a_target(path: Path) -> None:
    """Actions of others never see it: it stands in the environment of single `make` steps."""
    for name, job in jobs(path).items():
        own = {key: value for key, value in job.items() if key not in {"steps", "secrets"}}
        assert "secrets." not in str(own), name
        for step in job.get("steps", ()):
            assert "run" in step or "secrets." not in str(step), step


@every_workflow
def test_every_job_that_runs_ends_in_time_on_a_named_system(path: Path) -> None:
    """GitHub's own limit is six hours, and `latest` changes under a pinned workflow."""
    for name, job in jobs(path).items():
        if "steps" in job:
            assert job["timeout-minutes"] <= 60, name
            assert job["runs-on"] == "ubuntu-24.04", name


def test_a_pull_request_deploys_only_to_the_emulator() -> None:
    """Its code is nobody's yet: no environment, no `up` except dev's, and no credentials without the condition."""
    path = ROOT / ".github" / "workflows" / "pull-request.yml"
    assert list(read(path)[True]) == ["pull_request"]  # not pull_request_target, which runs with main's rights
    for job in jobs(path).values():
        assert "environment" not in job
        assert "make up" not in does(job) or job["env"]["STACK"] == "dev"
    for step in jobs(path)["preview"]["steps"]:
        if "secrets." in str(step) or "azure" in step.get("uses", ""):
            assert step["if"] == "env.CREDENTIALS == 'true'", step


def test_what_was_approved_for_prod_is_what_is_deployed() -> None:
    """The approval comes between two jobs: the second takes the release that the first one showed, or nothing."""
    preview, promote = (jobs(ROOT / ".github/workflows/prod.yml")[name] for name in ("preview", "promote"))
    (shown,) = (step for step in preview["steps"] if step.get("run") == "make preview")
    assert shown["env"]["RELEASE"] == "${{ inputs.release }}", "the one that was asked for is the one that is shown"
    assert preview["outputs"] == {"release": f"${{{{ steps.{shown['id']}.outputs.release }}}}"}
    (deployed,) = (step for step in promote["steps"] if step.get("run", "").startswith("make promote"))
    assert deployed["env"]["RELEASE"] == "${{ needs.preview.outputs.release }}"
    assert promote["if"] == "needs.preview.outputs.release != ''"
