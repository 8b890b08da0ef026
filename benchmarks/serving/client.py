"""The client: prepared bytes over one socket, without Nagle's algorithm, so that only the server is timed.

It is the same for every server: it keeps the connection if the server does, and connects anew if the server closes.
"""

import signal
import socket
import time
from typing import Self

from benchmarks.peers import owner

_HOST = "127.0.0.1"
_TIMEOUT_SECONDS = 120
_CHUNK = 2**18


class UnexpectedAnswerError(Exception):
    """A server answered something other than labels."""


def prepare(path: str, body: bytes, content_type: str = "application/json", accept: str = "application/json") -> bytes:
    """Return a whole request, ready to send."""
    head = f"POST {path} HTTP/1.1\r\nHost: {_HOST}\r\nAccept: {accept}\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Client:
    """One client of one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def send(self, request: bytes) -> bytes:
        """Return the body of the answer; anything but a 200 is an UnexpectedAnswerError."""
        if self._socket is None:
            self._socket = socket.create_connection((_HOST, self._port), timeout=_TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        answer = bytearray()
        while (end := answer.find(b"\r\n\r\n")) < 0:
            self._receive(answer)
        status, *lines = bytes(answer[:end]).lower().split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        del answer[: end + 4]
        # All of them send a length; a chunked answer would be a change to look at.
        if b"content-length" not in headers:
            raise UnexpectedAnswerError(f"An answer without Content-Length: {status.decode()}.")
        while len(answer) < int(headers[b"content-length"]):
            self._receive(answer)
        if headers.get(b"connection") == b"close":
            self.__exit__()
        if not status.startswith(b"http/1.1 200"):
            raise UnexpectedAnswerError(f"{status.decode()}: {bytes(answer[:500]).decode(errors='replace')}")
        return bytes(answer)

    def _receive(self, answer: bytearray) -> None:
        received = self._socket.recv(_CHUNK) if self._socket else b""
        if not received:
            raise UnexpectedAnswerError("The server closed the connection in the middle of an answer.")
        answer += received


def be_a_client() -> None:
    """Prepare a process for measure_rate(): Ctrl-C is for its parent to handle, and it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    owner.watch()


def measure_rate(port: int, request: bytes, start: float, end: float) -> float:
    """Return how many requests per second one client got answered from start to end, on the monotonic clock.

    All processes share that clock, so that they start together.
    """
    answered = 0
    with Client(port) as client:
        time.sleep(max(0, start - time.monotonic()))
        while time.monotonic() < end:
            client.send(request)
            answered += 1
    return answered / (time.monotonic() - start)
