"""A deployment is followed through answers of a gateway that say nothing about it, with the SDK's own polling."""

import json
import time
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from infra.azureml import DeploymentError, outcome
from tests.integration.answering import Answer, Request, Serve, servers

GATEWAY = Answer(504, b"<html>Gateway Time-out</html>")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that starts a server with these answers and returns its base URL."""
    with servers() as start:
        yield start


def webservice(url: str, state: str) -> Any:
    """Return the SDK's object of a service whose operation is polled at this URL."""
    with warnings.catch_warnings(action="ignore"):  # the SDK's own, as it is imported
        from azureml.core.webservice import AciWebservice
    found = object.__new__(AciWebservice)
    found.name, found.state, found.error, found._webservice_type = "svc", state, None, "ACI"
    found._operation_endpoint = f"{url}operations/1"
    found._auth = SimpleNamespace(get_authentication_header=dict)
    found.update_deployment_state = lambda: None
    found.get_logs = lambda **_options: "a line"
    return found


def test_a_deployment_survives_the_gateway_in_front_of_it(serve: Serve) -> None:
    """More 504s in a row than the SDK itself sends again."""
    answers = iter([GATEWAY] * 6)
    seen: list[Request] = []

    def service(request: Request) -> Answer:
        seen.append(request)
        return next(answers, Answer(200, json.dumps({"state": "Succeeded"}).encode()))

    outcome.wait(webservice(serve(service), "Healthy"), 60, lambda _line: None)
    assert len(seen) == 7


def test_a_gateway_that_never_answers_is_named_and_not_the_time_limit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends long before readyTimeoutSeconds."""
    monkeypatch.setattr(outcome, "_LAST_SECONDS", 2)
    began = time.monotonic()
    with pytest.raises(DeploymentError, match=r"could not be followed to the end: .*504") as raised:
        outcome.wait(webservice(serve(lambda _request: GATEWAY), "Transitioning"), 600, lambda _line: None)
    assert "readyTimeoutSeconds" not in str(raised.value)
    assert "<html>" not in str(raised.value)
    assert time.monotonic() - began < 60


def test_an_operation_that_is_refused_is_not_asked_for_again(serve: Serve) -> None:
    """A 4xx is final."""
    seen: list[Request] = []

    def service(request: Request) -> Answer:
        seen.append(request)
        return Answer(403, b'{"message": "no"}')

    with pytest.raises(DeploymentError):
        outcome.wait(webservice(serve(service), "Failed"), 60, lambda _line: None)
    assert len(seen) == 1
