"""The server's process: noted in its folder, ended with everything that it started, never taken for another."""

import json
from pathlib import Path

import psutil


def remember(directory: Path, pid: int) -> None:
    """Note the process that serves this folder. Its start time distinguishes it from a later one of this number."""
    record = {"pid": pid, "createTime": psutil.Process(pid).create_time()}
    _record_file(directory).write_text(json.dumps(record), encoding="utf-8")


def forget(directory: Path) -> None:
    """Note that no process serves this folder."""
    _record_file(directory).unlink(missing_ok=True)


def end_leftover(directory: Path) -> bool:
    """End the server that a killed owner left in this folder; return whether there was one."""
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
    """Send SIGTERM, then kill the process and its children if they still run."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    psutil.wait_procs([process], timeout=grace_seconds)
    for member in family:
        try:
            member.kill()  # psutil checks the start time first, so a later process of this number is safe
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)


def _record_file(directory: Path) -> Path:
    return directory / "server.json"
