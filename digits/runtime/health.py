"""Whether a server is healthy, the lines of its log, and the reason for its end."""

import contextlib
import re
import select
import signal
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import Self, TextIO

_ANSWER_SECONDS = 5
_TRACEBACK = r"Traceback \(most recent call last\):"
_WRAPS = "The above exception was the direct cause of the following exception:"
_FOLLOWS = "During handling of the above exception, another exception occurred:"
_APPLICATION = "/azureml-app/"  # where the entry script lies, on Azure too
_EXCEPTION_CHARACTERS = 3000
_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class Probe:
    """GET / on one connection, which waits in the server's queue until a worker is ready."""

    def __init__(self, host: str, port: int, *, has_tls: bool = False) -> None:
        self._address = (host, port)
        self._has_tls = has_tls
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def answers_within(self, seconds: float) -> bool:
        """Return whether the server answered 200 within this time; after any other answer, ask again."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, timeout=seconds)
                self._open()
            if not select.select([self._socket], [], [], seconds)[0]:
                return False
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket.settimeout(_ANSWER_SECONDS)
                self._socket.do_handshake()
                self._socket.sendall(_REQUEST)
            if self._socket.recv(64).startswith(b"HTTP/1.1 200 "):
                return True
        except OSError:
            pass
        self.__exit__()
        time.sleep(seconds)
        return False

    def _open(self) -> None:
        """Send the request, or with TLS the greeting, which the request follows."""
        assert self._socket is not None  # noqa: S101 - it was connected this moment
        if not self._has_tls:
            self._socket.sendall(_REQUEST)
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # This server is our own: the question is whether it is healthy, not whether clients believe it.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket, do_handshake_on_connect=False)
        self._socket.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._socket.do_handshake()


def complete_lines(log: TextIO) -> Iterator[str]:
    """Yield the lines that were finished since the last call."""
    while True:
        position = log.tell()
        line = log.readline()
        if not line.endswith("\n"):
            log.seek(position)
            return
        yield line.rstrip()


def cause(lines: Sequence[str]) -> str:
    """Return ": " and the exception that ended the entry script, or nothing if the log names none.

    Of an exception's text, which may hold a traceback itself, only the first line counts.
    """
    last = _last_report(lines)
    begins = [at for at, line in enumerate(last) if re.search(_TRACEBACK, line)]
    # A group of exceptions has its own frame of bars; other indented lines are code.
    after = [line.removeprefix("  | ") for line in last[begins[0] + 1 :]] if begins else []
    line = next((line for line in after if re.match(r"[A-Za-z_][\w.]*(: |:?$)", line)), "")
    line = line.removeprefix("azureml_inference_server_http.server.user_script.").rstrip(".: ")
    return f": {line}" if line else ""


def last_exception(lines: Sequence[str]) -> str:
    """Return the last traceback of the entry script, from its own first frame on, or nothing."""
    last = [line.rstrip() for line in _last_report(lines)]
    frames = [at for at, line in enumerate(last) if line.lstrip().startswith('File "') and _APPLICATION in line]
    return "\n".join(line for line in last[frames[0] :] if line)[-_EXCEPTION_CHARACTERS:] if frames else ""


def _last_report(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines that the inference server wrote about the last exception.

    It wraps the script's exception in one of its own. The script's is the one before the last "direct cause".
    """
    reports = [at for at, line in enumerate(lines) if re.search(rf"azmlinfsrv - .*{_TRACEBACK}", line)]
    report = lines[reports[-1] :] if reports else lines
    wraps = [at for at, line in enumerate(report) if line.startswith(_WRAPS)]
    links = [at for at, line in enumerate(report[: wraps[-1]]) if line.startswith((_WRAPS, _FOLLOWS))] if wraps else []
    return report[links[-1] if links else 0 : wraps[-1] if wraps else None]


def ending(code: int) -> str:
    """Say in words how a process ended."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
