"""Requests that a machine makes up: each is answered with the tutorial's labels or refused in JSON, none by a 5xx."""

import http.client
import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from sklearn.linear_model import LogisticRegression

from digits import datasets
from tests.integration.deployed import FLOAT32, UINT8, Service, serving_model

AUTHORIZATION = {"Authorization": "Bearer the-key"}
WIDTH = 3  # of a model of the test's own, so that what is made up is often nearly right
MANY = settings(
    max_examples=10_000,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # nothing is shrunk: 10,000 requests and no more
    suppress_health_check=list(HealthCheck),
)
SOME = settings(MANY, max_examples=50)


@pytest.fixture(scope="module")
def model() -> Any:
    """Digits by three of their pixels, badly."""
    train = narrow()
    return LogisticRegression(max_iter=1000).fit(train.images / 255, train.labels)


def narrow() -> datasets.Dataset:
    """Return the digits with three of their pixels."""
    train = datasets.load("digits", "train")
    return datasets.Dataset("digits", train.images[:, [210, 350, 490]], train.labels, train.digest)


@pytest.fixture(scope="module")
def service(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The deployed package with that model."""
    with serving_model(tmp_path_factory.mktemp("service"), model, narrow(), key="the-key") as service:
        before = service.workers
        yield service
        assert service.workers == before, "every request of this module was survived"


@pytest.fixture(scope="module")
def connection(service: Service) -> Iterator[http.client.HTTPConnection]:
    """One connection that is kept: 10,000 requests in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", service.running.port, timeout=60)
    yield connection
    connection.close()


def tutorials_answer(model: Any, body: bytes) -> bytes | None:
    """Return what the tutorial's run() answers, None where it raises: the inference server makes a 500 of that."""
    try:
        with np.errstate(all="ignore"):
            # We pass over a byte order mark, at which the tutorial's json.loads fails.
            labels = model.predict(np.array(json.loads(str(body, "utf-8-sig"))["data"])).tolist()
    except Exception:  # noqa: BLE001 - as the inference server does
        return None
    return json.dumps(labels).encode()


def choose(*texts: str) -> st.SearchStrategy[str]:
    """Choose one of these texts."""
    return st.sampled_from(texts)


def joined(items: st.SearchStrategy[str], max_size: int) -> st.SearchStrategy[str]:
    """Join items as a list's are, now and then with a comma too many or too few."""
    separators = st.sampled_from([",", ",", ",", ",", ", ", " ,\n", ",,", " "])
    return st.builds(lambda texts, separator: separator.join(texts), st.lists(items, max_size=max_size), separators)


GENERATOR = random.Random(0)  # noqa: S311 - numbers to choose from: hypothesis takes ten times as long to make one
GOOD = [
    "0",
    "1",
    "-0",
    "true",
    "1e2",
    "255",
    "1" + "0" * 30,
    "5e-324",
    *(json.dumps(GENERATOR.random()) for _ in range(9)),
]
GOOD_NUMBERS = choose(*GOOD)
ODD = choose(
    "NaN", "1e400", "null", '"1"', "[1]", "[]", "[1,2]", "{}", "01", "1.", "", "1,2", "9" * 4301, "1" + "0" * 309
)
NUMBERS = choose(
    *GOOD,
    *(json.dumps(GENERATOR.uniform(-1, 1) * 10 ** GENERATOR.randint(-300, 300)) for _ in range(9)),
    *("-Infinity", "1e-400", "1E2", "+1", "-", "false", "nan", "1" + "0" * 308),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775809"),
)
GOOD_ROWS = st.tuples(*[GOOD_NUMBERS] * WIDTH).map(lambda numbers: f"[{', '.join(numbers)}]")
NEARLY_GOOD_ROWS = st.builds("[{},{},{}]".format, GOOD_NUMBERS, ODD, GOOD_NUMBERS)
ODD_ROWS = st.one_of(
    joined(NUMBERS, max_size=4).map("[{}]".format),
    choose("[1,2],[1,2,3,4]", "[1,2,3,4],[1,2]", "[],[0,1,2,3,4,5]"),
    choose("[]", "[[1,2,3]]", "null", "7", '"[1,2,3]"', "[", "]", "[1,2,3", "1,2,3]", "{}", "[1,2,3,4]", "[1,2]"),
)
GOOD_DATA = st.lists(GOOD_ROWS, min_size=1, max_size=3).map(lambda rows: f"[{','.join(rows)}]")
DATA = st.one_of(
    GOOD_DATA,
    joined(st.one_of(GOOD_ROWS, ODD_ROWS), max_size=4).map("[{}]".format),
    choose("[]", "null", "7", '"x"', "{}", "[[", "[[1,2,3]", "[1,2,3]", "NaN", "[[1,2,3],[4,5,6]]"),
)
KEYS = choose(
    '"data"', '"data"', '"data"', '"data"', '"\\u0064ata"', '"Data"', '"id"', '""', "data", "'data'", '"\ud800"'
)
JSON_TEXT = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=5).map(json.dumps), choose("nan", "NaN", "Infinity", "undefined", '"\\ud800"')),
    lambda inner: st.one_of(joined(inner, max_size=3).map("[{}]".format), inner.map('{{"data":{}}}'.format)),
    max_leaves=3,
)
MEMBERS = st.builds("{}{}{}".format, KEYS, choose(":", ":", ":", " : ", "", "="), st.one_of(DATA, DATA, JSON_TEXT))
ENDS = choose("", "", "", "", " ", "\n\t", "\ufeff", "\0", "x", "}", "]")
TEXTS = st.one_of(
    GOOD_DATA.map('{{"data": {}}}'.format),
    st.builds('{{"data":[{},{}]}}'.format, GOOD_ROWS, NEARLY_GOOD_ROWS),
    st.builds('{{"data":[{},{}]}}'.format, NEARLY_GOOD_ROWS, GOOD_ROWS),
    st.builds('{{"data":[{},{}]}}'.format, GOOD_ROWS, ODD_ROWS),
    st.builds('{{"a":{},"data":{}}}'.format, JSON_TEXT, GOOD_DATA),
    st.builds('{{"data":{}}}'.format, DATA),
    st.builds("{}{{{}}}{}".format, ENDS, joined(MEMBERS, max_size=3), ENDS),
    JSON_TEXT,
)
ENCODED = TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass"))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Take a body and cut, double, or replace a part of it."""
    body: bytes = draw(ENCODED)
    first = draw(st.integers(0, len(body)))
    last = draw(st.integers(first, min(first + 4, len(body))))
    return body[:first] + draw(st.one_of(st.binary(max_size=3), st.just(body[first:last] * 2))) + body[last:]


