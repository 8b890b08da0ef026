# ruff: noqa: INP001 - a folder that is deployed, not a package
"""The rows in a request's body: blocks of numbers for the model, or one sentence about the mistake in them.

A block has as many rows as fit into the processor's cache, so a large body is never expanded in memory as a whole.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import simdjson

_BLOCK_BYTES = 1 << 18
_BLOCK_ROWS = 256
_SPACE = rb"[ \t\r\n]*"
_HEAD = re.compile(rb'%b\{%b"data"%b:%b\[%b(?=\[)' % ((_SPACE,) * 5))
_BETWEEN = re.compile(rb"%b,%b(?=\[)" % ((_SPACE,) * 2))
_TAIL = re.compile(rb"%b\]%b\}%b" % ((_SPACE,) * 3))
_SEND = 'send {"data": [[…], …]}.'
_GZIP, _FORM = b"\x1f\x8b", re.compile(rb"[\w.%+-]+=")
# The keys that other servers use for the rows.
_ELSEWHERE = {
    "instances": "TensorFlow Serving and KServe",
    "inputs": "Triton, MLServer and MLflow",
    "dataframe_split": "MLflow",
    "dataframe_records": "MLflow",
    "input_data": "Azure ML's MLflow deployments",
    "Inputs": "Azure ML's automated machine learning",
    "columns": "pandas",
}
_LEAST, _MOST = -1, 2  # numbers should be from 0 to 1; some are slightly outside


class BadRequestError(Exception):
    """The service does not take this request; the sentence and the status go to the caller."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class NotJsonError(BadRequestError):
    """The body is no JSON at all; its sender may have meant another media type."""


class UnusualError(Exception):
    """The fast parser cannot read the body; it may still be valid."""


def parse_quickly(raw: bytes, width: int) -> Iterator[np.ndarray]:
    """Yield the rows of {"data": [[number, …], …]}, as float64, if the body is exactly that and UnusualError if not.

    simdjson reads some lists of rows at a time. It would flatten deeper nesting and accept ragged rows, so brackets
    and lengths are counted here.
    """
    head = _HEAD.match(raw)
    end = raw.rfind(b"]", 0, max(raw.rfind(b"]"), 0)) + 1
    if not head or not _TAIL.fullmatch(raw, end):
        raise UnusualError
    parser = simdjson.Parser()
    at = head.end()
    while True:
        cut = raw.rfind(b"]", at, min(at + max(_BLOCK_BYTES, 32 * width), end)) + 1
        if not cut:
            raise UnusualError
        yield _parse_block(parser, b"[%b]" % raw[at:cut], width)
        if cut == end:
            return
        between = _BETWEEN.match(raw, cut, end)
        if not between:
            raise UnusualError
        at = between.end()


def _parse_block(parser: simdjson.Parser, raw: bytes, width: int) -> np.ndarray:
    try:
        block: Any = parser.parse(raw)
        count = len(block)
        if raw.count(b"[") != count + 1 or any(len(row) != width for row in block):
            raise UnusualError
        return np.frombuffer(block.as_buffer(of_type="d")).reshape(count, width)
    except (ValueError, TypeError, RuntimeError):
        raise UnusualError from None


def parse(raw: bytes, width: int) -> Iterator[np.ndarray]:
    """Yield the rows of any JSON whose "data" is a list of rows of `width` numbers, as one block.

    The model decides about NaN, Infinity and null, which is NaN to numpy.
    """
    data = _find_data(_read_json(raw))
    if isinstance(data, str):
        raise BadRequestError(f'"data" is a text and no list of rows, as if it were JSON encoded twice: {_SEND}')
    if not isinstance(data, list) or not data:
        raise BadRequestError(f'"data" is not a list of at least one row: {_SEND}')
    for number, row in enumerate(data):
        if not isinstance(row, list) or len(row) != width:
            length = f"has {len(row)} values" if isinstance(row, list) else "is not a list"
            raise BadRequestError(f'Row {number} of "data" {length}: the model takes {width} numbers in each row.')
    yield _numbers(data, width)


def _read_json(raw: bytes) -> Any:
    """Return the body's JSON, which may begin with a byte order mark."""
    if not raw.strip():
        raise NotJsonError(f"The body is empty and no JSON: {_SEND}")
    if raw.startswith(_GZIP):
        raise NotJsonError("The body is not JSON but compressed with gzip, which is not read here: send it as it is.")
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotJsonError(f"The body is not JSON: byte {error.start} is not UTF-8.") from None
    except (ValueError, RecursionError) as error:
        if _FORM.match(raw):
            raise NotJsonError(f"The body is not JSON but a form: {_SEND}") from None
        raise NotJsonError(f"The body is not JSON that can be read: {str(error).rstrip('.')}.") from None


def _find_data(document: Any) -> Any:
    """Return the value of "data"; for a body without it, the error names what the body is."""
    if isinstance(document, dict):
        if "data" in document:
            return document["data"]
        for name in document:
            if name in _ELSEWHERE:
                raise BadRequestError(f'The body has "{name}", which is for {_ELSEWHERE[name]}, and no "data": {_SEND}')
            if name.strip().lower() == "data":
                raise BadRequestError(f'The body has the key {_quote(name)}, which is not "data": {_SEND}')
        raise BadRequestError(f'The body has no key "data": {_SEND}')
    if isinstance(document, str):
        raise BadRequestError(f"The body is a JSON text and no object, as if it were encoded twice: {_SEND}")
    kind = "a list" if isinstance(document, list) else _quote(document)
    raise BadRequestError(f'The body is {kind} and no object with the key "data": {_SEND}')


def count_unusual(block: np.ndarray) -> int:
    """Return how many rows hold numbers far outside 0 to 1, as pixels from 0 to 255 are."""
    if block.dtype == np.uint8 or (block.max() <= _MOST and block.min() >= _LEAST):
        return 0
    return int(((block > _MOST) | (block < _LEAST)).any(axis=1).sum())


def _numbers(data: list[list[Any]], width: int) -> np.ndarray:
    try:
        rows = np.array(data)
        if rows.dtype.kind == "O":  # integers beyond 64 bits
            rows = rows.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        rows = np.array("")
    if rows.dtype.kind not in "biuf" or rows.shape != (len(data), width):
        number, at, value = next(
            (number, at, value)
            for number, row in enumerate(data)
            for at, value in enumerate(row)
            if not isinstance(value, int | float) or abs(value) > 1e308  # noqa: PLR2004 - near enough to the largest
        )
        raise BadRequestError(f'Row {number} of "data" holds no number that can be used at {at}: {_quote(value)}.')
    return rows


def _quote(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - enough to find it again


def split_bytes(raw: bytes, width: int, dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    """Yield the rows of a body that holds only their numbers, one after the other."""
    row_bytes = width * dtype.itemsize
    if not raw or len(raw) % row_bytes:
        raise BadRequestError(
            f"The body has {len(raw)} bytes: a row is {width} numbers of {dtype.itemsize} bytes, so send a multiple "
            f"of {row_bytes}, at least one row."
        )
    rows = np.frombuffer(raw, dtype).reshape(-1, width)
    for first in range(0, len(rows), _BLOCK_ROWS):
        yield rows[first : first + _BLOCK_ROWS]


def require_finite(rows: np.ndarray, first: int = 0) -> None:
    """Raise BadRequestError for the first row that holds NaN or an infinity; `first` is the number of the first row."""
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise BadRequestError(f"Row {first + finite.argmin()} holds a value that is not a finite number.")
