"""The comment on a pull request, from the engine as it prints now; and what an update plan made there enforces."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.engine.preview_cases import CASES, RECORDED, edit_score, print_preview
from tests.engine.project import Project


@pytest.fixture(autouse=True)
def rehearsed(project: Project) -> None:
    """As the recorded project; that it is switched off would be a warning in every comment."""
    project.configure(rehearsalEnabled=True, serviceMemoryGb="1")


@pytest.fixture
def history(project: Project, tmp_path: Path) -> dict[str, str]:
    """Variables with which git knows the released scoring files; the project itself is no repository."""
    where = {"GIT_DIR": str(tmp_path / "git"), "GIT_WORK_TREE": str(project.directory)}
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
    for arguments in (("init", "-q"), ("add", "scoring"), (*identity, "commit", "-q", "-m", "Release")):
        subprocess.run(["git", *arguments], cwd=project.directory, env={**os.environ, **where}, check=True)
    return where


def shape(comment: str) -> list[str]:
    """Return a comment without what differs from run to run: digests, numbers, and which digits were misread."""
    text = re.sub(r"[0-9a-f]{12,64}", "DIGEST", comment)
    text = re.sub(r"was read as|were read as", "read as", re.sub(r"\d[\d.,e-]*", "N", text))
    return re.sub(r"^- N \w+ read as (an? )?\w+$", "- N read as", text, flags=re.MULTILINE).splitlines()


def expected(case: str) -> list[str]:
    """Return the shape of the recorded comment."""
    return shape((RECORDED / case / "comment.md").read_text(encoding="utf-8"))


def test_a_changed_entry_script_makes_the_recorded_comment(project: Project, history: dict[str, str]) -> None:
    """With the candidate run against the release on the same rows; neither key is in it, nor a path of this machine."""
    edit_score(project)
    # The emulator runs already: make need not start it.
    printed = project.run("make", "-s", "-o", "emulator", "preview", "STACK=dev", variables=history)
    comment = project.read("reports/dev/preview.md")
    assert shape(comment) == expected("score")
    outputs = project.outputs()
    for text in (outputs["primaryKey"], outputs["secondaryKey"], str(project.directory)):
        assert text not in comment
        assert text not in printed.stdout
    assert project.outputs() == outputs, "nothing was deployed"


@pytest.mark.parametrize("case", ["unchanged", "policies", "renamed", "failing"])
def test_the_engine_still_prints_what_was_recorded(project: Project, case: str) -> None:
    """Otherwise the recordings would go on to pass when the engine's JSON has long changed."""
    CASES[case](project)
    done = project.python("-m", "digits", "preview", check=False)
    assert shape(done.stdout) == expected(case)
    assert done.returncode == (2 if case == "failing" else 0)
    assert "Traceback" not in done.stderr


def test_a_stack_that_is_not_there_is_one_sentence_with_the_fix(project: Project) -> None:
    """It names the stacks that there are, and nothing is written for the one that there is not."""
    done = project.python("-m", "digits", "preview", "--stack", "nowhere", check=False)
    assert done.returncode == 2
    assert "There is no stack 'nowhere': name one of az-dev, dev" in done.stderr
    assert done.stdout == ""


def test_a_mistake_in_the_stack_s_file_is_in_the_comment_too(project: Project) -> None:
    """The pull request that made it shows it, as the early check words it."""
    project.configure(minimumAccuracy="95")
    done = project.python("-m", "digits", "preview", check=False)
    assert done.returncode == 2
    sentence = "minimumAccuracy is 95, but it is a fraction: write 0.95"
    assert sentence in done.stderr
    assert sentence in project.read("reports/dev/preview.md").replace("\\", "")


def test_the_engines_events_hold_keys_in_their_debug_lines_only(project: Project) -> None:
    """The reason why digits/engine writes no events to a file: see docs/update-plans.md."""
    key = project.outputs()["primaryKey"]
    events = print_preview(project, "unchanged")
    said = [event["diagnosticEvent"] for event in map(json.loads, events.splitlines()) if "diagnosticEvent" in event]
    assert {event["severity"] for event in said if key in event["message"]} == {"debug"}


def test_a_plan_refuses_what_was_not_planned(project: Project) -> None:
    """Files, settings, and a change that is taken back, each before anything is touched. The plan holds no key."""
    before, script = project.outputs(), project.read("scoring/score.py")
    plan = project.directory / "plan.json"
    edit_score(project)
    planned = project.read("scoring/score.py")
    project.python("-m", "digits", "preview", "--no-candidate", "--", f"--save-plan={plan}")
    assert before["primaryKey"] not in plan.read_text()
    for text, memory_gb, named in (
        (planned + "# not what was planned\n", "1", "scoringDigest"),
        (script, "1", "scoringDigest"),
        (planned, "2", "digits:serviceMemoryGb"),
    ):
        project.write("scoring/score.py", text)
        project.configure(serviceMemoryGb=memory_gb)
        refused = project.pulumi("up", "--yes", "--skip-preview", f"--plan={plan}", check=False)
        assert refused.returncode != 0
        assert re.search(f"violates plan: properties changed: .*{named}", refused.stdout)
    assert project.outputs() == before
