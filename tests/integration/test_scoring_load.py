"""Under load nothing is lost, the slow hold up nobody, a worker that is killed or hangs costs its own requests."""

import contextlib
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from digits import datasets
from tests.integration.deployed import (
    FLOAT32,
    GOOD,
    UINT8,
    Service,
    as_body,
    digits_model,
    read_answer,
    serving,
    serving_model,
    variables,
    write_package,
)
from tests.integration.serving import started

CLIENTS = 4
REQUESTS = 120  # of each client
ENDLESS = """
from azureml_inference_server_http.api.aml_request import rawhttp

def init():
    pass

@rawhttp
def run(request):
    while request.get_data() == b"hang":
        pass
    return 1
"""
# A model that never answers a row of nothing but ones.
STUBBORN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Stubborn(ClassifierMixin, BaseEstimator):
    n_features_in_ = 784

    def predict(self, rows):
        while np.all(rows == 1):
            pass
        return np.zeros(len(rows), int)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The deployed package with the dev stack's model."""
    with serving_model(tmp_path_factory.mktemp("service"), digits_model()) as service:
        yield service


def score_some(service: Service, seed: int, requests: int, *, keep: bool, until: Callable[[], bool]) -> list[str]:
    """Send random images in random ways as one client does, and return what was lost; each answer has to be right."""
    images = datasets.load("digits", "test").images
    labels = digits_model().predict(images / 255)
    generator = random.Random(seed)  # noqa: S311 - sizes, not secrets
    lost: list[str] = []
    with httpx.Client(trust_env=False, timeout=60) as client:
        while requests > 0 or not until():
            requests -= 1
            first = generator.randrange(len(images))
            chosen = images[first : first + generator.choice([1, 1, 5, 100])]
            body, media_type = generator.choice(
                [
                    (as_body((chosen / 255).tolist()), "application/json"),
                    ((chosen / 255).astype("<f4").tobytes(), FLOAT32),
                    (chosen.tobytes(), UINT8),
                ]
            )
            headers = {"Content-Type": media_type, **({} if keep else {"Connection": "close"})}
            try:
                answer = client.post(service.running.scoring_uri, content=body, headers=headers)
            except httpx.TransportError as error:
                lost.append(repr(error))
                continue
            assert answer.status_code == 200, answer.text
            assert answer.json() == labels[first : first + len(chosen)].tolist()
    return lost


def no_more() -> bool:
    """End when the requests are sent."""
    return True


