"""A release counts only if the live service passed: the gate fails, holds and opens."""

import json
import re

from tests.engine.project import Project


def list_live(project: Project) -> list[str]:
    """Return what `make releases` says of each release: yes, no, or nothing of an older one."""
    listed = project.python("-m", "digits", "releases").stdout
    return re.findall(r"^[0-9a-f]{12}  (\w*)", listed, re.MULTILINE)


def test_a_failed_evaluation_is_evaluated_again_on_the_next_up(project: Project) -> None:
    """A failing gate fails `up`, still fails the next unchanged `up`, and passes once the service is fixed."""
    released = project.outputs()["release"]
    score = project.read("scoring/score.py")
    project.write("scoring/score.py", score.replace("encode(labels, request)", "encode(labels * 0 + 7, request)"))
    for attempt in (1, 2):
        failed = project.up(check=False)
        assert failed.status != 0, attempt
        assert "minimumAccuracy" in failed.printed
        assert project.outputs()["release"] == released, "the record still says what passed"
    reason = r"live, not released: sklearn_mnist:\d+, accuracy 0\.1000, because accuracy 0\.1000 .*minimumAccuracy"
    for words in (
        ("releases",),
        ("status",),
        ("preview", "--no-candidate"),
    ):
        printed = project.python("-m", "digits", *words).stdout
        assert re.search(reason, printed.replace("\\", "")), words
        assert "recorded anew" not in printed
    assert list_live(project)[0] == "no"
    project.write("scoring/score.py", score + "\n")
    assert project.up().operations == {"webservice": "update", "release": "update"}
    assert project.outputs()["release"] != released
    assert list_live(project)[:2] == ["yes", ""], "plain deployments are listed too"


def test_a_raised_minimum_holds_the_service_that_is_live(project: Project) -> None:
    """Only the release is evaluated again, the failure names accuracy, minimum and the worst confusion."""
    project.configure(minimumAccuracy="0.999", rollbackOnFailure=True)
    assert project.preview() == {"release": "update"}
    failed = project.up(check=False)
    assert failed.status != 0
    assert "0.999" in failed.printed
    assert "were read as" in failed.printed
    assert "Not rolled back: what is live is what was last released." in failed.printed
    assert "Traceback" not in failed.printed


def test_the_report_says_what_was_evaluated(project: Project) -> None:
    """The written record names model, environment and service, and its numbers are the release's.

    The release itself stays short enough to read: the package that it keeps for a rollback is not among the outputs.
    """
    project.configure(evaluationRows=100)
    project.up()
    release = project.outputs()["release"]
    report = json.loads((project.directory / release["report"]).read_text())
    assert report["subject"]["model"] == f"{release['modelName']}:{release['modelVersion']}"
    assert report["rows"] == release["rowsEvaluated"] == 100
    assert report["accuracy"] == release["accuracy"]
    assert release["manifest"]["model"]["sha256"] == release["modelSha256"]
    assert release["workspaceId"].endswith("/workspaces/digits-dev-ml")
    assert {"commit", "commitDirty"} <= release.keys(), "null, because the copy is no repository"
    assert len(json.dumps(release)) < 3_000


def test_a_release_without_evidence_is_refused(project: Project) -> None:
    """A service that cannot be reached is not released: one sentence, no traceback."""
    outputs = project.outputs()
    service = project.python("-m", "emulator", "status").stdout
    assert "digits-dev" in service
    project.configure(evaluationDirectory="/nonexistent", evaluationDataset="mnist")
    failed = project.up(check=False)
    assert failed.status != 0
    assert "could not be evaluated" in failed.printed
    assert "Traceback" not in failed.printed
    assert project.outputs()["release"] == outputs["release"]


def test_a_significant_loss_is_a_warning_even_if_it_passes(project: Project) -> None:
    """Nothing forbids it here, so it is released, and the gate's line and `show` begin with the loss."""
    project.configure(minimumAccuracy="0.8")
    score = project.read("scoring/score.py")
    labels = "labels, probabilities = found if wanted else (found, None)\n"
    assert labels in score, "in every form, with and without probabilities"
    project.write("scoring/score.py", score.replace(labels, f"{labels}    labels = np.where(labels == 8, 3, labels)\n"))
    printed = project.up().printed
    assert "warning: Accuracy fell from 0.9689 with sklearn_mnist:" in printed
    shown = project.python("-m", "digits", "show", "reports/dev/evaluation.json").stdout
    assert shown.startswith("PASSED, BUT WORSE  Accuracy fell from 0.9689 with sklearn_mnist:")
