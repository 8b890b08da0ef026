"""Files that are replaced in one step, and what is no file to replace."""

import os
import threading
from pathlib import Path

from digits import atomic_files


def test_a_link_stays_one(tmp_path: Path) -> None:
    """The file that it leads to is written, also where there was none yet."""
    target, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    for content in (b"one", b"two"):
        atomic_files.replace(link, content)
        assert (link.is_symlink(), target.read_bytes()) == (True, content)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["elsewhere", "file", "link"]


def test_a_device_stays_one(tmp_path: Path) -> None:
    """`--output /dev/stdout`, run by root, would otherwise leave a file there for the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    atomic_files.replace_all({pipe: b"content", tmp_path / "file": b"other"})
    reader.join(timeout=10)
    assert (pipe.is_fifo(), read, (tmp_path / "file").read_bytes()) == (True, [b"content"], b"other")
