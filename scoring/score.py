# ruff: noqa: INP001, E402 - a folder that is deployed, not a package; path and clock come before the imports
"""The entry script: init() loads the verified model once, run() answers each request.

The contract is the tutorial's, {"data": [[784 numbers], …]} → [label, …]. Callers may also send rows as bytes, and ask
for labels as bytes or for probabilities. Any other request gets a 400 (413, 415 or 406 if HTTP has a better status)
with one sentence. swagger.json describes all of it.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STARTED = time.monotonic()  # before the imports below, which take most of the start

# The inference server puts the deployed folder on the path; which folder that is depends on the deployment.
sys.path.append(str(Path(__file__).parent))

import numpy as np
import registered_model
import rows
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse
from classifier import Classifier
from flask import Request, Response, g
from gunicorn.http.errors import ParseException
from rows import BadRequestError

HERE = Path(__file__).parent
FLOAT32 = "application/octet-stream"
UINT8 = "application/vnd.digits.uint8"
PROBABILITIES = "application/vnd.digits.probabilities+json"
DTYPES: dict[str, np.dtype[Any]] = {FLOAT32: np.dtype("<f4"), UINT8: np.dtype("u1")}
JSON_TYPES = ("", "application/json", "text/plain", "application/x-www-form-urlencoded")  # the last is curl's own
MAX_BODY_BYTES = int(float(os.environ.get("MAX_BODY_MB", "96")) * 1e6)
TOO_LONG = f"The body is larger than {MAX_BODY_BYTES / 1e6:g} MB: send fewer rows at a time."
TIMEOUT_SECONDS = int(os.environ.get("SCORING_TIMEOUT_MS", "3600000")) / 1000  # the inference server's own setting

classifier: Classifier


def init() -> None:
    """Load the model from AZUREML_MODEL_DIR; the inference server calls this once, before the first request."""
    global classifier  # noqa: PLW0603 - the inference server's contract: what init() loads, run() finds
    directory = Path(os.environ["AZUREML_MODEL_DIR"])  # …/<registered name>/<version>
    loaded = registered_model.load(HERE / "manifest.json", directory)
    classifier = Classifier(loaded.model)
    write_swagger(Path(os.environ["AML_APP_ROOT"]))
    log(
        event="ready",
        model=f"{directory.parent.name}:{directory.name}",
        file=loaded.file.name,
        sha256=loaded.sha256,
        trainedWith=loaded.trained_with,
        runningWith=loaded.running_with,
        answers=classifier.path,
        loadMs=round(loaded.seconds * 1000),
        startMs=round((time.monotonic() - STARTED) * 1000),
        **({"warning": loaded.warning} if loaded.warning else {}),
    )
    # We write one line for each request; the two of the server and the one of gunicorn say less.
    for name in ("azmlinfsrv", "gunicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


@rawhttp  # type: ignore[untyped-decorator] # the inference server ships no types
def run(request: Request) -> Response:
    """Answer one request."""
    started = time.perf_counter()
    line: dict[str, Any] = {}
    try:
        response = answer(request, line)
    except BadRequestError as error:
        response = AMLResponse({"message": str(error)}, error.status, json_str=True)
        line["refused"] = str(error)
    milliseconds = round((time.perf_counter() - started) * 1000, 3)
    log(request=g.get("request_id"), status=response.status_code, **line, ms=milliseconds)
    return response


def answer(request: Request, line: dict[str, Any]) -> Response:
    """Return the labels for the rows in the request, and describe the work in `line`."""
    if request.method == "OPTIONS":
        return AMLResponse("", 200, {"Allow": "GET, POST, OPTIONS"})
    if request.method != "POST" and "data" not in request.args:
        return AMLResponse(help_for_callers(), 200, json_str=True)
    raw = read_body(request) if request.method == "POST" else read_query(request)
    wanted = wants_probabilities(request)
    with time_limit():
        ask = classifier.estimate if wanted else classifier.predict
        line["path"], found = predict(raw, request.mimetype, lambda blocks: ask(watch(blocks, line)))
    labels, probabilities = found if wanted else (found, None)
    line["rows"] = len(labels)
    return encode(labels, request) if probabilities is None else encode_probabilities(labels, probabilities)


def predict(raw: bytes, media_type: str, ask: Callable[[Iterator[np.ndarray]], Any]) -> tuple[str, Any]:
    """Return the way in which the body was read, and the classifier's answer."""
    if media_type in DTYPES:
        dtype = DTYPES[media_type]
        return dtype.name, ask(rows.split_bytes(raw, classifier.width, dtype))
    try:
        return "json-fast", ask(rows.parse_quickly(raw, classifier.width))
    except rows.UnusualError:
        pass
    try:
        return "json", ask(rows.parse(raw, classifier.width))
    except rows.NotJsonError as error:
        if media_type in JSON_TYPES or media_type.endswith("+json"):
            raise
        known = ", ".join(("application/json", *DTYPES))
        raise BadRequestError(f"{media_type} is not a media type that is read here: send {known}.", 415) from error


def watch(blocks: Iterator[np.ndarray], line: dict[str, Any]) -> Iterator[np.ndarray]:
    """Pass the blocks on, and note in `line` if rows of the first one are far outside 0 to 1.

    They are answered all the same, as the tutorial's script answers them. The first block shows a wrong scale; checking
    every number would cost the byte routes a third of their speed.
    """
    for number, block in enumerate(blocks):
        if not number and (count := rows.count_unusual(block)):
            line["warning"] = (
                f"{count} of the first {len(block)} rows hold numbers far outside 0 to 1: pixels from 0 to 255 have to "
                f"be divided by 255, or sent as {UINT8}."
            )
        yield block


