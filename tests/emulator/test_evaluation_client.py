"""What the evaluation makes of services that answer wrongly, and of mirrors that do: a small HTTP server plays both."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from evaluation import mnist
from evaluation.client import score
from evaluation.errors import DatasetError, ServiceError

Answer = Callable[[str], tuple[int, bytes]]
IMAGES = np.zeros((3, 784), np.uint8)


class Handler(BaseHTTPRequestHandler):
    """Answers what the test says."""

    answer: Answer

    def do_POST(self) -> None:
        """Answer to a request for scores."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        """Answer to a request for a file."""
        status, body = type(self).answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Give a function that starts a server with these answers and returns its base URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        handler = type("TestHandler", (Handler,), {"answer": staticmethod(answer)})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"[1, 2]", "answered 2 labels for 3 rows"),
        (200, b"[1, 2, 3, 4]", "answered 4 labels for 3 rows"),
        (200, b'["1", "2", "3"]', 'answered something other than a list of labels: ["1", "2", "3"]'),
        (200, b"[true, false, true]", "answered something other than a list of labels"),
        (200, b"[1.0, 2.0, 3.0]", "answered something other than a list of labels"),
        (200, b'{"labels": [1, 2, 3]}', "answered something other than a list of labels"),
        (200, b"<html>\n<p>Hello", "answered something other than JSON: <html> <p>Hello"),
        (200, b"", "answered something other than JSON: nothing at all."),
        (400, b'{"message": "Row 0 is odd."}', "answered 400: Row 0 is odd."),
        (403, b"", "refuses the key (403)"),
        (500, b"x" * 1000, "answered 500: " + "x" * 200 + "…"),
    ],
)
def test_an_answer_that_is_not_labels_is_one_sentence(
    serve: Callable[[Answer], str], status: int, body: bytes, sentence: str
) -> None:
    """Whatever answers behind the URL, it is named and quoted in brief, and nothing is counted."""
    uri = serve(lambda _path: (status, body))
    with pytest.raises(ServiceError) as raised:
        score(uri, "key", IMAGES)
    assert f"The service at {uri} " in str(raised.value)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_service_on_this_machine_is_not_asked_for_through_a_proxy(
    serve: Callable[[Answer], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a company's proxy the dev stack is evaluated all the same."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert score(serve(lambda _path: (200, b"[1, 2, 3]")), None, IMAGES) == [1, 2, 3]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of downloads."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "digits" / "data" / "mnist"


def test_mirrors_are_tried_in_turn_and_nothing_wrong_is_kept(serve: Callable[[Answer], str], cache: Path) -> None:
    """A missing file, a page instead of it, another file under its name: each mirror's fault is told."""
    other = gzip.compress(b"Fashion-MNIST")
    answers: list[tuple[int, bytes]] = [(404, b""), (200, b"<html>"), (200, other)]
    mirrors = [serve(lambda _path, answer=answer: answer) for answer in answers]  # type: ignore[misc]  # a default is no part of Answer
    with pytest.raises(DatasetError) as raised:
        mnist.read("test", mirrors=[*mirrors, "http://127.0.0.1:9/"], progress=lambda _done, _total: None)
    sentence = str(raised.value)
    assert sentence.startswith("t10k-images-idx3-ubyte.gz could not be downloaded (")
    for reason in ("404", "not a whole gzip file", "is not MNIST's", "Connection refused"):
        assert reason in sentence
    assert "\n" not in sentence
    assert not cache.exists()
