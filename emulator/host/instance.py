"""One emulator per state folder: its record, its lock, its ports."""

import contextlib
import errno
import fcntl
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import psutil

DEFAULT_PORT = 8790
DEFAULT_SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
HEALTH_PATH = "/emulator/health"
STATUS_PATH = "/emulator/status"
SUBSCRIPTIONS_PATH = "/emulator/subscriptions"
_HOST = "127.0.0.1"
_LARGEST_ANSWER = 16 * 2**20  # bytes
# The emulator's own files in the state folder, which may hold other files of the user's.
_OURS = (
    "emulator.*",
    "cloud.json",
    "service-principal.json",
    "certificates",
    "certificates/*",
    "blobs",
    "services",
    "wheels",
)


class EmulatorError(Exception):
    """The emulator cannot start or be found; one sentence with the fix."""


class AlreadyRunningError(EmulatorError):
    """The state folder has an emulator already."""


@dataclass(frozen=True)
class Record:
    """The content of emulator.json; it stays when the emulator ends, so that its ports are the same next time."""

    pid: int
    createTime: float  # noqa: N815 - the file's own names
    port: int
    identityPort: int  # noqa: N815
    version: str
    nearestPython: bool = False  # noqa: N815

    def is_running(self) -> bool:
        """Say whether this process still runs; its number may be another process's by now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            return process.create_time() == self.createTime and process.status() != psutil.STATUS_ZOMBIE
        return False

    def encode(self) -> bytes:
        """Return the file's content."""
        return json.dumps(asdict(self), indent=2).encode()


def read_record(state: Path) -> Record | None:
    """Return the record of the emulator that runs, or ran last, with this state folder."""
    try:
        found = json.loads((state / "emulator.json").read_text(encoding="utf-8"))
        known = {field.name for field in fields(Record)}
        return Record(**{name: value for name, value in found.items() if name in known})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, AttributeError):
        raise EmulatorError(
            f"{state / 'emulator.json'} is not what an emulator wrote: end the emulator if one runs, "
            f"and delete the file."
        ) from None


def running(state: Path) -> Record | None:
    """Return the record of the emulator that runs with this state folder, or None."""
    record = read_record(state)
    return record if record is not None and record.is_running() else None


@contextmanager
def exclusive(state: Path) -> Iterator[None]:
    """Hold the state folder; the system releases it when the process ends in any way."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)  # the services' keys lie here
        file = (state / "emulator.lock").open("w")
    except OSError as error:
        raise EmulatorError(
            f"The state folder {state} cannot be written ({error.strerror}): choose another with --state."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"An emulator already runs with the state folder {state}.") from None
        yield


def protect(state: Path) -> None:
    """Remove other users' rights to the files that an earlier emulator left in the state folder."""
    for name in _OURS:
        for path in state.glob(name):
            path.chmod(0o700 if path.is_dir() else 0o600)


def bind(port: int) -> socket.socket:
    """Return a socket that listens on this port of the loopback interface; 0 takes a free one."""
    # The protocol by name: only then does asyncio switch Nagle's algorithm off, with which each answer took 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen(socket.SOMAXCONN)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise EmulatorError(_explain_taken(port)) from None
        raise EmulatorError(f"Port {port} cannot be used ({error}): choose another with --port.") from None
    return listener


def bind_default(remembered: int | None) -> socket.socket:
    """Return a socket on the remembered port, else on the default one, else on any free one."""
    for candidate in filter(None, (remembered, DEFAULT_PORT)):
        with contextlib.suppress(EmulatorError):
            return bind(candidate)
    return bind(0)


def bind_identity(port: int, remembered: int | None) -> socket.socket:
    """Return the identity endpoint's socket: on the remembered port, else the next, else any free one."""
    for candidate in (remembered, port + 1):
        if candidate is not None:
            with contextlib.suppress(EmulatorError):
                return bind(candidate)
    return bind(0)


def ask(port: int, path: str, authority: Path | None, timeout_seconds: float = 10) -> Any:
    """Return an emulator's answer on this port; without its authority any certificate is accepted."""
    context = ssl.create_default_context(cafile=authority)
    if authority is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(_HOST, port, timeout=timeout_seconds, context=context)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer, content, end = connection.getresponse(), b"", time.monotonic() + timeout_seconds
        while chunk := answer.read1(_LARGEST_ANSWER):
            content += chunk
            if len(content) > _LARGEST_ANSWER or time.monotonic() > end:  # another program may hold the port
                raise OSError("what answers there sends without end")
        return json.loads(content)


def name_holder(port: int) -> str | None:
    """Name the holder of a port: another emulator, with its state folder, or another program; None if it is free."""
    with contextlib.suppress(EmulatorError):
        bind(port).close()
        return None
    other = _find_state(port)
    return "another program" if other is None else f"another emulator, with the state folder {other}"


def _explain_taken(port: int) -> str:
    other = _find_state(port)
    if other is None:
        return (
            f"Port {port} is taken by another program: end that program, or start the emulator without --port, "
            f"which takes a free one."
        )
    return (
        f"Port {port} is taken by another emulator, with the state folder {other}: use that one (--state {other}), "
        f"stop it (`azureml-emulator stop --state {other}`), or start without --port, which takes a free one."
    )


def _find_state(port: int) -> Path | None:
    """Return the state folder of the emulator on this port, None if something else answers."""
    try:
        return Path(ask(port, HEALTH_PATH, None, timeout_seconds=1)["state"])
    except (OSError, ValueError, TypeError, LookupError, RecursionError, http.client.HTTPException):
        return None