def encode(labels: np.ndarray, request: Request) -> Response:
    """Return the labels as JSON, or as int32 if the caller accepts only bytes."""
    accept = request.accept_mimetypes if "octet-stream" in request.headers.get("Accept", "").lower() else None
    if accept is None or accept["application/json"] or not accept[FLOAT32]:
        return AMLResponse(labels.tolist(), 200, json_str=True)
    integers = classifier.to_int32(labels)
    if integers is None:
        raise BadRequestError(
            "This model does not answer a row with one whole number that int32 can hold: accept application/json.", 406
        )
    return AMLResponse(integers.tobytes(), 200, {"Content-Type": FLOAT32})


def wants_probabilities(request: Request) -> bool:
    """Return whether the caller prefers probabilities to labels; 406 if only they are accepted and there are none."""
    if "probabilities" not in request.headers.get("Accept", "").lower():
        return False
    accept = request.accept_mimetypes
    others = max(accept["application/json"], accept[FLOAT32])
    if accept[PROBABILITIES] <= others:
        return False
    if classifier.classes is None and not others:
        raise BadRequestError("This model gives labels and no probabilities: accept application/json.", 406)
    return classifier.classes is not None


def encode_probabilities(labels: np.ndarray, probabilities: np.ndarray) -> Response:
    """Return the labels, and for each row the probability of each class, in the order of the classes."""
    found = {"labels": labels, "classes": classifier.classes, "probabilities": probabilities}
    text = json.dumps(found, default=np.ndarray.tolist)
    return AMLResponse(text, 200, {"Content-Type": PROBABILITIES})


def read_query(request: Request) -> bytes:
    """Return the query's data as JSON: one value, or a list of several."""
    values: list[Any] = []
    for text in request.args.getlist("data"):
        try:
            values.append(json.loads(text))
        except (ValueError, RecursionError):
            values.append(text)
    return json.dumps({"data": values[0] if len(values) == 1 else values}).encode()


def read_body(request: Request) -> bytes:
    """Return the body; no more than the allowed bytes are held."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequestError("The body is compressed, which is not read here: send it as it is.", 415)
    length = request.content_length
    # A body that is too long is not read here: gunicorn discards it once the answer is sent.
    if length is not None and length > MAX_BODY_BYTES:
        raise BadRequestError(TOO_LONG, 413)
    try:
        raw: bytes = request.environ["wsgi.input"].read(MAX_BODY_BYTES + 1 if length is None else length)
    except (OSError, ParseException):
        raise BadRequestError("The body is cut off, or its chunks are malformed: send it again.") from None
    if len(raw) > MAX_BODY_BYTES:
        raise BadRequestError(TOO_LONG, 413)
    if len(raw) < (length or 0):
        raise BadRequestError(f"The body ended after {len(raw)} of {length} bytes: send it again.")
    return raw


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise TimeoutError, which the server answers, after SCORING_TIMEOUT_MS.

    The server's own limit applies only in the main thread. A gevent worker's requests run there under other names.
    """
    try:
        signal.signal(signal.SIGALRM, end_run)
    except ValueError:  # a thread of a gthread worker, which no signal reaches
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, TIMEOUT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def end_run(_signal: int, _frame: object) -> None:
    """End run(), whose time is up."""
    raise TimeoutError


def help_for_callers() -> dict[str, Any]:
    """Return the help that a GET on the score route shows."""
    row = f"{classifier.width} numbers from 0 to 1"
    has_probabilities = classifier.classes is not None
    probabilities = f" {PROBABILITIES}: how probable each class is, too." if has_probabilities else ""
    return {
        "send": f'POST {{"data": [[{row}], ...]}} as application/json: a list with one label for each row comes back.',
        "faster": f"{FLOAT32}: rows of little-endian float32; {UINT8}: rows of bytes from 0 to 255.",
        "accept": f"{FLOAT32}: the labels as little-endian int32.{probabilities}",
        "description": "/swagger.json",
    }


def write_swagger(directory: Path) -> None:
    """Write the service's description, for this model, to the files that the inference server serves."""
    document = json.loads((HERE / "swagger.json").read_text(encoding="utf-8"))
    row = document["components"]["schemas"]["Row"]
    row["minItems"] = row["maxItems"] = classifier.width
    row["example"] = [0] * classifier.width
    if classifier.classes is None:
        for operation in document["paths"]["/score"].values():
            del operation["responses"]["200"]["content"][PROBABILITIES]
    for name, version in (("swagger", "3.0.3"), ("swagger3", "3.0.3"), ("swagger3.1", "3.1.0")):
        path = directory / f"{name}.json"
        try:
            path.write_text(json.dumps({**document, "openapi": version}), encoding="utf-8")
        except OSError as error:
            log(event="swagger", warning=f"{path} cannot be written, so /swagger.json is generic: {error.strerror}.")


def log(**fields: object) -> None:
    """Write one line of JSON, with its time; the inference server would give the output of print() its own prefix."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stdout.write(json.dumps({"time": now, **fields}) + "\n")
    sys.stdout.flush()
