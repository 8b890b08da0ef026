"""Ctrl-C in every command: one line, exit status 130, and within seconds no process of it is left."""

from digits.cli import children

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from select import select

import psutil
import pytest
import trustme
from PIL import Image

from digits.datasets import load
from tests.integration.wire import ROOT
from tools import working_copy

_PATIENCE_SECONDS = 60
# These run in another interpreter than ours, or are a test's own.
_ELSEWHERE = ("infra/policy/", "tests/", "emulator/plugin/", "benchmarks/peers/", "benchmarks/serving/in_process.py")
# A program that hangs, and another one in a process group of its own, as the engine's plugins are.
_HANGS = """#!/usr/bin/env bash
setsid sleep 300 &
touch "$TMPDIR/started"
sleep 300
"""
_PROGRAM, _SERVER, _STATE, _LINE, _NOTHING = "program", "server", "state", "line", "nothing"
_SERVICE = ("--uri", "http://127.0.0.1:{port}/score", "--dataset", "digits")
# By name: what a command waits for when it is interrupted, and its words.
COMMANDS = {
    "drift": (_PROGRAM, "digits", "drift", "--stack", "staging"),
    "preview": (_PROGRAM, "digits", "preview", "--stack", "prod"),
    "promote": (_PROGRAM, "digits", "promote", "--from", "staging", "--to", "prod"),
    "releases": (_PROGRAM, "digits", "releases", "--stack", "staging"),
    "walkthrough": (_PROGRAM, "tools.walkthrough"),
    "bench": (_PROGRAM, "benchmarks.lifecycle"),
    "the CLI": (_PROGRAM, "tools.pulumi"),
    "actionlint": (_PROGRAM, "tools.actionlint"),
    "smoke": (_SERVER, "digits", "evaluate", *_SERVICE),
    "predict": (_SERVER, "digits", "predict", "--uri", "http://127.0.0.1:{port}/score", "{picture}"),
    "emulator status": (_SERVER, "emulator", "status"),
    "logs": (_PROGRAM, "digits", "logs", "--stack", "staging"),
    "comment": (_NOTHING, "digits", "comment", "{pipe}"),
    "emulator logs": (_NOTHING, "emulator", "logs"),
    "emulator start": (_STATE, "emulator", "start", "--port", "0"),
    "training": (_LINE, "digits", "train", "--output", "{folder}"),
    "bench serving": (_LINE, "benchmarks.serving", "--peers", "none"),
}


