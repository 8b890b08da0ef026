"""How gunicorn runs the inference server on this machine: workers, keys, time limit, the watch over its owner.

gunicorn reads this file inside the scoring environment, so it imports only the standard library, as of Python 3.8.
`server.start` gives the address on the command line and the rest as environment variables.
"""

from __future__ import annotations

import hmac
import json
import os
import resource
import signal
import ssl
import sys
import threading
from contextlib import contextmanager
from time import monotonic, sleep  # taken now: a gevent worker replaces it, and the watch needs the real one
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

workers = int(os.environ.get("WORKER_COUNT", "1"))
timeout = int(os.environ.get("WORKER_TIMEOUT", "300"))  # the inference server's own names and defaults
accesslog = "-"
certfile = os.environ.get("RUNTIME_CERTIFICATE_FILE")  # with both of them it speaks only TLS
keyfile = os.environ.get("RUNTIME_CERTIFICATE_KEY_FILE")
control_socket_disable = True  # two servers of one user would share the socket, which nothing uses

_deadlines: dict[object, float] = {}  # of the requests that a gevent worker runs, by greenlet
_WATCH_SECONDS = 0.5
_LAST_SECONDS = 5
_DRAIN_CHUNKS = 1600
# Azure's own wording is not documented; this is the shape of the inference server's errors.
_REFUSAL = b'{"message": "Unauthorized: send one of the keys of the service as Authorization: Bearer <key>."}'


class _Master(Protocol):
    """The part of gunicorn's arbiter that is used here."""

    pid: int


class _Worker(Protocol):
    """The part of gunicorn's worker that is used here."""

    wsgi: WSGIApplication


def when_ready(server: _Master) -> None:
    """Watch over the process that started this server."""
    _watch(int(os.environ["RUNTIME_OWNER_PID"]), signal.SIGQUIT, lambda: os.killpg(server.pid, signal.SIGKILL))


def post_fork(server: _Master, worker: _Worker) -> None:  # noqa: ARG001 - gunicorn calls it so
    """Watch over the master, and take no more memory than the service was given."""
    # A sync worker looks at its parent only every `timeout` seconds: too long to hold the port.
    _watch(server.pid, signal.SIGTERM, lambda: os._exit(1), _end_late_requests)
    # RLIMIT_DATA counts what the process may write to; macOS accepts the limit and does not hold it.
    limit = int(os.environ["RUNTIME_MEMORY_BYTES"])
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def post_worker_init(worker: _Worker) -> None:
    """Put the key check before the application, and make a gevent worker hold its limits quietly."""
    if "gevent" in sys.modules:
        hub = sys.modules["gevent"].get_hub()
        hub.NOT_ERROR = (*hub.NOT_ERROR, ssl.SSLError)  # a traceback for each client that breaks off a handshake
        # The inference server's limit holds only in the main thread, which it does not recognise under gevent.
        signal.signal(signal.SIGVTALRM, _raise_if_late)
        sys.modules["azureml_inference_server_http.server.user_script"].timeout = _limit  # type: ignore[attr-defined] # theirs
    if "RUNTIME_KEYS_FILE" in os.environ:
        worker.wsgi = _KeyCheck(worker.wsgi, os.environ["RUNTIME_KEYS_FILE"])


def pre_request(worker: _Worker, req: object) -> None:  # noqa: ARG001 - gunicorn calls it so
    """Let the other connections of a gevent worker go first: a client that sends without a pause never waits."""
    if "gevent" in sys.modules:
        sys.modules["gevent"].sleep(0)


def _watch(
    parent: int, first_signal: signal.Signals, last_resort: Callable[[], object], also: Callable[[], object] = int
) -> None:
    """End this process once its parent is gone: kill -9 of the owner leaves no orphan."""

    def watch() -> None:
        while os.getppid() == parent:
            also()
            sleep(_WATCH_SECONDS)
        os.kill(os.getpid(), first_signal)
        sleep(_LAST_SECONDS)
        last_resort()

    threading.Thread(target=watch, name="owner-watch", daemon=True).start()