@pytest.mark.parametrize("keep", [True, False], ids=["keep-alive", "a connection each"])
def test_four_clients_lose_nothing(service: Service, keep: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Every answer belongs to its own request, in whatever way and size it was sent, and no worker ends."""
    before = service.workers
    with ThreadPoolExecutor(CLIENTS) as threads:
        running = [threads.submit(score_some, service, n, REQUESTS, keep=keep, until=no_more) for n in range(CLIENTS)]
        assert [client.result() for client in running] == [[]] * CLIENTS
    assert service.workers == before


def test_slow_clients_hold_up_nobody(service: Service) -> None:
    """Ten with half a header, ten with half a body: others are answered meanwhile, and then the slow ones too."""
    body = as_body(GOOD)
    request = b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with contextlib.ExitStack() as connections:
        slow = [(connections.enter_context(service.connect()), cut) for cut in (*[30] * 10, *[len(request) // 2] * 10)]
        for connection, cut in slow:
            connection.sendall(request[:cut])
        assert httpx.get(service.running.scoring_uri.removesuffix("score"), trust_env=False).text == "Healthy"
        assert score_some(service, 0, 20, keep=False, until=no_more) == []
        for connection, cut in slow:
            connection.sendall(request[cut:])
        expected = digits_model().predict(np.array(GOOD)).tolist()
        assert all(read_answer(connection) == (200, str(expected).encode()) for connection, _ in slow)


def test_a_killed_worker_costs_only_its_own_requests(service: Service) -> None:
    """SIGKILL under load: each client loses one request at most, all answers are right, a new worker comes."""
    before = service.workers
    victim = min(before)
    replaced = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as threads:
        running = [
            threads.submit(score_some, service, n, REQUESTS, keep=True, until=replaced.is_set) for n in range(CLIENTS)
        ]
        try:
            os.kill(victim, signal.SIGKILL)
            while victim in service.workers or len(service.workers) < len(before):
                time.sleep(0.01)
        finally:
            replaced.set()
        lost = [client.result() for client in running]
    assert all(len(losses) <= 1 for losses in lost), lost
    assert score_some(service, 9, 20, keep=False, until=no_more) == []
    assert len(service.workers - before) == 1


def test_stopping_lets_finish_what_was_begun(tmp_path: Path) -> None:
    """A request of which half had come when the service was stopped is answered."""
    body = as_body(GOOD)
    with serving_model(tmp_path, digits_model()) as service, service.connect() as connection:
        head = b"POST /score HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body[:99])
        time.sleep(0.5)  # time to be taken up: what waits in the queue is not begun
        with ThreadPoolExecutor(1) as threads:
            stopping = threads.submit(service.running.stop)
            while "Handling signal: term" not in service.running.log_file.read_text():
                time.sleep(0.01)
            connection.sendall(body[99:])
            assert read_answer(connection)[0] == 200
            stopping.result()


@pytest.fixture
def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose model hangs on a row of ones."""
    (tmp_path / "scoring").mkdir()
    (tmp_path / "scoring" / "stubborn.py").write_text(STUBBORN)
    monkeypatch.syspath_prepend(tmp_path / "scoring")
    import stubborn  # type: ignore[import-not-found] # the test has just written it

    write_package(tmp_path, stubborn.Stubborn(), datasets.load("digits", "train"))
    monkeypatch.delitem(sys.modules, "stubborn")
    return tmp_path


def test_a_model_that_hangs_is_ended_by_the_scoring_timeout(stubborn: Path) -> None:
    """SCORING_TIMEOUT_MS is a 500 for that request; the same worker answers the next, and a slow sender's."""
    with serving(stubborn, SCORING_TIMEOUT_MS="300", WORKER_COUNT="1") as service, service.connect() as slow:
        before = service.workers
        slow.sendall(
            b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: %b\r\nContent-Length: 784\r\n\r\n" % UINT8.encode()
        )
        for _ in range(2):
            answer = service.post(b"\xff" * 784, UINT8)
            assert answer.status_code == 500
            assert "imeout" in answer.json()["message"]
            assert service.post(bytes(784), UINT8).json() == [0]
        slow.sendall(bytes(784))
        assert read_answer(slow) == (200, b"[0]")
        assert service.workers == before


def answered(service: Service, body: bytes, media_type: str | None = None) -> httpx.Response:
    """Send until the service, which is starting a worker, answers."""
    while True:
        with contextlib.suppress(httpx.TransportError):
            return service.post(body, media_type)


def test_an_entry_script_that_hangs_is_ended_with_the_deployed_settings(tmp_path: Path) -> None:
    """WORKER_TIMEOUT holds for any entry script: the request is lost, the worker replaced, the next one answered."""
    settings = {**variables(), "WORKER_TIMEOUT": "2", "WORKER_COUNT": "1"}
    with started(tmp_path, ENDLESS, environment_variables=settings) as running:
        running.wait_until_healthy(60)
        with httpx.Client(trust_env=False, timeout=60) as client:
            service = Service(running, client)
            before = service.workers
            with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
                assert service.post(b"hang").status_code >= 500
            assert answered(service, b"go").json() == 1
            assert not service.workers & before


def _pipeline(service: Service, ended: threading.Event) -> int:
    """Send requests without a key one after another and read only as much as comes back; return how many."""
    batch = b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}" * 200
    sent = 0
    deadline = time.monotonic() + 200
    while not ended.is_set() and time.monotonic() < deadline:
        with contextlib.suppress(OSError), service.connect() as connection:
            connection.settimeout(0)
            waiting = memoryview(batch)
            while not ended.is_set() and time.monotonic() < deadline:
                readable, writable, _ = select.select([connection], [connection], [], 0.1)
                if readable and not connection.recv(1 << 20):
                    break
                if writable:
                    waiting = waiting[connection.send(waiting) :] or memoryview(batch)
                    sent += 1
    return sent


@pytest.mark.parametrize("attackers", [2, 300])
def test_callers_without_a_key_do_not_keep_an_honest_one_waiting(tmp_path: Path, attackers: int) -> None:
    """Each request that is refused lets another connection's request run first, however many are sent at once."""
    ended = threading.Event()
    with serving_model(tmp_path, digits_model(), key="the-key") as service, ThreadPoolExecutor(attackers) as threads:
        sending = [threads.submit(_pipeline, service, ended) for _ in range(attackers)]
        try:
            time.sleep(1)
            with httpx.Client(headers={"Authorization": "Bearer the-key"}, trust_env=False, timeout=60) as client:
                for _ in range(3):
                    answer = client.post(
                        service.running.scoring_uri, content=as_body(GOOD), headers={"Connection": "close"}
                    )
                    assert answer.json() == digits_model().predict(np.array(GOOD)).tolist()
        finally:
            ended.set()
        assert all(each.result() > 0 for each in sending)
