"""A program that a command runs does not outlive the command, `kill -9` of the command included."""

import subprocess
import sys

import psutil
import pytest

SLEEP = f"[{sys.executable!r}, '-c', 'import time; print(1, flush=True); time.sleep(60)']"


@pytest.mark.parametrize("run", ["hand_over", "run"])
def test_a_program_ends_with_a_command_that_is_killed(run: str) -> None:
    """It gets the signal of Ctrl-C, so that it ends as it would then."""
    code = f"from digits.cli import children; children.{run}({SLEEP})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == b"1\n"
        (started,) = psutil.Process(command.pid).children()
        command.kill()
        command.stdout.read()  # until the last writer has closed it
    psutil.wait_procs([started], timeout=10)
    assert not started.is_running() or started.status() == psutil.STATUS_ZOMBIE