SINGLES = st.sampled_from(
    [np.float32(number).tobytes() for number in (0, 1, 0.5, -1, 1e-40, 3e38, "nan", "inf", "-inf")]
)
BYTES = st.one_of(
    st.binary(max_size=40),
    st.lists(SINGLES, max_size=9).map(b"".join),
    st.binary(min_size=12, max_size=12),
)  # fmt: skip
MEDIA_TYPES = st.sampled_from([None, "application/json", "application/json", "text/plain", "text/xml", "image/png", ""])
REQUESTS = st.one_of(
    st.tuples(st.one_of(ENCODED, ENCODED, damaged(), BYTES), MEDIA_TYPES),
    st.tuples(st.one_of(BYTES, BYTES, ENCODED), st.sampled_from([FLOAT32, UINT8])),
)


def expected(model: Any, body: bytes, media_type: str | None) -> bytes | None:
    """Return the labels as they have to be answered; None where the request has to be refused."""
    if media_type not in (FLOAT32, UINT8):
        return tutorials_answer(model, body)
    dtype = np.dtype("<f4" if media_type == FLOAT32 else "u1")
    if not body or len(body) % (WIDTH * dtype.itemsize):
        return None
    with np.errstate(invalid="ignore"):
        rows = np.frombuffer(body, dtype).reshape(-1, WIDTH).astype(float) / (255 if media_type == UINT8 else 1)
    return json.dumps(model.predict(rows).tolist()).encode() if np.isfinite(rows).all() else None


def test_10_000_bodies_are_answered_rightly_or_refused(model: Any, connection: http.client.HTTPConnection) -> None:
    """The tutorial's labels wherever it has any; a 400 or a 415 with one sentence for all else."""
    statuses: list[int] = []

    @MANY
    @given(REQUESTS)
    def send(request: tuple[bytes, str | None]) -> None:
        body, media_type = request
        connection.request(
            "POST", "/score", body, AUTHORIZATION | ({} if media_type is None else {"Content-Type": media_type})
        )
        response = connection.getresponse()
        answer = response.read()
        statuses.append(response.status)
        labels = expected(model, body, media_type)
        if labels is None:
            assert response.status in ((400, 415) if media_type in ("text/xml", "image/png") else (400,))
            assert list(json.loads(answer)) == ["message"]
        else:
            assert (response.status, answer) == (200, labels)
        assert response.headers["Content-Type"] == "application/json"

    send()
    assert len(statuses) >= 10_000
    assert all(statuses.count(status) > 500 for status in (200, 400)), "both kinds were made up"


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ("", schemathesis.GenerationMode.POSITIVE),
        ("?version=3.1", schemathesis.GenerationMode.POSITIVE),
        ("", schemathesis.GenerationMode.NEGATIVE),
    ],
)
def test_the_service_is_as_it_describes_itself(
    service: Service, version: str, mode: schemathesis.GenerationMode
) -> None:
    """Requests made up from /swagger.json, good and bad: status, media type and content are those that it names."""
    uri = service.running.scoring_uri.replace("/score", f"/swagger.json{version}")
    schema = schemathesis.openapi.from_url(uri, headers=AUTHORIZATION)
    operations = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr] # Err has no ok()
    assert {operation.label for operation in operations} >= {"GET /", "GET /score", "POST /score"}
    for operation in operations:
        if mode is schemathesis.GenerationMode.NEGATIVE and operation.path == "/":
            continue  # takes nothing that could be wrong

        @SOME
        @given(operation.as_strategy(mode))
        def call(case: schemathesis.Case[Any]) -> None:
            # The tutorial takes more than is described: booleans for numbers, parameters that nobody asked for.
            unknowable: list[Any] = [negative_data_rejection]
            if case.media_type in (FLOAT32, UINT8):  # OpenAPI has no words for how many bytes a row has
                unknowable.append(positive_data_acceptance)
            case.call_and_validate(headers=AUTHORIZATION, excluded_checks=unknowable)

        call()
