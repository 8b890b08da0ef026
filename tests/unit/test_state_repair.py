"""State on this machine after a CLI that was killed: repaired if that is safe, left as it is if not."""

import errno
import gzip
import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digits.stack.repair import RepairError, repair


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


CHECKPOINT = json.dumps({"version": 3, "checkpoint": {"latest": {"resources": [{"urn": f"u{n}"} for n in range(9)]}}})
PLACES = range(0, len(CHECKPOINT), 7)


def list_kept(folder: Path) -> list[str]:
    """Return the contents of the files that were set aside."""
    return [file.read_text() for file in folder.glob("*.cut-*")]


@pytest.mark.parametrize("place", PLACES)
def test_a_cut_checkpoint_is_replaced_by_the_whole_one_before_it(stacks: Path, tmp_path: Path, place: int) -> None:
    """Wherever it was cut, nothing included; the cut file stays, and a second repair does nothing."""
    (stacks / "dev.json").write_text(CHECKPOINT[:place])
    (stacks / "dev.json.bak").write_text(CHECKPOINT)
    (sentence,) = repair(f"file://{tmp_path}", "dev")
    assert "dev.json.bak, of " in sentence
    assert "`make up STACK=dev` adopts what was deployed since" in sentence
    assert (stacks / "dev.json").read_text() == CHECKPOINT
    assert (stacks / "dev.json.bak").read_text() == CHECKPOINT
    assert list_kept(stacks) == [CHECKPOINT[:place]]
    assert repair(f"file://{tmp_path}", "dev") == []


@pytest.mark.parametrize("backup", [None, "", CHECKPOINT[:50]], ids=["missing", "empty", "cut"])
def test_without_a_whole_backup_the_newest_whole_checkpoint_of_the_history_serves(
    stacks: Path, tmp_path: Path, backup: str | None
) -> None:
    """A second save on a full disk cuts the backup too. An entry of the history that is cut is set aside."""
    (stacks / "dev.json").write_text(CHECKPOINT[:80])
    (stacks / "dev.json.bak").unlink()
    if backup is not None:
        (stacks / "dev.json.bak").write_text(backup)
    history = tmp_path / ".pulumi/history/digits/dev"
    history.mkdir(parents=True)
    for name, content in (("dev-1", '{"version": 1}'), ("dev-2", CHECKPOINT), ("dev-3", CHECKPOINT[:9])):
        (history / f"{name}.checkpoint.json").write_text(content)
    entry, sentence = repair(f"file://{tmp_path}", "dev")
    assert entry.startswith("dev-3.checkpoint.json was cut")
    assert "dev-2.checkpoint.json, of " in sentence
    assert (stacks / "dev.json").read_text() == CHECKPOINT
    assert (list_kept(stacks), list_kept(history)) == ([CHECKPOINT[:80]], [CHECKPOINT[:9]])


def test_without_any_whole_copy_the_stack_begins_anew_and_the_cut_file_stays(stacks: Path, tmp_path: Path) -> None:
    """The CLI makes the stack again, and its deployment adopts what is there."""
    (stacks / "dev.json").write_text(CHECKPOINT[:80])
    (stacks / "dev.json.bak").write_text("")
    (sentence,) = repair(f"file://{tmp_path}", "dev")
    assert "no whole copy of it is left: `make up STACK=dev` adopts what is deployed" in sentence
    assert not (stacks / "dev.json").exists()
    assert list_kept(stacks) == [CHECKPOINT[:80]]


@pytest.mark.parametrize("has_history", [True, False], ids=["killed", "removed"])
def test_a_checkpoint_that_was_moved_away_comes_back_unless_the_stack_was_removed(
    stacks: Path, tmp_path: Path, *, has_history: bool
) -> None:
    """`pulumi stack rm` leaves the backup and takes the history with it."""
    (stacks / "dev.json").unlink()
    if has_history:
        (tmp_path / ".pulumi/history/digits/dev").mkdir(parents=True)
        (tmp_path / ".pulumi/history/digits/dev/dev-1.history.json").write_text("{}")
        (tmp_path / ".pulumi/history/digits/dev/dev-1.checkpoint.json").write_text("{}")
    assert len(repair(f"file://{tmp_path}", "dev")) == has_history
    assert (stacks / "dev.json").exists() is has_history


def test_a_compressed_checkpoint_is_restored_too(stacks: Path, tmp_path: Path) -> None:
    """PULUMI_SELF_MANAGED_STATE_GZIP writes them."""
    for file in stacks.iterdir():
        file.unlink()
    whole = gzip.compress(CHECKPOINT.encode())
    (stacks / "dev.json.gz").write_bytes(whole[:-9])
    (stacks / "dev.json.gz.bak").write_bytes(whole)
    assert len(repair(f"file://{tmp_path}", "dev")) == 1
    assert gzip.decompress((stacks / "dev.json.gz").read_bytes()) == CHECKPOINT.encode()


@pytest.mark.parametrize("content", ["", "vers", "version: "])
def test_a_version_of_the_folder_that_is_cut_is_set_aside(stacks: Path, tmp_path: Path, content: str) -> None:
    """The CLI writes it anew; a whole one stays."""
    meta = stacks.parents[1] / "meta.yaml"
    meta.write_text("version: 1\n")
    assert repair(f"file://{tmp_path}", "dev") == []
    meta.write_text(content)
    assert len(repair(f"file://{tmp_path}", "dev")) == 1
    assert list_kept(meta.parent) == [content]
    assert not meta.exists()


@pytest.mark.parametrize("name", ["one.json", "one.json.18ec2e615f35778c.tmp"])
@pytest.mark.parametrize("length", [0, 1, 40])
def test_a_lock_that_was_never_written_whole_is_dropped(tmp_path: Path, name: str, length: int) -> None:
    """The CLI that met the full disk gave up, and every other one takes the file for a lock, the temporary one too."""
    path = lock(tmp_path, os.getpid(), socket.gethostname())
    path = path.rename(path.with_name(name))
    path.write_text(path.read_text()[:length])
    assert len(repair(f"file://{tmp_path}", "dev")) == 1
    assert not path.exists()


def test_a_state_that_a_running_deployment_writes_is_not_changed(stacks: Path, tmp_path: Path) -> None:
    """It may be cut for a moment while its disk is full, and its CLI saves it again."""
    lock(tmp_path, os.getpid(), socket.gethostname())
    (stacks / "dev.json").write_text("")
    assert repair(f"file://{tmp_path}", "dev") == []
    assert (stacks / "dev.json").read_text() == ""


def test_a_disk_that_is_still_full_is_one_sentence_and_changes_nothing(
    stacks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next repair finds everything as it was."""

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (stacks / "dev.json").write_text(CHECKPOINT[:80])
    monkeypatch.setattr("digits.atomic_files.replace", refuse)
    with pytest.raises(RepairError, match=r"cannot be repaired \(No space left on device\): make room"):
        repair(f"file://{tmp_path}", "dev")
    monkeypatch.undo()
    assert (stacks / "dev.json").read_text() == CHECKPOINT[:80]
    assert len(repair(f"file://{tmp_path}", "dev")) == 1
    assert list_kept(stacks) == [CHECKPOINT[:80]]
