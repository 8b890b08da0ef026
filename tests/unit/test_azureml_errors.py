"""What the SDK raises, of each kind, becomes one line: what was asked, what was answered, no objects, no signatures."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from azure.core.exceptions import DeserializationError
from azureml._restclient.models.error_details import ErrorDetails
from azureml._restclient.models.model_error_response import ModelErrorResponse, ModelErrorResponseException
from azureml.exceptions import (
    AuthenticationException,
    ModelNotFoundException,
    ProjectSystemException,
    UserErrorException,
    WebserviceException,
)
from msrest import Deserializer
from msrest.exceptions import ClientRequestError, HttpOperationError

from infra.azureml import AzureMLError, MissingError
from infra.azureml.session import call

SIGNED = "https://store.blob.core.windows.net/azureml/model.pkl?sv=2019-02-02&sr=b&sig=c2VjcmV0&se=2026"
BODY = {
    "code": "PreconditionFailed",
    "statusCode": 412,
    "message": "The model is in use.",
    "details": [{"code": "DeletionRequired", "message": "It is used by service 'theirs'."}],
    "correlation": {"RequestId": "1"},
}
ARM = {"error": {"code": "AuthorizationFailed", "message": "The client may not do this.", "details": []}}


def answer(status: int, body: bytes, kind: str = "application/json") -> requests.Response:
    """Return an answer as the SDK's client holds it."""
    response = requests.Response()
    response.status_code, response._content = status, body  # noqa: SLF001
    response.headers["Content-Type"] = kind
    response.reason, response.url = "Refused", SIGNED
    return response


def http_error(status: int, body: bytes) -> HttpOperationError:
    """Return the error of a client that knows no type for this answer."""
    return HttpOperationError(Deserializer(), answer(status, body))  # type: ignore[no-untyped-call] # msrest ships no types


def model_error() -> ModelErrorResponseException:
    """Return the error of the SDK's generated client, whose details are objects without a text."""
    types: dict[str, Any] = {"ModelErrorResponse": ModelErrorResponse, "ErrorDetails": ErrorDetails}
    deserialize = Deserializer(types)  # type: ignore[no-untyped-call] # msrest ships no types
    return ModelErrorResponseException(deserialize, answer(412, json.dumps(BODY).encode()))


def raise_objects() -> None:
    """Raise what deleting a model in use raises: the text holds the representations of the details."""
    try:
        raise model_error()
    except ModelErrorResponseException as error:
        details = error.error.details
        assert "object at 0x" in str(details)
        text = f"Received bad response from Model Management Service:\nResponse Code: 412\nContent: {details}"
        raise WebserviceException(text)  # noqa: B904 (as the SDK does)


def raise_from(cause: Exception, error: Exception) -> None:
    """Raise an error while another is handled, as the SDK does."""
    try:
        raise cause
    except type(cause):
        raise error  # noqa: B904


def webservice_error(content: bytes, status: int = 400) -> WebserviceException:
    """Return what most calls of the SDK raise: status, headers and body in one text."""
    headers = {"Date": "today", "x-ms-client-request-id": "1", "Location": SIGNED}
    said = f"Received bad response from Model Management Service:\nResponse Code: {status}"
    return WebserviceException(f"{said}\nHeaders: {headers}\nContent: {content!r}")


def throw(error: Exception) -> Callable[[], None]:
    """Return a call that raises this."""

    def raise_it() -> None:
        raise error

    return raise_it


