"""Programs that a command runs: on Ctrl-C they end before the command does, with all that they started."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from os import PathLike
from typing import Any

import psutil

GRACE_SECONDS = 10
_LAST_SECONDS = 3
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def run(
    command: Sequence[str | PathLike[str]],
    *,
    timeout: float | None = None,
    **options: Any,
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, as subprocess.run does; `options` are Popen's.

    On Ctrl-C it gets the signal from us, and some seconds to end by itself; a second Ctrl-C ends it at once. What it
    started does not outlive it, which a time-out holds for as well.
    """
    process = start(command, **options)
    with ended_on_error(process):
        printed, complained = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(command, process.returncode, printed, complained)


def start(command: Sequence[str | PathLike[str]], **options: Any) -> "subprocess.Popen[str]":
    """Start a program out of reach of the terminal's Ctrl-C, so that it can still be asked what it has started."""
    # What runs in the child before the program is one call of the system, which is safe next to threads.
    return subprocess.Popen(command, text=True, start_new_session=True, preexec_fn=_follow_parent, **options)  # noqa: PLW1509


def hand_over(command: Sequence[str]) -> int:
    """Run a program that has the terminal to itself, Ctrl-C included, and return its exit status.

    It is waited for however long it takes to end; KeyboardInterrupt comes after that.
    """
    interrupted = False
    with subprocess.Popen(command, preexec_fn=_follow_parent) as process:  # noqa: PLW1509 - as in `start`
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode


@contextmanager
def ended_on_error(process: "subprocess.Popen[str]") -> Iterator[None]:
    """End a program of `start`, and all that it started, where what is done with it raises."""
    try:
        yield
    except BaseException as reason:
        family = _descend(process)
        try:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT if isinstance(reason, KeyboardInterrupt) else signal.SIGTERM)
            _wait(process)
        finally:
            _end(family | _descend(process))
            process.poll()
        raise


def _follow_parent() -> None:
    """Get SIGINT, as on Ctrl-C, once the command that starts this program is killed; only Linux can do that."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _wait(process: "subprocess.Popen[str]") -> None:
    """Give the program some seconds, and read what it prints meanwhile: it may wait for that."""
    end = time.monotonic() + GRACE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        # In short pieces: what it started may hold its output open.
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=0.1)


def _end(family: set[psutil.Process]) -> None:
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, left = psutil.wait_procs(family, timeout=_LAST_SECONDS)
    for member in left:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(left, timeout=_LAST_SECONDS)


def _descend(process: "subprocess.Popen[str]") -> set[psutil.Process]:
    """Return the process and all that it started and that still is its own."""
    with suppress(psutil.NoSuchProcess):
        if process.poll() is None:
            found = psutil.Process(process.pid)
            return {found, *found.children(recursive=True)}
    return set()
