"""The servers of the benchmark, each on its own port of 127.0.0.1; all end with the benchmark."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import uv
import yaml

from benchmarks.serving.client import Client, UnexpectedAnswerError
from benchmarks.serving.lanes import OURS, TUTORIAL
from digits.runtime import environment, process, server
from digits.runtime.conda import translate
from infra.model import ModelFile
from infra.scoring_directory import CONDA_FILE, ENTRY_SCRIPT
from infra.scoring_package import ScoringPackage

_ROOT = Path(__file__).parents[2]
_SCORING, _PEERS = _ROOT / "scoring", _ROOT / "benchmarks" / "peers"
_START_SECONDS = 120
_SAMPLE_SECONDS = 0.01
_MEMORY_GB = 8  # a limit that no server reaches: memory is measured
# One thread for the numeric libraries of each process, as runtime gives a service with one core.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# 10,000 of scikit-learn's digits are 98 MB of JSON, of MNIST 61.
_LARGE_ENOUGH = {"MAX_BODY_MB": "128"}


class PeerFailedError(Exception):
    """A framework could not be installed or started."""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    pid: int
    python: Path

    def measure_memory(self) -> int:
        """Return the bytes in memory (RSS) of the process and all its children."""
        root = psutil.Process(self.pid)
        total = 0
        for member in (root, *root.children(recursive=True)):
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def measure_peak_memory(self, request: bytes) -> int:
        """Return the largest memory seen while one request was answered."""
        peak = 0
        with Client(self.port) as client, ThreadPoolExecutor(1) as executor:
            answer = executor.submit(client.send, request)
            while not answer.done():
                peak = max(peak, self.measure_memory())
                time.sleep(_SAMPLE_SECONDS)
            answer.result()
        return peak


def start(name: str, directory: Path, model: Path, health: bytes, stack: ExitStack) -> Server:
    """Start a server and return once it answers; the stack ends it. `health` is a request that a peer has to answer."""
    if name == OURS:
        return _start_ours(directory, model, stack)
    if name == TUTORIAL:
        # The same environment; the settings are the inference server's own.
        return _start_inference_server(
            directory / name, stack, source=_PEERS, entry_script="tutorial.py", model=model, variables={}
        )
    return _start_peer(name, directory / name, model, health, stack)


def versions(peers: Sequence[str]) -> dict[str, list[str]]:
    """Return the requirements of each environment."""
    pinned = {
        name: re.findall(r'^#   "(.+?)"', _program(name).read_text(encoding="utf-8"), re.MULTILINE) for name in peers
    }
    return {OURS: translate(_conda())[1], **pinned}


def _start_ours(directory: Path, model: Path, stack: ExitStack) -> Server:
    """Start scoring/ as it is deployed, with the model's manifest and conda.yml's variables."""
    source = directory / "scoring"
    for name, content in ScoringPackage.read(_SCORING, ModelFile.read(model).manifest).files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    variables = {name: str(value) for name, value in _conda().get("variables", {}).items()} | _LARGE_ENOUGH
    return _start_inference_server(
        directory / OURS, stack, source=source, entry_script=ENTRY_SCRIPT, model=model, variables=variables
    )


def _start_peer(name: str, directory: Path, model: Path, health: bytes, stack: ExitStack) -> Server:
    """Install the framework, once, and start its program."""
    python = _install(_program(name))
    directory.mkdir()
    port = _free_port()
    variables = {"PORT": str(port), "MODEL_FILE": str(model), "HOME": str(directory), "BENTOML_DO_NOT_TRACK": "True"}
    with (directory / "server.log").open("wb") as log:
        started = subprocess.Popen(
            [python, _program(name)],
            cwd=directory,
            env={"PATH": os.pathsep.join([str(python.parent), os.defpath]), **_THREADS, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for this process, which ends all of them
        )
    stack.callback(process.end, started.pid, grace_seconds=3)
    _wait_until_it_answers(name, started, port, health, directory / "server.log")
    return Server(port, started.pid, python)


def _start_inference_server(  # noqa: PLR0913 - the differences between the services
    directory: Path,
    stack: ExitStack,
    *,
    source: Path,
    entry_script: str,
    model: Path,
    variables: Mapping[str, str],
) -> Server:
    python = environment.build(_conda(), print) / "bin" / "python"
    started = server.start(
        directory,
        python=python,
        source_directory=source,
        entry_script=entry_script,
        model_directory=model.parent,
        port=0,
        environment_variables=variables,
        memory_gb=_MEMORY_GB,
    )
    stack.callback(started.stop, grace_seconds=3)
    started.wait_until_healthy(_START_SECONDS)
    return Server(started.port, started.pid, python)


def _program(peer: str) -> Path:
    return _PEERS / f"{peer}_server.py"


def _conda() -> dict[str, Any]:
    conda: dict[str, Any] = yaml.safe_load((_SCORING / CONDA_FILE).read_text(encoding="utf-8"))
    return conda


def _install(program: Path) -> Path:
    """Return the interpreter of the environment that the program's first lines describe; uv makes and keeps it."""
    script = ["--no-python-downloads", "--script", str(program)]
    for command in (["sync", "--quiet", *script], ["python", "find", *script]):
        done = subprocess.run([uv.find_uv_bin(), *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PeerFailedError(f"The packages of {program.name} cannot be installed: {done.stderr.strip()}")
    return Path(done.stdout.strip())


def _wait_until_it_answers(name: str, started: "subprocess.Popen[bytes]", port: int, health: bytes, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while started.poll() is None and time.monotonic() < deadline:
        try:
            with Client(port) as client:
                client.send(health)
        except (OSError, UnexpectedAnswerError):
            time.sleep(0.2)
        else:
            return
    last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
    raise PeerFailedError(f"{name} did not answer within {_START_SECONDS} s. Its log ends:\n{last}")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
