"""The lanes of the benchmark: the server, the form of its request, and the place of the labels in its answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.serving.client import prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

OURS, TUTORIAL, IN_PROCESS = "this service", "tutorial", "in-process matmul"
PEERS = ("fastapi", "mlserver", "bentoml", "kserve")

_BINARY = "application/octet-stream"


class Rows:
    """Some images, and the one JSON text of them that all servers get."""

    def __init__(self, images: "NDArray[np.uint8]") -> None:
        self.images = images

    @cached_property
    def json(self) -> bytes:
        """[[number, …], …], as the tutorial's users write it."""
        return json.dumps((self.images / 255).tolist()).encode()

    @cached_property
    def flat_json(self) -> bytes:
        """[number, …]."""
        return self.json[1:-1].replace(b"], [", b", ")


@dataclass(frozen=True)
class Lane:
    """One way to ask one server."""

    name: str
    server: str
    request: Callable[[Rows], bytes]
    labels: Callable[[bytes], list[int]]


def _score(rows: Rows) -> bytes:
    return prepare("/score", b'{"data": ' + rows.json + b"}")


def _float32(rows: Rows) -> bytes:
    return prepare("/score", (rows.images / 255).astype("<f4").tobytes(), _BINARY, _BINARY)


def _uint8(rows: Rows) -> bytes:
    return prepare("/score", rows.images.tobytes(), "application/vnd.digits.uint8", _BINARY)


def _mlserver(rows: Rows) -> bytes:
    head = f'{{"inputs": [{{"name": "rows", "shape": {list(rows.images.shape)}, "datatype": "FP64", "data": '
    return prepare("/v2/models/digits/infer", head.encode() + rows.flat_json + b"}]}")


def _bentoml(rows: Rows) -> bytes:
    return prepare("/predict", b'{"rows": ' + rows.json + b"}")


def _kserve(rows: Rows) -> bytes:
    return prepare("/v1/models/digits:predict", b'{"instances": ' + rows.json + b"}")


def _int32(answer: bytes) -> list[int]:
    labels: list[int] = np.frombuffer(answer, "<i4").tolist()
    return labels


LANES = (
    Lane("tutorial's score.py", TUTORIAL, _score, json.loads),
    Lane("this service, JSON", OURS, _score, json.loads),
    Lane("this service, float32", OURS, _float32, _int32),
    Lane("this service, uint8", OURS, _uint8, _int32),
    Lane("FastAPI, tutorial's code", "fastapi", _score, json.loads),
    Lane("MLServer, V2 JSON", "mlserver", _mlserver, lambda answer: json.loads(answer)["outputs"][0]["data"]),
    Lane("BentoML, ndarray JSON", "bentoml", _bentoml, json.loads),
    Lane("KServe, v1 JSON", "kserve", _kserve, lambda answer: json.loads(answer)["predictions"]),
)
BASELINE, JSON_LANE, FLOAT32_LANE, UINT8_LANE = (lane.name for lane in LANES[:4])
