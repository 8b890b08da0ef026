"""Bad bytes, queries, media types, methods and paths: each answer names the mistake, and nothing breaks."""

import gzip
import re
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.integration.deployed import FLOAT32, GOOD, UINT8, Service, as_body, refused

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("unharmed")
WIDTH = 784
TEXT = as_body(GOOD).decode()
FLOATS = np.array(GOOD, "<f4").tobytes()
PIXELS = (np.array(GOOD) * 255).astype("u1").tobytes()
ROW = ",".join(["0"] * WIDTH)


def changed(kind: str, at: int, value: float) -> bytes:
    """Return good rows as bytes with one number changed."""
    rows = np.array(GOOD, kind).ravel()
    rows[at] = value
    return rows.tobytes()


# Media type, body, and what the sentence says.
BINARY: dict[str, tuple[str, bytes, list[str]]] = {
    "no float32 at all": (FLOAT32, b"", ["3136|784"]),
    "one byte": (FLOAT32, b"\0", [r"\b1\b", "3136"]),
    "a float32 too few": (FLOAT32, FLOATS[:-4], ["9404", "3136"]),
    "a byte too many": (FLOAT32, FLOATS + b"\0", ["9409", "3136"]),
    "float64": (FLOAT32, np.array(GOOD)[:, :393].tobytes(), ["9432", "3136"]),
    "bytes that are called float32": (FLOAT32, PIXELS, ["2352", "3136"]),
    "JSON that is called float32": (FLOAT32, TEXT.encode(), ["3136"]),
    "NaN": (FLOAT32, changed("<f4", WIDTH + 5, np.nan), ["Row 1"]),
    "infinity": (FLOAT32, changed("<f4", 3 * WIDTH - 1, np.inf), ["Row 2"]),
    "infinity below zero": (FLOAT32, changed("<f4", 0, -np.inf), ["Row 0"]),
    "NaN in row 400": (FLOAT32, bytes(400 * 4 * WIDTH) + b"\xff" * 4 * WIDTH, ["Row 400"]),
    "all NaN": (FLOAT32, b"\xff" * 6272, ["Row 0"]),
    "no pixels at all": (UINT8, b"", ["784"]),
    "a pixel too few": (UINT8, PIXELS[:-1], ["2351", "784"]),
    "a pixel too many": (UINT8, PIXELS + b"\0", ["2353", "784"]),
    "JSON that is called pixels": (UINT8, TEXT.encode() + b" " * (1 - len(TEXT) % 2), ["784"]),
}  # fmt: skip


@pytest.mark.parametrize(("content_type", "body", "patterns"), BINARY.values(), ids=BINARY)
def test_the_answer_to_bad_bytes_names_the_mistake_and_its_place(
    service: Service, content_type: str, body: bytes, patterns: list[str]
) -> None:
    """The number of bytes that came and the number that a row has, or the row with a number that is none."""
    for accept in ("*/*", FLOAT32):
        answer = service.post(body, content_type, accept=accept)
        sentence = refused(answer, 400)
        assert all(re.search(pattern, sentence) for pattern in patterns), sentence


QUERIES = {
    "nothing": ("data=", "JSON|row"),
    "a word": ("data=abc", "JSON|row"),
    "null": ("data=null", "row"),
    "one number": ("data=1", "row"),
    "no rows": ("data=[]", "row"),
    "a short row": ("data=[[1,2]]", "Row 0"),
    "one row without brackets": (f"data=[{ROW}]", "Row 0"),
    "two words": ("data=a&data=b", "JSON|[Rr]ow"),
    "a row and nothing": (f"data=[{ROW}]&data=", "JSON|Row 1"),
    "a bracket that closes too early": ('data=[[1]],"x":[1', "JSON|row"),
    "another key by the back door": (f'data=1,"data":[[{ROW}]]', "JSON|row"),
    "bytes that are no text": ("data=%ff%fe", "JSON|row|UTF-8"),
    "NaN": (f"data=[[{ROW[2:]},NaN]]", "Row 0"),
    "600 brackets": (f"data={'[' * 600}{']' * 600}", "JSON|deep|[Rr]ow"),
}


@pytest.mark.parametrize(("query", "pattern"), QUERIES.values(), ids=QUERIES)
def test_the_answer_to_a_bad_query_names_the_mistake(service: Service, query: str, pattern: str) -> None:
    """GET with data that is none is a 400 too."""
    answer = service.request("GET", f"/score?{query}")
    assert re.search(pattern, refused(answer, 400))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "nonsense"])
def test_a_compressed_body_is_a_415(service: Service, encoding: str) -> None:
    """Whatever is in it, and however small it is: nothing is expanded here."""
    compress: Callable[[bytes], bytes] = zlib.compress if encoding == "deflate" else gzip.compress
    for content_type, body in ((None, TEXT.encode()), (FLOAT32, FLOATS), (UINT8, PIXELS)):
        answer = service.post(compress(body), content_type, content_encoding=encoding)
        assert re.search("[Cc]ompress|[Ee]ncod", refused(answer, 415))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0"),
        ("text/xml", b"<data/>"),
        ("application/xml; charset=utf-8", b"<data/>"),
        ("text/csv", ROW.encode()),
        ("application/x-npy", b"\x93NUMPY"),
        ("application/vnd.digits.float16", b"\0" * 1568),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=data\r\n\r\n[[0]]\r\n--x--"),
        ("application/gzip", gzip.compress(TEXT.encode())),
    ],
)  # fmt: skip
def test_another_media_type_is_a_415(service: Service, content_type: str, body: bytes) -> None:
    """The sentence names the type that came and those that are read."""
    answer = service.post(body, content_type)
    sentence = refused(answer, 415)
    media_type, *_ = content_type.split(";")
    assert all(word in sentence for word in (media_type, FLOAT32, UINT8, "application/json"))


@pytest.mark.parametrize("content_type", ["text/xml", "image/png", "text/plain", "application/hal+json"])
def test_json_with_bad_rows_is_a_400_under_any_media_type(service: Service, content_type: str) -> None:
    """It was JSON after all, so the rows are what is wrong."""
    answer = service.post('{"data": [[1, 2]]}', content_type)
    assert "Row 0" in refused(answer, 400)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_another_method_is_a_405(service: Service, method: str) -> None:
    """JSON as all refusals; the inference server leaves out the header Allow."""
    answer = service.request(method, "/score", TEXT if method != "TRACE" else None)
    assert answer.status_code == 405
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/scores", 404),
        ("POST", "/score/", 404),
        ("POST", "/", 405),
        ("POST", "/swagger.json", 405),
        ("GET", "/swagger.json?version=9", 404),
        ("GET", "/%00", 404),
        ("GET", "/..%2f..%2fetc/passwd", 404),
    ],
)
def test_another_path_is_refused(service: Service, method: str, path: str, status: int) -> None:
    """JSON too."""
    answer = service.request(method, path, TEXT if method == "POST" else None)
    assert answer.status_code == status
    assert isinstance(answer.json()["message"], str)


def test_an_id_that_is_too_long_is_a_431(service: Service) -> None:
    """The inference server's own limit, so that what is logged and echoed stays short."""
    answer = service.post(TEXT, x_request_id="7" * 101)
    assert answer.status_code == 431
    assert "x-request-id" in answer.json()["message"]
