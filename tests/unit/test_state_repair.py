"""State on this machine after a CLI that was killed: repaired if that is safe, left as it is if not."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digits.stack.repair import repair


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    """A backend with a checkpoint, its attributes and the checkpoint before it."""
    folder = tmp_path / ".pulumi/stacks/digits"
    folder.mkdir(parents=True)
    (folder / "dev.json").write_text('{"version": 3}')
    (folder / "dev.json.attrs").write_text('{"user.content_type": "application/json"}')
    (folder / "dev.json.bak").write_text('{"version": 2}')
    return folder


def lock(backend: Path, pid: int, hostname: str) -> Path:
    """Write a lock as the CLI does."""
    path = backend / ".pulumi/locks/organization/digits/dev/one.json"
    path.parent.mkdir(parents=True)
    holder = {"pid": pid, "username": "u", "hostname": hostname, "timestamp": datetime.now(UTC).isoformat()}
    path.write_text(json.dumps(holder))
    return path


def test_attributes_that_were_never_written_are_dropped(stacks: Path, tmp_path: Path) -> None:
    """The checkpoint next to them is whole, and the CLI reads it without."""
    (stacks / "dev.json.attrs").write_text("")
    assert len(repair(f"file://{tmp_path}", "dev")) == 1
    assert not (stacks / "dev.json.attrs").exists()
    assert (stacks / "dev.json").read_text() == '{"version": 3}'


def test_whole_state_is_not_changed(stacks: Path, tmp_path: Path) -> None:
    """Nothing is done, and nothing is said; another stack is not looked at."""
    (stacks / "other.json.attrs").write_text("")
    before = {file.name: file.read_bytes() for file in stacks.iterdir()}
    assert repair(f"file://{tmp_path}?metadata=skip", "dev") == []
    assert {file.name: file.read_bytes() for file in stacks.iterdir()} == before


def test_the_lock_of_a_process_that_is_gone_is_dropped(tmp_path: Path) -> None:
    """A killed CLI locks nobody out."""
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], check=True, capture_output=True)
    path = lock(tmp_path, int(gone.stdout), socket.gethostname())
    assert len(repair(f"file://{tmp_path}", "dev")) == 1
    assert not path.exists()


@pytest.mark.parametrize(
    ("pid", "hostname"), [(os.getpid(), socket.gethostname()), (1, "elsewhere")], ids=["here", "elsewhere"]
)
def test_a_lock_that_may_be_held_stays(tmp_path: Path, pid: int, hostname: str) -> None:
    """A running `up`, here or on another machine, keeps its lock."""
    path = lock(tmp_path, pid, hostname)
    assert repair(f"file://{tmp_path}", "dev") == []
    assert path.exists()


def test_other_backends_are_not_changed() -> None:
    """Azure Blob and Pulumi Cloud keep whole checkpoints by themselves."""
    assert repair("azblob://state", "dev") == []
    assert repair("", "dev") == []
