"""The server's process: remembered in its folder, ended with all it started, never mistaken for another."""

import json
from pathlib import Path

import psutil


def remember(directory: Path, pid: int) -> None:
    """Write down which process serves this folder; its start time tells it from a later one with the same number."""
    record = {"pid": pid, "createTime": psutil.Process(pid).create_time()}
    _record_file(directory).write_text(json.dumps(record), encoding="utf-8")


def forget(directory: Path) -> None:
    """Say that no process serves this folder."""
    _record_file(directory).unlink(missing_ok=True)


def end_leftover(directory: Path) -> bool:
    """End the server that an owner who was killed left in this folder; say whether there was one."""
    try:
        record = json.loads(_record_file(directory).read_text(encoding="utf-8"))
        # A second of tolerance: Linux computes start times from a boot time that moves when the clock is set.
        was_there: bool = abs(psutil.Process(record["pid"]).create_time() - record["createTime"]) < 1
    except (OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        was_there = False
    if was_there:
        end(record["pid"], grace_seconds=5)
    forget(directory)
    return was_there


def end(pid: int, grace_seconds: float) -> None:
    """Ask with SIGTERM, then kill what is left of it and its children."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    psutil.wait_procs([process], timeout=grace_seconds)
    for member in family:
        try:
            member.kill()  # psutil looks at the start time first: a process that took over the number is safe
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)


def _record_file(directory: Path) -> Path:
    return directory / "server.json"
