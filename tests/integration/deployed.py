"""The scoring package as the program deploys it: a model, the files with their manifest, conda.yml's settings."""

import contextlib
import functools
import http.client
import json
import random
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import yaml

from digits import datasets
from digits.runtime import environment, server
from digits.training.model import METADATA_FILE, MODEL_FILE, fit, write
from infra.model import ModelFile
from infra.scoring_package import ScoringPackage
from tests.integration.serving import ROOT, python

SCORING = ROOT / "scoring"
FLOAT32 = "application/octet-stream"
UINT8 = "application/vnd.digits.uint8"
PROBABILITIES = "application/vnd.digits.probabilities+json"


@dataclass(frozen=True)
class Service:
    """A service that answers, and a client that keeps its connections."""

    running: server.ScoringServer
    client: httpx.Client

    def post(self, content: Any, content_type: str | None = None, **headers: str) -> httpx.Response:
        """Send a body to the score route; `accept_encoding` in Python is Accept-Encoding in HTTP."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            sent["Content-Type"] = content_type
        return self.client.post(self.running.scoring_uri, content=content, headers=sent)

    def request(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """Send any request; the path is sent unchanged."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = httpx.URL(self.running.scoring_uri).copy_with(raw_path=path.encode())
        return self.client.request(method, url, content=content, headers=sent)

    def connect(self) -> socket.socket:
        """Open a connection on which a test writes the bytes itself."""
        return socket.create_connection(("127.0.0.1", self.running.port), timeout=60)

    @property
    def workers(self) -> set[int]:
        """The process ids of gunicorn's workers."""
        return {child.pid for child in psutil.Process(self.running.pid).children()}


def row(seed: int) -> list[float]:
    """Return a made-up image: mostly empty, as an image of a digit is."""
    generator = random.Random(seed)  # noqa: S311 - pictures, not secrets
    return [generator.random() if generator.random() < 0.2 else 0.0 for _ in range(784)]


GOOD = [row(1), row(2), row(9)]  # of which each has another label


@contextmanager
def service_unharmed(service: Service) -> Iterator[None]:
    """Check that the same workers still answer good requests rightly, in more ways than there are workers."""
    before = service.workers
    yield
    expected = digits_model().predict(np.array(GOOD)).tolist()
    for connection in ("keep-alive", "close", "close"):
        assert service.post(as_body(GOOD), connection=connection).json() == expected
    assert len(set(expected)) == len(GOOD)
    assert service.workers == before


def refused(answer: httpx.Response, status: int) -> str:
    """Return the sentence of an answer that refuses with this status; it is JSON with only that sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    content = answer.json()
    assert list(content) == ["message"]
    sentence: str = content["message"]
    assert re.fullmatch(r"[^\n]{10,400}\.", sentence), sentence
    assert not re.search(r"Traceback|Error\b|object at 0x", sentence), sentence
    return sentence


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one response from a connection on which a test wrote the request itself."""
    with contextlib.closing(http.client.HTTPResponse(connection)) as response:
        response.begin()
        return response.status, response.read()


@functools.cache
def digits_model() -> Any:
    """The model of the dev stack."""
    return fit(datasets.load("digits", "train"))


@functools.cache
def tutorials_score() -> str:
    """The tutorial's entry script, rewritten: it checks nothing."""
    return f"""
import json, os
import joblib
import numpy as np

def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], {MODEL_FILE!r}))

def run(raw):
    return model.predict(np.array(json.loads(raw)["data"])).tolist()
"""


def variables() -> dict[str, str]:
    """The variables that conda.yml sets in the service's environment."""
    return environment.variables(yaml.safe_load((SCORING / "conda.yml").read_text(encoding="utf-8")))


def write_package(directory: Path, model: Any, train: datasets.Dataset) -> None:
    """Write the model as training does, and the package as the program does, to the folders "model" and "scoring"."""
    metadata = write(model, train, train, directory / "model")
    if metadata["accuracy"] < 0:  # a regressor's score, which is no accuracy
        (directory / "model" / METADATA_FILE).write_text(json.dumps({**metadata, "accuracy": 0}))
    manifest = ModelFile.read(directory / "model" / MODEL_FILE).manifest
    for name, content in ScoringPackage.read(SCORING, manifest).files.items():
        file = directory / "scoring" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@contextmanager
def serving(directory: Path, key: str | None = None, **settings: str) -> Iterator[Service]:
    """Serve the package in this directory with conda.yml's settings and these; always end the server."""
    authorization = {} if key is None else {"Authorization": f"Bearer {key}"}
    running = server.start(
        directory / "run",
        python=python(),
        source_directory=directory / "scoring",
        entry_script="score.py",
        model_directory=directory / "model",
        port=0,
        keys=None if key is None else [key],
        environment_variables={**variables(), **settings},
    )
    try:
        running.wait_until_healthy(60)
        with httpx.Client(headers=authorization, trust_env=False, timeout=60) as client:
            yield Service(running, client)
    finally:
        running.stop(grace_seconds=0)


@contextmanager
def serving_model(
    directory: Path,
    model: Any,
    train: datasets.Dataset | None = None,
    *,
    key: str | None = None,
    **settings: str,
) -> Iterator[Service]:
    """Serve this model, which was fitted to these images, by default to the digits."""
    write_package(directory, model, train or datasets.load("digits", "train"))
    with serving(directory, key, **settings) as service:
        yield service


def as_body(rows: Any) -> bytes:
    """Return the tutorial's request."""
    return json.dumps({"data": rows}).encode()


def every_way(service: Service, pixels: np.ndarray, **headers: str) -> dict[str, list[Any]]:
    """Return the labels for these uint8 rows by each format of request and answer, and for a few of them by GET."""
    unit = pixels / 255
    bodies: dict[str, tuple[bytes, str | None]] = {
        "json": (as_body(unit.tolist()), None),
        "json with a key": (json.dumps({"id": 1, "data": unit.tolist()}).encode(), "application/json"),
        "float32": (unit.astype("<f4").tobytes(), FLOAT32),
        "uint8": (pixels.tobytes(), UINT8),
    }
    labels: dict[str, list[Any]] = {}
    for name, (content, content_type) in bodies.items():
        answer = service.post(content, content_type, **headers)
        assert answer.status_code == 200, answer.text
        labels[name] = answer.json()
        binary = service.post(content, content_type, accept=FLOAT32, **headers)
        if binary.status_code != 406:
            assert binary.headers["Content-Type"] == FLOAT32
            labels[f"{name}, answered in bytes"] = np.frombuffer(binary.content, "<i4").tolist()
    return labels