@contextmanager
def _limit(milliseconds: int) -> Iterator[None]:
    """Raise TimeoutError in the request of a gevent worker that waits, or computes, longer than this."""
    greenlet = sys.modules["gevent"].getcurrent()
    environ = sys.modules["flask"].request.environ
    environ["wsgi.input"] = _Body(environ["wsgi.input"], greenlet)
    _deadlines[greenlet] = monotonic() + milliseconds / 1000
    try:
        yield
    finally:
        _deadlines.pop(greenlet, None)


class _Body:
    """A request's body, whose sender may take its time: it does not count as the entry script's."""

    def __init__(self, body: object, greenlet: object) -> None:
        self._body = body
        self._greenlet = greenlet

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._body, name)

        def read(*arguments: object) -> object:
            left = _deadlines.pop(self._greenlet, None)
            began = monotonic()
            try:
                return method(*arguments)
            finally:
                if left is not None:
                    _deadlines[self._greenlet] = left + monotonic() - began

        return read


def _end_late_requests() -> None:
    if any(_is_late(greenlet) for greenlet in list(_deadlines)):
        os.kill(os.getpid(), signal.SIGVTALRM)


def _raise_if_late(_signal: int, _frame: object) -> None:
    """Raise in the request that computes, if it is late, and let the hub wake the waiting ones."""
    gevent = sys.modules["gevent"]
    for greenlet in [each for each in _deadlines if _is_late(each)]:
        if greenlet is gevent.getcurrent():
            del _deadlines[greenlet]
            raise TimeoutError
        gevent.get_hub().loop.run_callback(_wake, greenlet)


def _wake(greenlet: Any) -> None:
    if _is_late(greenlet):  # still
        del _deadlines[greenlet]
        greenlet.throw(TimeoutError)


def _is_late(greenlet: object) -> bool:
    return _deadlines.get(greenlet, float("inf")) < monotonic()


class _KeyCheck:
    """Lets a request through if it carries one of the keys; the health probe needs none, as on ACI."""

    def __init__(self, application: WSGIApplication, path: str) -> None:
        self._application = application
        self._path = path
        self._read: tuple[int, int] | None = None
        self._keys: list[bytes] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/" and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._application(environ, start_response)
        scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        given = given.strip().encode("latin-1")
        # A list, not a generator: the time must not show which key was nearer.
        if scheme.lower() == "bearer" and any([hmac.compare_digest(given, key) for key in self._current()]):  # noqa: C419
            return self._application(environ, start_response)
        cors = self._cors_headers(environ)
        is_preflight = environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        if is_preflight and any(name == "Access-Control-Allow-Origin" for name, _ in cors):
            return _answer(environ, start_response, "200 OK", cors)  # a browser sends no key with it
        return _answer(environ, start_response, "401 Unauthorized", [*cors, ("WWW-Authenticate", "Bearer")], _REFUSAL)

    def _cors_headers(self, environ: WSGIEnvironment) -> list[tuple[str, str]]:
        """Return the CORS headers of the inference server for this origin, from a path that runs no entry script."""
        found: list[tuple[str, str]] = []

        def keep(_status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
            found.extend(header for header in headers if header[0].startswith(("Access-Control-", "Vary")))
            return bytes  # WSGI's old write(), which nobody calls

        method = "OPTIONS" if environ["REQUEST_METHOD"] == "OPTIONS" else "GET"
        answer = self._application({**environ, "PATH_INFO": "/", "REQUEST_METHOD": method}, keep)
        getattr(answer, "close", int)()
        return found

    def _current(self) -> list[bytes]:
        """Return the keys. A file that was replaced is read again; a file that cannot be read lets nobody in."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - on the path of every request
            if self._read != (status.st_mtime_ns, status.st_ino):
                with open(self._path, encoding="utf-8") as file:  # noqa: PTH123
                    self._keys = [key.encode() for key in json.load(file)]
                self._read = (status.st_mtime_ns, status.st_ino)
        except (OSError, ValueError):
            self._keys, self._read = [], None
        return self._keys


def _answer(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    status: str,
    headers: list[tuple[str, str]],
    body: bytes = b"",
) -> Iterable[bytes]:
    """Read the body, then answer: a client that still sends would see a reset, not the answer."""
    for _ in range(_DRAIN_CHUNKS):
        if not environ["wsgi.input"].read(65536):
            break
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers])
    return [body]
