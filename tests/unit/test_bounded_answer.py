"""Answers without end are refused where they pass the limit, from each kind of server."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import numpy as np
import pytest

from digits import bounded_answer
from digits.evaluation.evaluation_errors import ServiceError
from digits.evaluation.scoring_client import score
from digits.github.api import GitHubError, Repository
from emulator.host import instance
from tools.pulumi import release
from tools.pulumi.cli import ReleaseUnreachableError

Start = Callable[..., str]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
ZEROS = b"%x\r\n%s\r\n" % (2**16, bytes(2**16))


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts a server: its headers, and the piece that it sends again and again."""
    listeners: list[socket.socket] = []

    def send(listener: socket.socket, head: bytes, piece: bytes, pause: float) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=drip, args=(connection, head, piece, pause), daemon=True).start()

    def drip(connection: socket.socket, head: bytes, piece: bytes, pause: float) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(head + b"\r\n")
            while True:
                connection.sendall(piece)
                time.sleep(pause)

    def begin(head: bytes = CHUNKED, piece: bytes = ZEROS, pause: float = 0) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=send, args=(listener, head, piece, pause), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield begin
    for listener in listeners:
        listener.close()


def ask(url: str, **limits: Any) -> httpx.Response:
    """Ask with small limits."""
    with httpx.Client(trust_env=False) as client:
        return bounded_answer.request(client, "GET", url, **{"largest": 2**20, "seconds": 20, **limits})


def test_an_endless_answer_is_refused_at_its_limit(start: Start) -> None:
    """In a second, and not when the memory is full."""
    with pytest.raises(bounded_answer.AnswerError, match=r"^answered with more than 1 MiB$"):
        ask(start())


def test_an_answer_that_expands_without_end_is_refused(start: Start) -> None:
    """The limit holds for what the reader would get."""
    bomb = gzip.compress(bytes(2**26))
    piece = b"%x\r\n%s\r\n" % (len(bomb), bomb)
    with pytest.raises(bounded_answer.AnswerError, match="more than 1 MiB"):
        ask(start(CHUNKED + b"Content-Encoding: gzip\r\n", piece))


def test_an_answer_that_drips_is_refused_in_time(start: Start) -> None:
    """Each piece comes within the client's own time-out."""
    with pytest.raises(bounded_answer.AnswerError, match=r"^took longer than 0\.5 s$"):
        ask(start(piece=b"1\r\nx\r\n", pause=0.05), seconds=0.5)


def test_a_service_that_answers_without_end_is_one_sentence(start: Start) -> None:
    """The evaluation ends."""
    with pytest.raises(ServiceError, match=r"answered with more than 4 MiB for 2 rows: have score\.py answer"):
        score(start(), None, np.zeros((2, 784), np.uint8))


def test_github_that_answers_without_end_is_one_sentence(start: Start) -> None:
    """GITHUB_API_URL may lead anywhere."""
    repository = Repository(httpx.Client(base_url=start(), trust_env=False))
    with pytest.raises(GitHubError, match="GitHub answered with more than 32 MiB to GET issues: "):
        repository.send("GET", "issues")


def test_a_list_of_github_without_end_is_one_sentence() -> None:
    """Each page is full."""
    page = httpx.MockTransport(lambda _request: httpx.Response(200, json=[{}] * 100))
    repository = Repository(httpx.Client(base_url="http://127.0.0.1:9/", transport=page))
    with pytest.raises(GitHubError, match="lists more than 10,000 entries of issues"):
        list(repository.list("issues"))


def test_a_download_site_that_answers_without_end_is_one_sentence(start: Start) -> None:
    """The CLI is then built or found elsewhere."""
    with pytest.raises(ReleaseUnreachableError, match="answered with more than 1 MiB"):
        release.probe(start(), seconds=20)


def test_another_program_on_the_port_that_answers_without_end_is_not_the_emulator(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is read for a second at most."""

    class Plain(instance.http.client.HTTPConnection):  # type: ignore[name-defined, misc]
        def __init__(self, *arguments: Any, context: object, **options: Any) -> None:  # noqa: ARG002
            super().__init__(*arguments, **options)

    monkeypatch.setattr(instance.http.client, "HTTPSConnection", Plain)  # type: ignore[attr-defined] # an import of that module
    port = int(start().rsplit(":", 1)[1].strip("/"))
    assert instance.name_holder(port) == "another program"
    port = int(start(piece=b"1\r\n[\r\n", pause=0.05).rsplit(":", 1)[1].strip("/"))
    assert instance.name_holder(port) == "another program"