def find_commands() -> list[Path]:
    """Return all our files that can be run."""
    found = [path.relative_to(ROOT) for room in ROOT.iterdir() if room.is_dir() for path in room.rglob("*.py")]
    return [
        path
        for path in sorted(found)
        if not str(path).startswith((".", *_ELSEWHERE)) and 'if __name__ == "__main__"' in (ROOT / path).read_text()
    ]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """Variables of a shell whose every other program hangs, and whose emulator is of this test."""
    (tmp_path / "bin").mkdir()
    for name in ("pulumi", "make", "go"):
        program = tmp_path / "bin" / name
        program.write_text(_HANGS)
        program.chmod(0o755)
    for folder in ("tmp", "state"):
        (tmp_path / folder).mkdir()
    return {
        **working_copy.clean_environment(),
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path / "tmp"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "AZUREML_EMULATOR_STATE": str(tmp_path / "state"),
        "PULUMI_BACKEND_URL": "azblob://nobody-is-asked",
        "PULUMI_CONFIG_PASSPHRASE": "",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_ends_a_command_with_one_line_and_130(
    name: str, tmp_path: Path, shell: dict[str, str], server: socket.socket
) -> None:
    """As on a terminal, all of its process group gets the signal; what ran in groups of its own ends too."""
    awaited, *words = COMMANDS[name]
    port, picture, pipe = server.getsockname()[1], tmp_path / "digit.png", tmp_path / "report.md"
    Image.fromarray(load("digits", "test").images[0].reshape(28, 28)).save(picture)
    os.mkfifo(pipe)
    if name == "emulator logs":
        os.mkfifo(tmp_path / "state/emulator.log")
    if name == "emulator status":
        ourselves = {"pid": os.getpid(), "createTime": psutil.Process().create_time(), "version": "1"}
        record = {**ourselves, "port": port, "identityPort": port}
        (tmp_path / "state/emulator.json").write_text(json.dumps(record))
        (tmp_path / "state/certificates").mkdir()
        trustme.CA().cert_pem.write_to_path(tmp_path / "state/certificates/ca.pem")
    given = {"port": port, "picture": picture, "folder": tmp_path / "model", "pipe": pipe}
    with _started([word.format_map(given) for word in words], shell) as process:
        assert process.stdout is not None
        if awaited == _LINE:
            process.stdout.readline()
        elif awaited == _NOTHING:
            time.sleep(2)
        else:
            signs = {_PROGRAM: tmp_path / "tmp/started", _STATE: tmp_path / "state/emulator.log"}
            _wait_for(lambda: select([server], [], [], 0)[0] if awaited == _SERVER else signs[awaited].exists())
        printed = _interrupt(process)
    assert process.returncode == 130, printed
    assert "Traceback" not in printed
    assert "nterrupted" in printed.splitlines()[-1]
    assert not (left := _find_left(tmp_path)), left


@contextmanager
def _started(words: Sequence[str], shell: Mapping[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """Run one of our modules in a process group of its own, as a shell does on a terminal."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=shell,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for(happens: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < end, "the command never came to what it waits for"
        time.sleep(0.02)


def _interrupt(process: "subprocess.Popen[str]") -> str:
    """Send Ctrl-C to the process group and return what was printed."""
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=_PATIENCE_SECONDS)[0]


def _find_left(folder: Path) -> list[psutil.Process]:
    """Return the processes that still know the test's folder after the seconds in which servers miss their owner."""
    left = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        known = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
        if process.pid != os.getpid() and any(str(folder) in text for text in known):
            left.append(process)
    _, alive = psutil.wait_procs(left, timeout=15)
    for process in alive:
        process.kill()
    return alive


def test_a_program_that_ignores_ctrl_c_is_ended_with_all_that_it_started(tmp_path: Path, shell: dict[str, str]) -> None:
    """After the seconds that it has to end by itself; a second Ctrl-C does not wait for them."""
    program = tmp_path / "bin/pulumi"
    program.write_text(_HANGS.replace("#!/usr/bin/env bash", "#!/usr/bin/env bash\ntrap '' INT"))
    with _started(["digits", "drift", "--stack", "staging"], shell) as process:
        _wait_for((tmp_path / "tmp/started").exists)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.5)
        began = time.monotonic()
        printed = _interrupt(process)
    assert (process.returncode, printed.splitlines()[-1]) == (130, "Interrupted.")
    assert time.monotonic() - began < children.GRACE_SECONDS
    assert not (left := _find_left(tmp_path)), left


def test_a_deployment_that_is_interrupted_is_waited_for(tmp_path: Path, shell: dict[str, str]) -> None:
    """The CLI has the terminal to itself there: it ends what it is about, and nobody cuts it short."""
    program = tmp_path / "bin/pulumi"
    program.write_text(
        "#!/usr/bin/env bash\ntrap 'sleep 2; echo cancelled; exit 1' INT\ntouch \"$TMPDIR/started\"\nsleep 300\n"
    )
    script = "import digits.cli.interrupt; from digits.cli import children; children.hand_over(['pulumi'])"
    (tmp_path / "handing.py").write_text(script)
    with _started(["handing"], {**shell, "PYTHONPATH": str(tmp_path)}) as process:
        _wait_for((tmp_path / "tmp/started").exists)
        printed = _interrupt(process)
    assert (process.returncode, printed) == (130, "cancelled\nInterrupted.\n")


@pytest.mark.parametrize("file", find_commands(), ids=str)
def test_a_command_imports_the_interrupt_s_handling_before_all_else(file: Path) -> None:
    """The imports of some take seconds, in which Ctrl-C may come as well."""
    first = next(
        node for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
    )
    names = [alias.name for alias in first.names]
    assert names == ["digits.cli.interrupt"] or (isinstance(first, ast.ImportFrom) and first.module == "digits.cli"), (
        names
    )
