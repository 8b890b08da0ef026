"""Who may read the emulator's state: only its owner, whatever the rights of the folder that it lies in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.wire import Emulator, Workspace, entry_script


def _open_to_others(state: Path) -> list[str]:
    """Return the files and folders in the state, links aside, that others than the owner have a right to."""
    found = [path for path in state.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077]
    return [f"{path.relative_to(state)} {path.stat().st_mode & 0o777:o}" for path in found]


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """Hold the umask that most people have, so that what is written is readable unless somebody says otherwise."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_only_the_owner_may_read_the_state_in_a_folder_that_was_there(own_emulator: Emulator) -> None:
    """Keys, models, a service's folder and logs, in a folder that all may read."""
    own_emulator.state.mkdir(mode=0o755)
    workspace = Workspace(own_emulator.start())
    model = workspace.register("a-model")["id"]
    workspace.run(workspace.deploy("private", entry_script("echo"), [model]))
    workspace.close()
    written = {path.name for path in own_emulator.state.rglob("*")}
    assert {"server.pem", "emulator.sqlite", "emulator.log", "score.py", "server.log", "a-model.pkl"} <= written
    assert _open_to_others(own_emulator.state) == []


@pytest.mark.usefixtures("usual_umask")
def test_a_start_takes_rights_that_an_earlier_version_left(own_emulator: Emulator) -> None:
    """What is the emulator's is closed to others; what else lies in the folder keeps its rights."""
    own_emulator.start().stop()
    own_emulator.state.chmod(0o755)
    (own_emulator.state / "notes.txt").write_text("mine", encoding="utf-8")
    for path in own_emulator.state.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    own_emulator.start()
    assert _open_to_others(own_emulator.state) == ["notes.txt 644"]