KINDS: dict[str, tuple[Callable[[], None], str]] = {
    "details as objects": (raise_objects, "The model is in use. It is used by service 'theirs'."),
    "the generated client's error": (throw(model_error()), "The model is in use. It is used by service 'theirs'."),
    "objects and nothing else": (
        throw(WebserviceException(f"Content: {[ErrorDetails(message='x'), ErrorDetails()]}")),
        "Azure ML refused reading model m: Content:",
    ),
    "a text with a body": (throw(webservice_error(json.dumps(BODY).encode())), "The model is in use. It is used by"),
    "a body with a quotation mark": (
        throw(webservice_error(json.dumps({"message": 'It\'s "theirs".'}).encode())),
        'It\'s "theirs".',
    ),
    "a page": (throw(webservice_error(b"<!DOCTYPE html><html>Bad gateway</html>", 502)), "(a page of HTML)"),
    "not JSON": (throw(webservice_error(b"upstream down", 503)), "Response Code: 503 Content: b'upstream down'"),
    "HttpOperationError": (
        throw(http_error(403, json.dumps(ARM).encode())),
        "The client may not do this.",
    ),
    "HttpOperationError without a body": (
        throw(http_error(500, b"")),
        "Operation returned an invalid status code 'Refused'",
    ),
    "ProjectSystemException": (
        throw(ProjectSystemException(json.dumps({"error_details": ARM, "status_code": 403, "url": SIGNED}))),
        "The client may not do this.",
    ),
    "an inner exception": (
        throw(UserErrorException("", inner_exception=http_error(400, json.dumps(ARM).encode()))),
        "The client may not do this.",
    ),
    "a signed URL": (throw(RuntimeError(f"400 Client Error for url: {SIGNED}")), "model.pkl"),
    "bare Exception": (throw(Exception("two\n  lines")), "Azure ML refused reading model m: two lines"),
    "an exception that says nothing": (throw(ValueError()), "Azure ML refused reading model m: ValueError"),
    "DeserializationError": (
        throw(DeserializationError("(", "Unable to deserialize to object: type", ValueError("x"))),
        "Azure ML answered reading model m with something that the SDK cannot read",
    ),
    "AuthenticationException": (
        throw(AuthenticationException("Could not retrieve user token. Please run 'az login'")),
        "The login does not work for reading model m: run `az login` again.",
    ),
    "a refused connection": (
        throw(requests.exceptions.ConnectionError(f"HTTPSConnectionPool: Max retries exceeded with url: {SIGNED}")),
        "Azure does not answer; see whether this machine reaches the internet (reading model m).",
    ),
    "a refused connection, wrapped": (
        lambda: raise_from(ConnectionRefusedError(111, "Connection refused"), ClientRequestError("Connection refused")),
        "Azure does not answer",
    ),
    "a timeout": (
        throw(requests.exceptions.ReadTimeout(f"Read timed out. {SIGNED}")),
        "Azure did not answer in time (reading model m): run the same again.",
    ),
    "a certificate that is not trusted": (
        throw(requests.exceptions.SSLError(f"Max retries exceeded: CERTIFICATE_VERIFY_FAILED {SIGNED}")),
        "name its authority's file in REQUESTS_CA_BUNDLE",
    ),
}


@pytest.fixture(autouse=True)
def _azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZUREML_EMULATOR", raising=False)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_sdk_raises_is_one_line(kind: str) -> None:
    """What was asked and what was answered; nothing that only a program can read, nothing that opens a door."""
    raised, sentence = KINDS[kind]
    with pytest.raises(AzureMLError) as refused, call("reading model m"):
        raised()
    said = str(refused.value)
    assert sentence in said
    assert "reading model m" in said
    assert not re.search(r"object at 0x|sig=|c2VjcmV0|\n|Headers:|ErrorResponse|Traceback|None", said), said
    assert len(said) < 800


@pytest.mark.parametrize(
    "error",
    [
        ModelNotFoundException("ModelNotFound: Model with name nobody not found in provided workspace"),
        WebserviceException("WebserviceNotFound: Webservice with name nobody not found in provided workspace"),
        webservice_error(b'{"message": "gone"}', 404),
        http_error(404, b"{}"),
        ProjectSystemException(json.dumps({"error_details": {"error": {"code": "ResourceNotFound", "message": "x"}}})),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_missing_object_is_distinguished_from_a_refusal(error: Exception) -> None:
    """By the answer's status, or where the SDK does not keep it by its words."""
    with pytest.raises(MissingError), call("reading model m"):
        raise error


def test_the_emulator_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its address and the command that starts it."""
    monkeypatch.setenv("AZUREML_EMULATOR", "https://127.0.0.1:1")
    with pytest.raises(AzureMLError, match=r"The emulator at https://127\.0\.0\.1:1 .*`make emulator`"), call("x"):
        raise requests.exceptions.ConnectionError("Connection refused")


@pytest.mark.parametrize("logger", ["azureml.core", "msrestazure.azure_active_directory"])
def test_what_the_sdk_logs_of_an_error_is_not_shown_next_to_ours(caplog: pytest.LogCaptureFixture, logger: str) -> None:
    """The login logs the exception that it also raises, with the object's representation in it."""
    with call("reading model m"):
        logging.getLogger(logger).warning("MSI: Failed to retrieve a token: HTTPConnectionPool(host='127.0.0.1')")
    assert caplog.records == []
