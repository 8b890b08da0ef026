"""A release's life on three stacks of one emulator, played by the commands that a team uses."""

import os
import subprocess

import pytest

from tools.working_copy import ROOT


@pytest.mark.timeout(900)
def test_a_release_lives_from_a_change_to_its_end() -> None:
    """`make walkthrough` ends well only if each of its steps ended as it should; the timeline says what came of it."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make", "walkthrough"], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    timeline = done.stdout[done.stdout.index("A release's life") :]
    for step, outcome in (
        ("prod: the record names staging's", '"release":'),
        ("prod: promote again", "unchanged"),
        ("dev: the rehearsal blocks", "not touched"),
        ("staging: the gate blocks and rolls back", "Rolled back"),
        ("prod: roll back from a wrong checkout", "git checkout"),
        ("prod: drift is found", "found nobody"),
        ("prod: nor does the CLI destroy it", "cannot be deleted"),
        ("dev: destroy", "stopped"),
    ):
        assert any(step in line and outcome in line for line in timeline.splitlines()), (step, timeline)
