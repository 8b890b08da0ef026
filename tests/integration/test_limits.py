"""What bounds a request on this machine as in the container: the time that run() has, and what a browser may read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from digits.runtime import server
from tests.integration.deployed import variables
from tests.integration.serving import healthy

SLOW = """
import os, socket, time

def init():
    pass

def run(raw):
    began = time.monotonic()
    while "compute" in raw and time.monotonic() < began + 30:
        pass
    if "wait" in raw:
        time.sleep(30)
    return os.getpid()
"""
ECHO = "import json\ndef init(): pass\ndef run(raw): return json.loads(raw)\n"
ORIGIN = "https://app.example"


def score(running: server.ScoringServer, what: str) -> httpx.Response:
    """Score something without a key."""
    return httpx.post(running.scoring_uri, content=what, timeout=60)


@pytest.fixture(scope="module", params=["sync", "gevent"])
def limited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.ScoringServer]:
    """A stock entry script with half a second for each request."""
    directory = tmp_path_factory.mktemp("limited")
    settings = {**(variables() if request.param == "gevent" else {}), "SCORING_TIMEOUT_MS": "500", "WORKER_COUNT": "1"}
    with healthy(directory, SLOW, environment_variables=settings) as running:
        yield running


@pytest.mark.parametrize("what", ["wait", "compute"])
def test_a_run_that_takes_too_long_is_ended_and_the_worker_goes_on(limited: server.ScoringServer, what: str) -> None:
    """In Azure's words, whether it sleeps or computes, under gunicorn's own kind of worker and under gevent's."""
    worker = score(limited, "nothing").json()
    for _ in range(2):
        answer = score(limited, what)
        assert (answer.status_code, answer.json()) == (500, {"message": "Scoring timeout after 500 ms"})
    assert score(limited, "nothing").json() == worker


def test_late_requests_are_ended_each_by_itself(limited: server.ScoringServer) -> None:
    """One that waits and one that computes at the same time are both ended; one that is quick is answered."""
    with ThreadPoolExecutor() as threads:
        sent = [threads.submit(score, limited, what) for what in ("wait", "compute", "wait", "nothing")]
        assert [answer.result().status_code for answer in sent] == [500, 500, 500, 200]


def test_a_container_has_sixty_seconds_unless_its_environment_says_otherwise(tmp_path: Path) -> None:
    """What public threads show of a container's variables; the environment's own win."""
    script = "import os\ndef init(): pass\ndef run(raw): return dict(os.environ)"
    with healthy(tmp_path, script, environment_variables={"WORKER_TIMEOUT": "77"}) as running:
        seen = score(running, "x").json()
        assert "Scoring timeout is set to 60000" in running.log_file.read_text()
    assert {name: seen[name] for name in ("SCORING_TIMEOUT_MS", "WORKER_TIMEOUT", "WORKER_COUNT")} == {
        "SCORING_TIMEOUT_MS": "60000",
        "WORKER_TIMEOUT": "77",
        "WORKER_COUNT": "1",
    }


@pytest.fixture(scope="module")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.ScoringServer]:
    """A server with a key that a page of one origin may call, and whose entry script sees whatever is sent."""
    script = "from azureml_inference_server_http.api.aml_request import rawhttp\n" + ECHO.replace(
        "def run(raw): return json.loads(raw)", "@rawhttp\ndef run(request): return request.method"
    )
    settings = {"AML_CORS_ORIGINS": f"{ORIGIN}, https://other.example"}
    with healthy(tmp_path_factory.mktemp("cors"), script, keys=["key"], environment_variables=settings) as running:
        yield running


def preflight(running: server.ScoringServer, origin: str, **headers: str) -> httpx.Response:
    """Ask what a browser asks before it sends a request with a key."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    return httpx.options(running.scoring_uri, headers={**asked, **headers})


def test_a_browser_s_preflight_needs_no_key(browsed: server.ScoringServer) -> None:
    """Browsers send none; the answer is the inference server's own CORS."""
    answer = preflight(browsed, ORIGIN)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == {"GET", "POST"}
    assert answer.content == b"", "the entry script is not run"


def test_a_preflight_of_another_origin_and_what_is_no_preflight_need_a_key(browsed: server.ScoringServer) -> None:
    """OPTIONS by itself opens nothing: an entry script may answer it."""
    other = preflight(browsed, "https://elsewhere.example")
    assert (other.status_code, "Access-Control-Allow-Origin" in other.headers) == (401, False)
    assert httpx.options(browsed.scoring_uri, headers={"Origin": ORIGIN}).status_code == 401
    assert httpx.options(browsed.scoring_uri, headers={"Authorization": "Bearer key"}).text == '"OPTIONS"'


def test_a_page_may_read_why_it_was_refused(browsed: server.ScoringServer) -> None:
    """A 401 carries the CORS headers too, else a browser shows a network error in its place."""
    refused = httpx.post(browsed.scoring_uri, headers={"Origin": ORIGIN, "Authorization": "Bearer wrong"})
    answered = httpx.post(browsed.scoring_uri, headers={"Origin": ORIGIN, "Authorization": "Bearer key"})
    assert (refused.status_code, answered.status_code, answered.json()) == (401, 200, "POST")
    assert refused.headers["Access-Control-Allow-Origin"] == answered.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in refused.headers["Vary"]


def test_without_cors_a_preflight_is_refused(tmp_path: Path) -> None:
    """As any other request without a key."""
    with healthy(tmp_path, ECHO, keys=["key"]) as running:
        answer = preflight(running, ORIGIN)
    assert answer.status_code == 401
    assert "Access-Control-Allow-Origin" not in answer.headers
