"""The serving benchmark: its client, the requests of its lanes, its check of labels, and what it makes of samples."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from benchmarks.serving.__main__ import main
from benchmarks.serving.client import Client, UnexpectedAnswerError, prepare
from benchmarks.serving.lanes import LANES, Lane, Rows
from benchmarks.serving.measurement import Samples, WrongLabelsError, check
from benchmarks.serving.results import Ratio, gain, percentiles, speedup

IMAGES = np.arange(2 * 784, dtype=np.uint16).reshape(2, 784).astype(np.uint8)


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[int, list[int]]]:
    """Run a server with one answer for each request; give its port, and which connection each request came on."""
    came_on: list[int] = []

    def serve() -> None:
        connections = 0
        left = list(answers)
        while left:
            connection, _ = listener.accept()
            with connection:
                while left and connection.recv(65536):
                    came_on.append(connections)
                    connection.sendall(answer := left.pop(0))
                    if b"close" in answer:
                        break
            connections += 1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], came_on
        thread.join(5)


def answer(body: bytes, *, status: str = "200 OK", header: str = "Connection: keep-alive") -> bytes:
    """Return an HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header}\r\n\r\n".encode() + body


def test_the_client_keeps_the_connection_until_the_server_closes_it() -> None:
    """Who keeps connections is measured with them kept, and who does not is measured with the cost of a new one."""
    with answering(answer(b"[1]"), answer(b"[2]", header="Connection: close"), answer(b"[3]")) as (port, came_on):
        with Client(port) as client:
            bodies = [client.send(prepare("/score", b"{}")) for _ in range(3)]
        assert bodies == [b"[1]", b"[2]", b"[3]"]
        assert came_on == [0, 0, 1]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (answer(b'{"message": "no"}', status="400 Bad Request"), '^http/1.1 400 bad request: {"message": "no"}$'),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1]", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: close\r\n\r\n[1]", "in the middle of an answer"),
    ],
)
def test_anything_but_a_whole_200_is_an_error(sent: bytes, said: str) -> None:
    """A server that refuses quickly must not look like a fast one."""
    with answering(sent) as (port, _), Client(port) as client, pytest.raises(UnexpectedAnswerError, match=said):
        client.send(prepare("/score", b"{}"))


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)
def test_every_lane_sends_the_same_rows(lane: Lane) -> None:
    """Ratios compare the same work: the rows read back from each body are the images, pixel by pixel."""
    head, _, body = lane.request(Rows(IMAGES)).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    if b"vnd.digits.uint8" in head:
        rows = np.frombuffer(body, np.uint8) / 255
    elif b"Content-Type: application/octet-stream" in head:
        rows = np.frombuffer(body, "<f4").astype(np.float64)
    else:
        (content,) = json.loads(body).values()
        if isinstance(content[0], dict):
            assert content[0]["shape"] == [2, 784]
            content = content[0]["data"]
            assert len(content) == IMAGES.size
        rows = np.array(content)
    assert np.array_equal(np.round(rows.reshape(2, 784) * 255), IMAGES)


def test_the_labels_of_a_lane_must_be_the_models_own() -> None:
    """One label that differs ends the benchmark, and so does an answer that is too short."""
    check("a lane", [1, 2, 3], [1, 2, 3])
    with pytest.raises(WrongLabelsError, match=r"^a lane answered 1 of 3 rows otherwise .* row 1 first: 7, not 2\.$"):
        check("a lane", [1, 7, 3], [1, 2, 3])
    with pytest.raises(WrongLabelsError, match=r"^a lane answered 2 labels for 3 rows\.$"):
        check("a lane", [1, 2], [1, 2, 3])


def test_a_ratio_compares_within_a_repeat() -> None:
    """A machine that was slow in one repeat was slow for both: the ratio does not see it."""
    samples = Samples()
    for slowness in (1, 5, 1):
        samples.add_latency("tutorial's score.py", 1, [8 * slowness, 9 * slowness, 100 * slowness])
        samples.add_latency("this service, JSON", 1, [3 * slowness])
        samples.add_throughput("tutorial's score.py", 1, 100 / slowness)
        samples.add_throughput("this service, JSON", 1, 800 / slowness)
    assert speedup(samples, "this service, JSON", 1) == Ratio(3, 3, 3)
    assert gain(samples, "this service, JSON", 1) == Ratio(8, 8, 8)
    assert percentiles(samples, "this service, JSON", 1) == (3, 15)


def test_an_unknown_framework_is_refused_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name costs seconds, not a run that lacks a lane."""
    with pytest.raises(SystemExit) as ended:
        main(["--peers", "fastapi,tourchserve"])
    assert ended.value.code == 2
    assert "tourchserve: choose of fastapi, mlserver, bentoml, kserve, or none" in capsys.readouterr().err
