"""What is said of the live service: only what a look at it, the state and the report bear out."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from digits.evaluation import report
from digits.evaluation.verdict import Thresholds
from digits.release import Release
from infra import azureml
from infra.live import Live, look
from tests.unit.evaluations import zeros_ones_and_eights

RELEASED, REFUSED, UNKNOWN = "1" * 64, "2" * 64, "3" * 64
RELEASE: dict[str, Any] = {
    "workspaceId": "/…/workspaces/digits-dev-ml",
    "service": "digits-dev",
    "fingerprint": RELEASED,
    "modelName": "sklearn_mnist",
    "modelVersion": 1.0,
    "accuracy": 0.9689,
}
DEPLOYED = {"workspaceId": RELEASE["workspaceId"], "name": "digits-dev", "fingerprint": REFUSED}
SERVICE = azureml.Service(
    name="digits-dev",
    state="Healthy",
    scoring_uri="",
    swagger_uri="",
    description="",
    tags={},
    fingerprint=RELEASED,
    stack="digits/dev",
    cpu_cores=1,
    memory_gb=1,
    auth_enabled=True,
    app_insights_enabled=False,
    ssl_enabled=False,
    ssl_cname="",
    ssl_certificate="",
    models=("sklearn_mnist:3",),
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where no report is."""
    monkeypatch.chdir(tmp_path)


def see(monkeypatch: pytest.MonkeyPatch, release: dict[str, Any] = RELEASE, **service: Any) -> Live:
    """Look at a service like this one."""
    monkeypatch.setattr(azureml, "find_service", lambda *_of: dataclasses.replace(SERVICE, **service))
    return look("dev", Release.from_state("dev", release), DEPLOYED)


def write_report(fingerprint: str, minimum: float) -> None:
    """Write the stack's report: 0.78 of 200 images, held against this minimum."""
    about, limit = {"fingerprint": fingerprint}, Thresholds(minimum_accuracy=minimum)
    report.write(zeros_ones_and_eights(subject=about, thresholds=limit), Path("reports/dev/evaluation.json"))


def test_what_was_released_is_live_if_the_service_has_its_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the state holds of the last deployment: it may have been rolled back."""
    live = see(monkeypatch)
    assert (live.is_released, live.mark) == (True, "yes")
    assert live.sentence == "sklearn_mnist:1 is live, released with accuracy 0.9689."


def test_a_refused_release_is_live_with_its_accuracy_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed gate the service runs what the report says failed."""
    write_report(REFUSED, minimum=0.9)
    live = see(monkeypatch, fingerprint=REFUSED)
    assert (live.is_released, live.mark) == (False, "no")
    assert live.sentence.startswith(
        "live, not released: sklearn_mnist:3, accuracy 0.7800, because accuracy 0.7800 (95 % interval"
    )
    assert "below the minimum of 0.9 (minimumAccuracy)" in live.sentence


@pytest.mark.parametrize(
    ("fingerprint", "reported", "because"),
    [
        (REFUSED, REFUSED, "accuracy 0.7800, because `up` ended before the release: run `make up STACK=dev` again."),
        (REFUSED, RELEASED, "because its evaluation was not completed: `make up STACK=dev` evaluates"),
        (REFUSED, None, "because its evaluation was not completed: `make up STACK=dev` evaluates"),
        (UNKNOWN, REFUSED, "because neither this stack's state nor a report here knows it"),
        ("", "", "because neither this stack's state nor a report here knows it"),
    ],
)
def test_the_reason_is_what_state_and_report_tell(
    monkeypatch: pytest.MonkeyPatch, fingerprint: str, reported: str | None, because: str
) -> None:
    """A report of another combination explains nothing, nor does one of a service without a fingerprint."""
    if reported is not None:
        write_report(reported, minimum=0.5)
    live = see(monkeypatch, fingerprint=fingerprint)
    assert live.found == "other"
    assert live.sentence.startswith("live, not released: sklearn_mnist:3, ")
    assert because in live.sentence


def test_a_first_deployment_that_was_refused_is_not_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no release to compare with."""
    live = see(monkeypatch, release={}, fingerprint=REFUSED)
    assert live.sentence.startswith("live, not released: sklearn_mnist:3")


def test_a_released_service_that_does_not_answer_is_not_called_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fingerprint says what was deployed, the state whether it runs."""
    live = see(monkeypatch, state="Unhealthy")
    assert (live.found, live.mark) == ("failing", "no")
    assert "web service 'digits-dev' is Unhealthy" in live.sentence


def test_nothing_is_claimed_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that is gone, one that cannot be read, and a stack without one are distinguished."""

    def fail(*_of: str) -> azureml.Service:
        raise azureml.AzureMLError("Nothing answers on port 1.")

    monkeypatch.setattr(azureml, "find_service", fail)
    unknown = look("dev", Release.from_state("dev", RELEASE), DEPLOYED)
    assert (unknown.found, unknown.mark) == ("unknown", "?")
    assert unknown.sentence.endswith("web service 'digits-dev' cannot be read: Nothing answers on port 1.")
    monkeypatch.setattr(azureml, "find_service", lambda *_of: None)
    assert "is gone: run `make up STACK=dev`" in look("dev", Release.from_state("dev", RELEASE), DEPLOYED).sentence
    assert look("dev", None, {}).sentence == "nothing is deployed: run `make up STACK=dev`."
