"""The emulator as a background process, which goes on after the shell that started it."""

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
READY, RUNNING = "ready", "running"  # the news of a new process that answers, or that another one was first


def start(state: Path, options: Sequence[str]) -> Record:
    """Start the emulator and wait until it answers; it reports through a pipe that it does, or why it cannot."""
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
            news = pipe.read()
        except BaseException:  # interrupted: without a record no command could stop this emulator
            process.terminate()
            process.wait()
            raise
    if news != READY:
        process.wait()
    if news not in {READY, RUNNING}:
        raise EmulatorError(news or f"The emulator ended while it started: see {log_path(state)}.")
    return _await_record(state)


def report(descriptor: int | None, news: str) -> None:
    """Report to start() how the new process fares: READY, RUNNING, or the reason why it cannot start."""
    if descriptor is not None:
        with suppress(OSError):  # start() does not wait any more
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
    """Return the record; it is there already, unless another process is starting this emulator now."""
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
