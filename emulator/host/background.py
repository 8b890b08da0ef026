"""The emulator as a process of its own, which outlives the shell that started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from emulator.host import instance
from emulator.host.instance import EmulatorError, Record

_STOP_SECONDS = 30
_LOG_BYTES = 5_000_000
READY, RUNNING = "ready", "running"  # what the new process tells when all is well, or somebody else was first


def start(state: Path, options: Sequence[str]) -> Record:
    """Start the emulator and wait until it answers; it tells through a pipe when, or why not."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "emulator", "start", "--foreground", "--state", str(state)]
    command += ["--ready-descriptor", str(writing), *options]
    with os.fdopen(reading) as pipe, _open_log(state) as log:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        try:
            told = pipe.read()
        except BaseException:  # interrupted: nobody would know of an emulator that has no record yet
            process.terminate()
            process.wait()
            raise
    if told != READY:
        process.wait()
    if told not in {READY, RUNNING}:
        raise EmulatorError(told or f"The emulator ended while it started: see {log_path(state)}.")
    return _await_record(state)


def tell(descriptor: int | None, news: str) -> None:
    """Tell whoever waits in start() how the new process fares: READY, RUNNING, or what keeps it from starting."""
    if descriptor is not None:
        with suppress(OSError):  # nobody waits any more
            os.write(descriptor, news.encode())
            os.close(descriptor)


def stop(record: Record) -> None:
    """End the emulator and wait for it; it ends its web services first."""
    end = time.monotonic() + _STOP_SECONDS
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
        while record.is_running():
            if time.monotonic() > end:
                os.kill(record.pid, signal.SIGKILL)  # what was acknowledged is on the disk; services end by themselves
            time.sleep(0.02)


def log_path(state: Path) -> Path:
    """Return the log of the emulator in the background."""
    return state / "emulator.log"


def _await_record(state: Path) -> Record:
    """Return the record: there already, unless somebody else is starting this emulator at this moment."""
    for _ in range(100):
        record = instance.running(state)
        if record is not None:
            return record
        time.sleep(0.1)
    raise EmulatorError(f"Another emulator holds the state folder {state} and does not answer: see {log_path(state)}.")


def _open_log(state: Path) -> BinaryIO:
    path = log_path(state)
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return open(path, "ab", opener=partial(os.open, mode=0o600))
    except OSError as error:
        raise EmulatorError(
            f"The state folder {state} cannot be written ({error.strerror}): choose another with --state."
        ) from None
