"""The real inference server behind a loopback port: start, health, log, keys, stop.

One server has one folder with its log, its keys and its process's number. It answers only on 127.0.0.1 and sees none
of its owner's environment. If its owner dies, by `kill -9` too, it ends by itself within seconds.
"""

import json
import math
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from digits import atomic_files
from digits.runtime import health, process
from digits.runtime.certificate import Certificate
from digits.runtime.process import end_leftover

__all__ = ["ScoringServer", "ServerFailedError", "end_leftover", "start", "write_keys"]

_HOST = "127.0.0.1"
_CONFIG = Path(__file__).with_name("gunicorn_config.py")
_APPLICATION = "azureml_inference_server_http.server.entry:app"
_BACKLOG = 2048  # gunicorn's own
_LOG_LINES_IN_ERROR = 20
# A container sees nothing of the machine around it. These variables name the language and the way to the network.
_INHERITED = ("LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Azure's containers were seen to have these, and a service's own environment may change them.
_CONTAINER = {"SCORING_TIMEOUT_MS": "60000", "WORKER_TIMEOUT": "300", "WORKER_COUNT": "1"}
_MODELS = "azureml-models"


class ServerFailedError(Exception):
    """The server could not start or did not become healthy. The message ends with the last lines of its log, if any."""


@dataclass(frozen=True)
class ScoringServer:
    """A server that was started, with its port, its process and its folder."""

    directory: Path
    port: int
    pid: int
    _process: "subprocess.Popen[bytes]" = field(repr=False, compare=False)
    has_tls: bool = False

    @property
    def scoring_uri(self) -> str:
        """The address that scores rows; with TLS, clients reach it under the certificate's own name."""
        return f"http{'s' if self.has_tls else ''}://{_HOST}:{self.port}/score"

    @property
    def log_file(self) -> Path:
        """The file with everything that a container would print: server, entry script and requests, in order."""
        return _log_file(self.directory)

    def is_running(self) -> bool:
        """Say whether the process lives, which is less than healthy."""
        return self._process.poll() is None

    def wait_until_healthy(self, timeout_seconds: float, report: Callable[[str], None] = lambda _: None) -> None:
        """Return once GET / answers 200, reporting each new line of the log on the way.

        A server that ends, or is not healthy in time, is a ServerFailedError.
        """
        deadline = time.monotonic() + timeout_seconds
        with (
            self.log_file.open(encoding="utf-8", errors="replace") as log,
            health.Probe(_HOST, self.port, has_tls=self.has_tls) as probe,
        ):
            while True:
                running, healthy = self.is_running(), probe.answers_within(0.1)
                for line in health.complete_lines(log):
                    report(line)
                if healthy:
                    return
                if not running:
                    raise self._failure(f"ended while it started, {health.ending(self._process.returncode)}")
                if time.monotonic() > deadline:
                    raise self._failure(f"was not healthy after {timeout_seconds:g} s")

    def stop(self, grace_seconds: float = 30) -> None:
        """Let running requests finish, then end the server and everything that it started; stopping twice is fine."""
        if self.is_running():
            process.end(self.pid, grace_seconds)
            self._process.wait()
        process.forget(self.directory)

    def _failure(self, what: str) -> ServerFailedError:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        sentence = f"The scoring service {what}{health.cause(lines)}. Its log ends:"
        return ServerFailedError("\n".join([sentence, *lines[-_LOG_LINES_IN_ERROR:]]))


def start(  # noqa: PLR0913 - a service is this many independent things
    directory: Path,
    *,
    python: Path,
    source_directory: Path,
    entry_script: str,
    model_directory: Path | None,
    port: int,
    keys: Sequence[str] | None = None,
    certificate: Certificate | None = None,
    environment_variables: Mapping[str, str] = {},
    cpu_cores: float = 1,
    memory_gb: float = 1,
    notes: Sequence[str] = (),
) -> ScoringServer:
    """Start the inference server on source_directory/entry_script and return at once; port 0 takes any free one.

    `python` is the scoring environment's. Without keys (None) there is no authentication, without a certificate there
    is plain HTTP. Azure's folder azureml-models is linked into the application's root if the model lies in it.
    Cores bound the threads of the numeric libraries. Memory bounds each worker, on Linux; elsewhere only the machine
    does. The log begins with the notes.
    """
    directory, python = directory.absolute(), python.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        end_leftover(directory)
        environment = {
            "PATH": os.pathsep.join([str(python.parent), os.defpath]),
            **_inherited(),
            **_threads(cpu_cores),
            **_CONTAINER,
            **environment_variables,
            **_application(directory, source_directory, entry_script, model_directory),
            "RUNTIME_OWNER_PID": str(os.getpid()),
            "RUNTIME_MEMORY_BYTES": str(int(memory_gb * 2**30)),
        }
        if keys is not None:
            write_keys(directory, keys)
            environment["RUNTIME_KEYS_FILE"] = str(_keys_file(directory))
        if certificate is not None:
            environment["RUNTIME_CERTIFICATE_FILE"] = str(certificate.file.absolute())
            environment["RUNTIME_CERTIFICATE_KEY_FILE"] = str(certificate.key_file.absolute())
        with _listen(port) as listener:
            return _launch(directory, python, environment, listener, notes)
    except (OSError, ValueError) as error:
        raise ServerFailedError(f"The scoring service cannot be started: {error}.") from error


def write_keys(directory: Path, keys: Sequence[str]) -> None:
    """Replace the keys the server accepts; it takes them with the next request."""
    atomic_files.replace(_keys_file(directory), json.dumps(list(keys)).encode(), private=True)


def _launch(
    directory: Path, python: Path, environment: Mapping[str, str], listener: socket.socket, notes: Sequence[str]
) -> ScoringServer:
    gunicorn = [python, "-m", "gunicorn", "--config", _CONFIG, "--bind", f"fd://{listener.fileno()}", _APPLICATION]
    with _log_file(directory).open("wb") as log:
        log.write("".join(f"{note}\n" for note in notes).encode())
        log.flush()
        started = subprocess.Popen(
            [str(part) for part in gunicorn],
            cwd=environment["AML_APP_ROOT"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C in the owner's terminal is the owner's to handle
        )
    try:
        process.remember(directory, started.pid)
    except OSError:
        started.kill()
        started.wait()
        raise
    has_tls = "RUNTIME_CERTIFICATE_FILE" in environment
    return ScoringServer(directory, listener.getsockname()[1], started.pid, started, has_tls)


def _listen(port: int) -> socket.socket:
    """Listen here, not in gunicorn: a taken port is known at once, a free port stays ours, and callers queue."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise ServerFailedError(
            f"The scoring service cannot have port {port} on {_HOST} ({reason}): "
            f"end the program that uses it, or choose another port."
        ) from error
    return listener


def _inherited() -> dict[str, str]:
    names = [*_INHERITED, *_PROXIES, *(name.lower() for name in _PROXIES)]
    return {name: os.environ[name] for name in names if name in os.environ}


def _threads(cpu_cores: float) -> dict[str, str]:
    threads = str(max(1, math.ceil(cpu_cores)))
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)


def _application(
    directory: Path, source_directory: Path, entry_script: str, model_directory: Path | None
) -> dict[str, str]:
    """Lay out the application's root as Azure does: the source under its own name, the models, and nothing of ours."""
    root = directory / "azureml-app"
    root.mkdir(exist_ok=True)
    for link in root.iterdir():
        link.unlink()
    source_directory = source_directory.absolute()
    (root / source_directory.name).symlink_to(source_directory, target_is_directory=True)
    environment = {
        "HOME": str(directory),
        "PYTHONUNBUFFERED": "1",
        "AML_APP_ROOT": str(root),
        "AZUREML_SOURCE_DIRECTORY": source_directory.name,
        "AZUREML_ENTRY_SCRIPT": f"{source_directory.name}/{entry_script}",
    }
    if model_directory is not None:
        environment["AZUREML_MODEL_DIR"] = str(_link_models(root, model_directory.absolute()))
    return environment


def _link_models(root: Path, model_directory: Path) -> Path:
    """Put Azure's folder of models where the SDK's Model.get_model_path looks, and return the model directory there."""
    for folder in (model_directory, *model_directory.parents):
        if folder.name == _MODELS:
            (root / _MODELS).symlink_to(folder, target_is_directory=True)
            return root / _MODELS / model_directory.relative_to(folder)
    return model_directory


def _keys_file(directory: Path) -> Path:
    return directory / "keys.json"


def _log_file(directory: Path) -> Path:
    return directory / "server.log"
