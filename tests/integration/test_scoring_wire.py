"""Bad HTTP, and bodies of any size: refused by status, never read whole, and the next request is right."""

import gzip
import json
import ssl

import httpx
import pytest

from tests.integration.deployed import (
    FLOAT32,
    GOOD,
    UINT8,
    Service,
    as_body,
    digits_model,
    read_answer,
    serving_model,
)

pytestmark = pytest.mark.usefixtures("unharmed")
TEXT = as_body(GOOD)
POST = b"POST /score HTTP/1.1\r\nHost: here\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BODY_LIMIT = 96_000_000  # MAX_BODY_MB's default
END = b"0\r\n\r\n"
MEGABYTE = b" " * 1_000_000


def chunk(content: bytes) -> bytes:
    """Return a well-formed chunk."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def with_length(length: bytes, body: bytes = TEXT) -> bytes:
    """Return a request that states this length."""
    return POST + b"Content-Length: " + length + b"\r\n\r\n" + body


# What goes over the wire, and the statuses that RFC 9110 and 9112 leave room for. The sender then sends no more.
GOOD_WIRE: dict[str, bytes] = {
    "chunks": CHUNKED + chunk(TEXT[:9]) + chunk(TEXT[9:]) + END,
    "capitals in a chunk's length": CHUNKED + b"%X\r\n%b\r\n0\r\n\r\n" % (len(TEXT), TEXT),
    "a chunk's extension": CHUNKED + b"%x;name=value\r\n%b\r\n0\r\n\r\n" % (len(TEXT), TEXT),
    "trailers": CHUNKED + chunk(TEXT) + b"0\r\nDigest: none\r\n\r\n",
    "a known length": with_length(b"%d" % len(TEXT)),
    "header names in capitals": with_length(b"%d" % len(TEXT)).replace(b"Content-Length", b"CONTENT-LENGTH"),
    "an upgrade that is offered": with_length(b"%d\r\nConnection: Upgrade\r\nUpgrade: h2c" % len(TEXT)),
}  # fmt: skip
BAD_WIRE: dict[str, tuple[bytes, set[int]]] = {
    "a chunk's length that is none": (CHUNKED + b"zz\r\n", {400}),
    "a chunk's length below zero": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", {400}),
    "a chunk's length with 0x": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", {400}),
    "a chunk's length of 40 digits": (CHUNKED + b"F" * 40 + b"\r\n", {400, 413}),
    "no chunk's length": (CHUNKED + b"\r\n\r\n", {400}),
    "JSON in place of chunks": (CHUNKED + TEXT, {400}),
    "a chunk that is longer than it says": (CHUNKED + b"2\r\n" + TEXT + b"\r\n0\r\n\r\n", {400}),
    "a chunk that is cut off": (CHUNKED + b"ffff\r\n" + TEXT[:99], {400}),
    "no last chunk": (CHUNKED + chunk(TEXT[:-1]), {400}),
    "a trailer without end": (CHUNKED + chunk(TEXT) + b"0\r\nDigest", {200, 400}),
    "a body that is cut off": (with_length(b"%d" % (len(TEXT) + 1)), {400}),
    "a body that never comes": (with_length(b"100", b""), {400}),
    "bytes that are cut off": (with_length(b"3136\r\nContent-Type: %b" % FLOAT32.encode(), bytes(3135)), {400}),
    "pixels that are cut off": (with_length(b"1568\r\nContent-Type: %b" % UINT8.encode(), bytes(784)), {400}),
    "a body that is longer than it says": (with_length(b"%d" % (len(TEXT) - 3)), {400}),
    "a body that says it is empty": (with_length(b"0"), {400}),
    "a body without a length": (POST + b"\r\n" + TEXT, {400, 411}),
    "a length that is none": (with_length(b"many"), {400}),
    "a length below zero": (with_length(b"-1"), {400}),
    "a length with a plus": (with_length(b"+5"), {400}),
    "a length of 5,000 digits": (with_length(b"9" * 5000), {400, 413, 431}),
    "an empty length": (with_length(b""), {400, 411}),
    "two lengths": (with_length(b"5\r\nContent-Length: 7"), {400}),
    "two lengths in one": (with_length(b"5, 7"), {400}),
    "a length and chunks": (with_length(b"5\r\nTransfer-Encoding: chunked", chunk(TEXT) + END), {200, 400}),
    "a compressed transfer": (CHUNKED.replace(b"chu", b"gzip, chu") + chunk(gzip.compress(TEXT)), {400, 415, 501}),
    "an unknown transfer coding": (CHUNKED.replace(b"chunked", b"nonsense") + TEXT, {400, 411, 415, 501}),
    "a line of 100 KB": (POST + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n", {400, 431}),
    "1,000 headers": (POST + b"".join(b"X-%d: 1\r\n" % n for n in range(1000)) + b"\r\n", {400, 431}),
    "a header without a colon": (POST + b"nonsense\r\n\r\n", {400}),
    "a header without a name": (POST + b": nonsense\r\n\r\n", {400}),
    "a header with a space in its name": (POST + b"X Y: 1\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "a NUL in a header": (POST + b"X: \0\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "a path of 100 KB": (b"GET /score?data=" + b"[" * 100_000 + b" HTTP/1.1\r\n\r\n", {400, 414}),
    "no path": (b"POST HTTP/1.1\r\n\r\n", {400}),
    "a method of 100 letters": (b"P" * 100 + b" /score HTTP/1.1\r\nHost: here\r\n\r\n", {400, 405, 501}),
    "a method in small letters": (b"post /score HTTP/1.1\r\nHost: here\r\n\r\n", {400, 405, 501}),
    "HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "HTTP/9.9": (b"GET /score HTTP/9.9\r\n\r\n", {400, 505}),
    "no HTTP": (b"\x00\x01\x02\x03\r\n\r\n", {400}),
    "empty lines": (b"\r\n" * 1000 + b"x\r\n\r\n", {400}),
}  # fmt: skip


def send(service: Service, content: bytes) -> tuple[int, bytes]:
    """Send these bytes and say that no more will come; return what is answered."""
    with service.connect() as connection:
        try:
            connection.sendall(content)
            connection.shutdown(1)
        except OSError:  # refused before all of it was sent
            pass
        return read_answer(connection)


@pytest.mark.parametrize("content", GOOD_WIRE.values(), ids=GOOD_WIRE)
def test_good_http_of_any_kind_is_answered(service: Service, content: bytes) -> None:
    """As the standard lets a client write it."""
    status, answer = send(service, content)
    assert (status, json.loads(answer)) == (200, digits_model().predict(GOOD).tolist())


@pytest.mark.parametrize(("content", "statuses"), BAD_WIRE.values(), ids=BAD_WIRE)
def test_bad_http_is_refused(service: Service, content: bytes, statuses: set[int]) -> None:
    """By a status that says who was wrong; what the entry script sees of it, it answers in a sentence."""
    status, _ = send(service, content)
    assert status in statuses


@pytest.mark.parametrize(
    "name", ["a body that is cut off", "a chunk's length that is none", "a body that says it is empty"]
)
def test_a_broken_body_is_refused_in_a_sentence(service: Service, name: str) -> None:
    """The entry script reads the body, so it is the one to say that it broke."""
    status, answer = send(service, BAD_WIRE[name][0])
    assert status == 400
    assert json.loads(answer)["message"].endswith(".")


def test_a_client_that_leaves_in_the_middle_is_no_error(service: Service) -> None:
    """In the request line, in the headers, in the body, in a chunk."""
    for content in (POST[:4], POST[:-9], with_length(b"9999"), CHUNKED + b"fff\r\nabc"):
        with service.connect() as connection:
            connection.sendall(content)


def test_a_client_that_speaks_tls_is_turned_away(service: Service) -> None:
    """A URL with https for http is a common slip."""
    context = ssl.create_default_context()
    with service.connect() as connection, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(connection, server_hostname="localhost")


def test_two_requests_at_once_are_two_answers(service: Service) -> None:
    """Pipelined, the first bad and the second good."""
    bad = with_length(b"2", b"{}")
    with service.connect() as connection, connection.makefile("rb") as answers:
        connection.sendall(bad + GOOD_WIRE["a known length"].replace(b"Host", b"Connection: close\r\nHost"))
        lines = answers.read()
    assert lines.startswith(b"HTTP/1.1 400")
    assert lines.endswith(json.dumps(digits_model().predict(GOOD).tolist()).encode())


def test_100_mb_are_refused_and_the_caller_learns_it(service: Service) -> None:
    """While it is still sending; by Content-Length, in chunks, as JSON and as bytes."""
    for content_type in ("application/json", FLOAT32):
        for content in (MEGABYTE * 100, (MEGABYTE for _ in range(100))):
            answer = service.post(content, content_type)
            assert answer.status_code == 413
            assert "96 MB" in answer.json()["message"]


def test_a_body_that_never_ends_is_refused_when_it_is_too_large(service: Service) -> None:
    """The answer does not wait for the end."""
    with service.connect() as connection:
        connection.sendall(CHUNKED)
        for _ in range(2 * BODY_LIMIT // len(MEGABYTE) + 2):
            connection.sendall(chunk(MEGABYTE))
        assert read_answer(connection)[0] == 413


def test_a_body_that_is_announced_too_large_need_not_be_sent(service: Service) -> None:
    """A client that asks first gets the refusal at once, and no request to continue."""
    with service.connect() as connection:
        connection.sendall(with_length(b"%d" % 10**15, b"").replace(b"Host", b"Expect: 100-continue\r\nHost"))
        assert read_answer(connection)[0] == 413


def test_a_client_that_asks_first_may_continue(service: Service) -> None:
    """A caller that waits for 100 Continue gets it, and then its answer."""
    with service.connect() as connection:
        connection.sendall(with_length(b"%d" % len(TEXT), b"").replace(b"Host", b"Expect: 100-continue\r\nHost"))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(TEXT)
        assert read_answer(connection)[0] == 200


def test_a_large_body_below_the_limit_is_answered(service: Service) -> None:
    """50 MB of pixels are 64,000 rows."""
    rows = 64_000
    answer = service.post(bytes(784) * rows, UINT8)
    assert answer.json() == digits_model().predict([[0] * 784]).tolist() * rows


def test_the_limit_is_a_setting(tmp_path_factory: pytest.TempPathFactory) -> None:
    """MAX_BODY_MB, up to the byte."""
    directory = tmp_path_factory.mktemp("limited")
    with serving_model(directory, digits_model(), WORKER_COUNT="1", MAX_BODY_MB="0.05") as limited:
        statuses = [limited.post(TEXT.ljust(size)).status_code for size in (50_000, 50_001, 60_000, 49_999)]
        chunked = [limited.post(iter([TEXT.ljust(size)])).status_code for size in (50_000, 50_001)]
    assert (statuses, chunked) == ([200, 413, 413, 200], [200, 413])


def test_it_listens_to_many_at_once(service: Service) -> None:
    """100 connections that stay open, each answered."""
    limits = httpx.Limits(max_connections=100)
    with httpx.Client(trust_env=False, limits=limits) as client:
        streams = [client.build_request("POST", service.running.scoring_uri, content=TEXT) for _ in range(100)]
        answers = [client.send(request, stream=True) for request in streams]
        assert [answer.read() for answer in answers] == [answers[0].content] * 100
