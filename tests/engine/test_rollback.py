"""`rollbackOnFailure`: the last release is live again, and `up` fails all the same; one story for all tests.

Each deployment of the story starts from what the one before left, so they are made in this order by a fixture.
"""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from digits import datasets
from tests.engine.project import Deployment, Project

pytestmark = pytest.mark.timeout(900)  # the first test waits for the whole story

RIGHT, WRONG = "[1,0,9]", "[7,7,7]"
BOTH = {"webservice": "update", "release": "update"}


@dataclass(frozen=True)
class Chapter:
    """One `up`, what the service behind the URL answered after it, and the stack's outputs."""

    up: Deployment
    answer: str
    outputs: dict[str, Any]

    @property
    def printed(self) -> str:
        """What was printed, without the line breaks."""
        return " ".join(self.up.printed.split())


@dataclass(frozen=True)
class Story:
    """The chapters by name, the outputs before the first, and what a refreshed preview said after the rollback."""

    before: dict[str, Any]
    chapters: dict[str, Chapter]
    previewed: dict[str, str]
    reports: dict[str, Any]

    def __getitem__(self, name: str) -> Chapter:
        return self.chapters[name]


@pytest.fixture(scope="module")
def story(deployed: Project) -> Story:
    """Break the service, go on without a change, take the change back; break it again for worse, and fix it."""
    project = deployed
    project.restore()
    project.configure(rollbackOnFailure=True)
    project.up()  # whatever the tests before have left
    before, score, chapters = project.outputs(), project.read("scoring/score.py"), {}

    def tell(name: str, *options: str) -> None:
        up = project.up(*options, check=False)
        chapters[name] = Chapter(up, answer(before), project.outputs())

    broken = score.replace("encode(labels, request)", "encode(labels * 0 + 7, request)")
    project.write("scoring/score.py", broken)
    tell("broken")
    reports = {
        name: json.loads((project.directory / "reports/dev" / name).read_text())
        for name in ("evaluation.json", "rollback/evaluation.json")
    }
    tell("unchanged")
    previewed = project.preview("--refresh")
    project.write("scoring/score.py", score)
    tell("taken back")

    project.write("scoring/score.py", broken)
    version = edit_release(project, modelVersion=99)  # as if somebody had deleted the released model
    tell("broken, and the released model is gone")
    edit_release(project, modelVersion=version)
    printed = project.interrupt("up", "--yes", "--skip-preview", after="rolling back: deploying")
    assert "Rolled back" not in printed
    project.python("-m", "digits", "stack", "repair")  # as `make up` does
    project.write("scoring/score.py", score + "# fixed\n")
    tell("killed while it rolled back, then fixed", "--refresh")
    return Story(before, chapters, previewed, reports)


def answer(outputs: dict[str, Any]) -> str:
    """Score three digits with the key that was there from the beginning."""
    body = {"data": (datasets.load("digits", "test").images[:3] / 255).tolist()}
    headers = {"Authorization": f"Bearer {outputs['primaryKey']}"}
    return httpx.post(outputs["scoringUri"], json=body, headers=headers, timeout=30).text.replace(" ", "")


def edit_release(project: Project, **changes: object) -> object:
    """Change what the state says of the last release; return what it said of the last name."""
    state = json.loads(project.pulumi("stack", "export").stdout)
    (release,) = (found for found in state["deployment"]["resources"] if found["urn"].endswith("::release"))
    said = [release["outputs"][name] for name in changes]
    release["outputs"] |= changes
    (project.directory / "state.json").write_text(json.dumps(state))
    project.pulumi("stack", "import", "--file", "state.json")
    return said[-1]


def test_the_last_release_is_live_again_and_both_verdicts_are_said(story: Story) -> None:
    """`up` fails with the candidate's verdict and the released one's; URL, keys and record are as before."""
    broken = story["broken"]
    assert broken.up.status != 0
    assert broken.up.operations == {"webservice": "update"}
    assert "Accuracy 0.1000" in broken.printed
    assert "is below the minimum" in broken.printed
    assert "is live again and passed: Accuracy 0.96" in broken.printed
    assert "Traceback" not in broken.printed
    assert broken.answer == RIGHT
    assert {**broken.outputs, "release": None} == {**story.before, "release": None}
    assert broken.outputs["release"] == story.before["release"]


def test_each_of_the_two_has_its_report(story: Story) -> None:
    """The failed service's report is where every gate writes, and the live service has a report of its own."""
    failed, again = story.reports.values()
    assert (failed["passed"], again["passed"]) == (False, True)
    assert again["subject"]["scoringDigest"] == story.before["release"]["scoringDigest"]
    assert again["subject"]["scoringDigest"] != failed["subject"]["scoringDigest"]
    assert again["subject"]["combination"] != failed["subject"]["combination"]


def test_an_unchanged_up_does_not_take_the_old_service_for_the_new(story: Story) -> None:
    """The service answers rightly, but it is not what would be released; a refresh finds that, and deploys it again."""
    unchanged = story["unchanged"]
    assert unchanged.up.status != 0
    assert unchanged.up.operations == {}
    assert "was rolled back, or deployed by others" in unchanged.printed
    assert "`pulumi up --refresh` (or `make up`) deploys it again" in unchanged.printed
    assert unchanged.outputs["release"] == story.before["release"]
    assert story.previewed == BOTH


def test_taking_the_change_back_is_released_without_a_deployment(story: Story) -> None:
    """What is live already is adopted, evaluated and recorded."""
    back = story["taken back"]
    assert (back.up.status, back.up.operations, back.answer) == (0, BOTH, RIGHT)
    assert "deploying" not in back.up.printed
    same = ("scoringDigest", "fingerprint", "modelVersion", "manifest")
    assert [back.outputs["release"][name] for name in same] == [story.before["release"][name] for name in same]


def test_a_rollback_that_fails_is_said_after_the_first_failure(story: Story) -> None:
    """Both errors, and that what is live has passed nothing."""
    worse = story["broken, and the released model is gone"]
    assert worse.up.status != 0
    assert "is below the minimum" in worse.printed
    assert "The rollback FAILED too" in worse.printed
    assert "sklearn_mnist:99" in worse.printed
    assert "Traceback" not in worse.printed
    assert worse.answer == WRONG
    assert worse.outputs["release"]["scoringDigest"] == story.before["release"]["scoringDigest"]


def test_a_killed_rollback_is_recovered_and_a_fixed_change_released(story: Story) -> None:
    """The next refreshed `up` finds whatever the rollback left, and brings it to what is declared."""
    fixed = story["killed while it rolled back, then fixed"]
    assert (fixed.up.status, fixed.answer) == (0, RIGHT), fixed.up.printed
    assert fixed.up.operations == BOTH
    assert fixed.outputs["release"]["scoringDigest"] != story.before["release"]["scoringDigest"]
    assert fixed.outputs["primaryKey"] == story.before["primaryKey"]
