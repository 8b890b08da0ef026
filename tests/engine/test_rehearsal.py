"""What would be deployed is tried out first: where it fails, the live service was never touched."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from digits import datasets
from tests.engine.project import Project

BROKEN = {
    "an init() that raises": ("def init(): raise RuntimeError('no weights today')\n", "no weights today"),
    "answers that are wrong": (
        "\ndef encode(labels, request):\n    return AMLResponse([7] * len(labels), 200, json_str=True)\n",
        "minimumAccuracy",
    ),
    "a name that run() does not know": (
        "\ndef answer(request, line):\n    return labelz\n",
        "NameError: name 'labelz' is not defined",
    ),
}
AGAIN = "answers that are wrong"


@pytest.fixture(autouse=True)
def rehearsed(project: Project) -> None:
    """The other tests do without."""
    project.configure(rehearsalEnabled=True)


@contextmanager
def watched(project: Project) -> Iterator[Counter[str]]:
    """Ask the live service all the while; count its answers."""
    outputs = project.outputs()
    body = json.dumps({"data": (datasets.load("digits", "test").images[:3] / 255).tolist()})
    answers: Counter[str] = Counter()
    done = threading.Event()

    def ask() -> None:
        headers = {"Authorization": f"Bearer {outputs['primaryKey']}"}
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not done.wait(0.02):
                answers[client.post(outputs["scoringUri"], content=body, headers=headers).text] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        done.set()
        asking.join()


@pytest.mark.parametrize("fault", BROKEN)
def test_the_old_service_answers_throughout_a_rehearsal_that_fails(project: Project, fault: str) -> None:
    """Not one request is lost or answered otherwise, the state is as before, and the next `up` rehearses again."""
    code, sentence = BROKEN[fault]
    before = project.outputs()
    project.write("scoring/score.py", project.read("scoring/score.py") + "\n" + code)
    with watched(project) as answers:
        for _ in range(2 if fault == AGAIN else 1):
            failed = project.up(check=False)
            assert failed.status != 0
            assert "The live service was not touched" in failed.printed
            assert sentence in failed.printed
    assert list(answers) == ["[1, 0, 9]"]
    assert answers["[1, 0, 9]"] > 10
    assert project.outputs() == before
    reports = project.directory / "reports/dev"
    assert "reports/dev/rehearsal/service.log" in failed.printed
    assert "Booting worker" in (reports / "rehearsal/service.log").read_text()
    assert (reports / "rehearsal/report.html").exists() == (sentence == "minimumAccuracy")
    for name in ("report.html", "summary.md"):
        marked = (reports / name).read_text()
        assert marked.count("A later change failed its rehearsal and was not deployed") == 1, "of the live service"


def test_what_a_failed_rehearsal_left_goes_with_the_next_one(project: Project) -> None:
    """Nothing under reports/ is of a rehearsal before the last one."""
    left = project.directory / "reports/dev/rehearsal/service.log"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("of another day")
    project.write("scoring/score.py", project.read("scoring/score.py") + "\n# read again\n")
    project.up()
    assert not left.exists()
    assert "failed its rehearsal" not in (project.directory / "reports/dev/report.html").read_text()


def test_the_gate_shows_the_exception_of_the_live_service(project: Project) -> None:
    """Also without a rehearsal: its last frames are in the error, and no key of the service's."""
    project.configure(rehearsalEnabled=False)
    code = "\ndef answer(request, line):\n    raise ValueError(request.headers['Authorization'])\n"
    project.write("scoring/score.py", project.read("scoring/score.py") + code)
    failed = project.up(check=False)
    assert failed.status != 0
    assert "ValueError: Bearer [key]" in failed.printed
    assert "in answer" in failed.printed
    marked = (project.directory / "reports/dev/report.html").read_text()
    assert "What was deployed later could not be evaluated, and is live." in marked


def test_an_environment_that_cannot_be_built_here_blocks_unless_it_may_not(project: Project) -> None:
    """By default nothing is deployed that was not tried; `rehearsalRequired: false` leaves it to the cloud."""
    project.write("scoring/conda.yml", project.read("scoring/conda.yml").replace("joblib==1.6.0", "joblib==99.0"))
    failed = project.up(check=False)
    assert failed.status != 0
    assert "nothing could be rehearsed" in failed.printed
    assert "The live service was not touched; `rehearsalRequired: false` deploys all the same." in failed.printed
    project.configure(rehearsalRequired=False)
    failed = project.up(check=False)
    assert failed.status != 0, "the emulator cannot build it either"
    assert "(rehearsalRequired is false)" in failed.printed
    assert "The live service was not touched" not in failed.printed


def test_a_change_that_deploys_nothing_is_not_rehearsed(project: Project) -> None:
    """Tags are changed on the live service, which goes on running what it ran."""
    project.configure(serviceTags={"data": "MNIST", "owner": "vision-team"})
    assert project.preview() == {"webservice": "update", "release": "update"}
    changed = project.up()
    assert changed.operations == {"webservice": "update", "release": "update"}
    assert "rehears" not in changed.printed
    assert "vision-team" in project.pulumi("stack", "export").stdout


def test_switched_off_is_said_loudly_and_the_release_holds_no_evidence(project: Project) -> None:
    """Neither the rehearsal nor the gate looks, so nothing claims that anything passed."""
    project.configure(rehearsalEnabled=False, gateEnabled=False)
    project.write("scoring/score.py", project.read("scoring/score.py") + BROKEN["answers that are wrong"][0])
    deployed = project.up()
    assert "rehearsalEnabled is false" in deployed.printed
    assert "gateEnabled is false" in deployed.printed
    release = project.outputs()["release"]
    assert release["gateEnabled"] is False
    assert release.get("accuracy") is None
