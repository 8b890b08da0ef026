"""What the evaluation asks of a service, and what it makes of one that answers wrongly."""

import dataclasses
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from digits.__main__ import main
from digits.datasets import Dataset
from digits.evaluation.evaluation_errors import EvaluationError, ServiceError
from digits.evaluation.scoring_client import CONNECTIONS, Client, score
from digits.evaluation.smoke import evaluate
from digits.evaluation.verdict import Thresholds
from tests.integration.answering import Answer, Request, Serve, Service, labels, seen_by, servers

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
IMAGES = np.repeat(np.arange(3, dtype=np.uint8)[:, None], 784, axis=1)


def bars(rows: int) -> "NDArray[np.uint8]":
    """Return as many images, neighbours of which differ."""
    return np.repeat((np.arange(rows) % 251).astype(np.uint8)[:, None], 784, axis=1)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that starts a server with these answers and returns its base URL."""
    with servers() as start:
        yield start


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"[1, 2]", "answered 2 labels for 3 rows"),
        (200, b"[1, 2, 3, 4]", "answered 4 labels for 3 rows"),
        (
            200,
            b'["1", "cat", "3"]',
            'answered row 1 with "cat", which is text and not a number as it is usually written, but',
        ),
        (
            200,
            b'["1", "07", "3"]',
            'answered row 1 with "07", which is text and not a number as it is usually written, but',
        ),
        (200, b'["1", 2, 3]', "answered 1 of 3 labels as text and the others not: have score.py answer all of them in"),
        (200, b"[true, false, true]", "answered row 0 with true, which is a truth value, but the labels of the data"),
        (200, b"[1.0, 2.5, 3.0]", "answered row 1 with 2.5, which is no whole number, but the labels of the data are"),
        (
            200,
            b"[1, 2, NaN]",
            "answered row 2 with NaN, which is no whole number, but the labels of the data are whole",
        ),
        (
            200,
            b"[1, null, 3]",
            "answered row 1 with null, which is no whole number, but the labels of the data are whole",
        ),
        (200, b"[[1], [2], [3]]", "answered row 0 with [1], which is a list, but the labels of the data are whole"),
        (200, b'{"labels": [1, 2, 3]}', "answered something other than a list of labels"),
        (200, b"[" * 100_000, "answered something other than JSON"),
        (200, b"[1, 2, %d]" % 2**70, "answered row 2 with 1180591620717411303424, which is beyond 32 bits, but"),
        (200, b"<html>\n<p>Hello", "answered something other than JSON: <html> <p>Hello"),
        (200, b"", "answered something other than JSON: nothing at all."),
        (400, b'{"message": "Row 0 is odd."}', "answered 400: Row 0 is odd."),
        (403, b"", "refuses the key (403)"),
        (500, b"x" * 1000, "answered 500: " + "x" * 200 + "…"),
    ],
)
def test_an_answer_that_is_not_labels_is_one_sentence(serve: Serve, status: int, body: bytes, sentence: str) -> None:
    """Whatever answers behind the URL, it is named and quoted in brief, and nothing is counted."""
    uri = serve(lambda _request: Answer(status, body))
    with pytest.raises(ServiceError) as raised:
        score(uri, "key", IMAGES)
    assert f"The service at {uri} " in str(raised.value)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_service_on_this_machine_is_not_asked_for_through_a_proxy(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a company's proxy the dev stack is evaluated all the same."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert score(serve(lambda _request: Answer(200, b"[1, 2, 3]")), None, IMAGES) == [1, 2, 3]


def test_bytes_are_sent_in_batches_over_a_few_connections(serve: Serve) -> None:
    """A byte for each pixel, 250 rows a request; a connection stays with one worker, so they go round."""
    seen: list[Request] = []
    uri = serve(seen_by(seen))
    images = np.random.default_rng(0).integers(0, 256, (2350, 784), dtype=np.uint8)
    assert score(uri, None, images) == [0] * 2350
    assert [request.rows for request in seen] == [250] * 9 + [100]
    assert {request.content_type for request in seen} == {"application/vnd.digits.uint8"}
    assert b"".join(request.body for request in seen) == images.tobytes()
    assert len({request.connection for request in seen}) == CONNECTIONS
    assert seen[0].connection == seen[CONNECTIONS].connection


@pytest.mark.parametrize("status", [400, 415, 500])
def test_a_service_that_knows_only_json_gets_json(serve: Serve, status: int) -> None:
    """The tutorial's answers 400 or 500 to bytes; it is asked once, and then in its own way."""
    seen: list[Request] = []

    def service(request: Request) -> Answer:
        seen.append(request)
        return labels(request) if request.content_type == "application/json" else Answer(status, b"what?")

    pixels = np.arange(500 * 784, dtype=np.int64).reshape(500, 784).astype(np.uint8)
    with Client(serve(service), None) as client:
        assert client.score(pixels) == [0] * 500
        assert client.body == "json"
    kinds = [request.content_type.rpartition("/")[2] for request in seen]
    assert kinds == ["vnd.digits.uint8", "json", "json"]
    sent = [row for request in seen[1:] for row in json.loads(request.body)["data"]]
    assert (np.array(sent) == pixels / 255).all()


def test_json_can_be_asked_for(serve: Serve) -> None:
    """Bytes are then never tried, and the evaluation says what was sent."""
    seen: list[Request] = []
    uri = serve(seen_by(seen))
    data = Dataset("zeros", IMAGES, np.zeros(3, np.uint8), "d" * 64)
    assert evaluate(uri, None, data, body="json").body == "json"
    assert {request.content_type for request in seen} == {"application/json"}


def test_latency_is_of_requests_with_one_image_each(serve: Serve) -> None:
    """Up to a hundred, after the batches, spread over the rows; each connection is opened by one that is not timed."""
    seen: list[Request] = []
    uri = serve(seen_by(seen))
    images = np.repeat(np.arange(200, dtype=np.uint8)[:, None], 784, axis=1)
    evaluation = evaluate(uri, None, Dataset("bars", images, np.zeros(200, np.uint8), "d" * 64), body="json")
    assert [request.rows for request in seen] == [200] + [1] * (CONNECTIONS - 1 + 100)
    assert len({request.connection for request in seen[:CONNECTIONS]}) == CONNECTIONS
    first = [round(json.loads(request.body)["data"][0][0] * 255) for request in seen[CONNECTIONS:]]
    assert first == list(range(0, 200, 2))
    assert len(evaluation.latencies_ms) == 100
    assert all(taken > 0 for taken in evaluation.latencies_ms)


CERTAIN = "application/vnd.digits.probabilities+json"


@pytest.mark.parametrize("kind", [str, float])
def test_labels_of_another_type_are_the_same_evaluation(serve: Serve, kind: type) -> None:
    """A model that learned "7" or 7.0 is evaluated as one that learned 7: label, misses, and how sure it was."""

    def service(request: Request) -> Answer:
        read = [kind(1)] * request.rows
        if request.accept != CERTAIN:
            return Answer(200, json.dumps(read).encode())
        written = {"labels": read, "classes": [kind(0), kind(1)], "probabilities": [[0.25, 0.75]] * request.rows}
        return Answer(200, json.dumps(written).encode(), {"Content-Type": CERTAIN})

    evaluation = evaluate(serve(service), None, Dataset("zeros", IMAGES, np.array([0, 1, 1], np.uint8), "d" * 64))
    assert evaluation.predictions == (1, 1, 1)
    assert evaluation.confusion_matrix == ((0, 1), (0, 2))
    assert evaluation.misses == ((0, 0, 1, 0.75),)


def reads_ones(certain: Callable[[int], Answer], asked: list[Request]) -> Service:
    """Return a service that reads every image as a one; what it says of so many probabilities is the test's."""

    def service(request: Request) -> Answer:
        if request.accept != CERTAIN:
            return Answer(200, json.dumps([1] * request.rows).encode())
        asked.append(request)
        return certain(request.rows)

    return service


def certain(labels: list[int], probabilities: list[list[float]]) -> Answer:
    """Return an answer as the service describes it, for the classes 0 and 1."""
    body = {"labels": labels, "classes": [0, 1], "probabilities": probabilities}
    return Answer(200, json.dumps(body).encode(), {"Content-Type": CERTAIN})


def test_how_sure_the_service_was_is_asked_only_of_the_misses(serve: Serve) -> None:
    """In batches, and each probability is kept with its row; another label by now has none, and is a failure."""
    asked: list[Request] = []
    images = bars(1200)
    labels = np.array([0, 1] * 600, np.uint8)
    uri = serve(reads_ones(lambda rows: certain([1] * (rows - 1) + [0], [[1 - 0.8125, 0.8125]] * rows), asked))
    evaluation = evaluate(uri, None, Dataset("bars", images, labels, "d" * 64))
    assert [request.rows for request in asked] == [250, 250, 100]
    assert b"".join(request.body for request in asked) == images[::2].tobytes()
    unsure = (498, 998, 1198)
    assert evaluation.misses == tuple((row, 0, 1, None if row in unsure else 0.812) for row in range(0, 1200, 2))
    assert [row for row, *_ in evaluation.agreement.disagreements] == list(unsure)
    assert "it read row 498 of bars as 1 as uint8 in a batch, and as 0 with probabilities in a batch" in (
        evaluation.verdict
    )
    assert not evaluation.passed


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, json.dumps([1] * 250).encode(), {"Content-Type": "application/json"}),
        Answer(406, b'{"message": "This model gives labels and no probabilities: accept application/json."}'),
        Answer(400),
        Answer(500, b"what?"),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
    ],
)
def test_a_service_that_knows_only_labels_is_asked_once_how_sure_it_is(serve: Serve, answer: Answer) -> None:
    """The evaluation is whole without it, with any service that has the tutorial's contract."""
    asked: list[Request] = []
    data = Dataset("zeros", bars(600), np.zeros(600, np.uint8), "d" * 64)
    evaluation = evaluate(serve(reads_ones(lambda _rows: answer, asked)), None, data)
    assert len(asked) == 1
    assert evaluation.misses == tuple((row, 0, 1, None) for row in range(600))
    assert evaluation.correct == 0


def test_a_picture_is_read_by_any_service_with_the_tutorial_s_contract(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it does not say how sure it is, there is only the label."""
    Image.fromarray(np.pad(np.zeros((9, 3), np.uint8), 9, constant_values=255)).save(tmp_path / "one.png")
    uri = serve(lambda _request: Answer(200, b"[1]"))
    assert main(["predict", "--uri", uri, str(tmp_path / "one.png")]) == 0
    assert capsys.readouterr().out.splitlines()[14:] == ["1"]


@pytest.mark.parametrize(
    "answer",
    [
        certain([1, 1], [[0.5, 0.5]] * 3),
        certain([1, 1, 1], [[0.5, 0.5]] * 2),
        certain([1, 1, 1], [[0.5]] * 3),
        certain([1, 1, 1], [[0.5, 1.5]] * 3),
        certain([1, 1, 1], [[0.5, math.nan]] * 3),
        Answer(200, b"[1, 1, 1]", {"Content-Type": CERTAIN}),
        Answer(200, b"{", {"Content-Type": CERTAIN}),
    ],
)
def test_probabilities_that_are_none_are_one_sentence(serve: Serve, answer: Answer) -> None:
    """A service that says it answers with them and does not is not evaluated."""
    data = Dataset("zeros", IMAGES, np.zeros(3, np.uint8), "d" * 64)
    with pytest.raises(ServiceError, match="answered something other than probabilities: ") as raised:
        evaluate(serve(reads_ones(lambda _rows: answer, [])), None, data)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "trouble", [Answer(502), Answer(503, b"busy"), Answer(504), Answer(200, cut=-1), Answer(200, b"[0, 0, 0]", cut=4)]
)
def test_what_is_lost_on_the_way_is_sent_again(serve: Serve, trouble: Answer) -> None:
    """An overloaded server or a lost connection costs a wait, not the evaluation; the count is kept."""
    answers = iter([trouble, trouble])
    with Client(serve(lambda request: next(answers, labels(request))), None) as client:
        assert client.score(IMAGES) == [0, 0, 0]
        assert client.retries == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
def test_an_answer_that_would_be_the_same_again_is_not_asked_for_again(serve: Serve, status: int) -> None:
    """Refusals and errors of the script are final."""
    with Client(serve(lambda _request: Answer(status)), None, body="json") as client:
        with pytest.raises(ServiceError, match=str(status)):
            client.score(IMAGES)
        assert client.retries == 0


def test_a_service_that_loses_every_second_request_is_not_evaluated(serve: Serve, tmp_path: Path) -> None:
    """Exit 2, one sentence with the status and how often it was asked again, and no report."""
    asked: list[Request] = []

    def service(request: Request) -> Answer:
        asked.append(request)
        return labels(request) if len(asked) % 2 else Answer(503, b"Too busy.")

    command = [
        sys.executable,
        "-m",
        "digits",
        "evaluate",
        "--uri",
        serve(service),
        "--report",
        str(tmp_path / "report"),
    ]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    *_, last = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert last.startswith("error: The service at http://127.0.0.1:")
    assert last.endswith("answered 503: Too busy. It was asked again 10 times.")
    assert not (tmp_path / "report").exists()


def test_a_service_that_answers_row_numbers_is_no_classifier(serve: Serve) -> None:
    """A matrix of a thousand labels helps nobody and fills the memory."""
    numbers = itertools.count(1000)
    uri = serve(lambda request: Answer(200, json.dumps([next(numbers) for _ in range(request.rows)]).encode()))
    images = bars(300)
    with pytest.raises(ServiceError, match="answered 300 different labels: it reads no digits"):
        evaluate(uri, None, Dataset("zeros", images, np.full(300, 255, np.uint8), "d" * 64), body="json")


def test_a_second_evaluation_is_compared_with_the_first_on_the_same_rows(serve: Serve) -> None:
    """Rows that changed are named; with other rows there is no comparison, and it says so."""
    read = 0
    data = Dataset("ones", bars(60), np.array([0] * 40 + [1] * 20, np.uint8), "d" * 64)
    uri = serve(lambda request: Answer(200, json.dumps([read] * request.rows).encode()))
    first = evaluate(uri, None, data, subject={"model": "sklearn_mnist:3"})
    read = 1
    second = evaluate(uri, None, data, previous=first)
    assert second.comparison is not None
    assert second.comparison.worse == [(row, 0, 0, 1) for row in range(40)]
    assert second.comparison.better == [(row, 1, 0, 1) for row in range(40, 60)]
    other = evaluate(uri, None, data, previous=first, rows=30)
    assert other.comparison is None
    assert other.passed == first.passed, "nothing asks for a drop to be judged"
    assert "Not compared with the release before: sklearn_mnist:3 was evaluated on 60 rows" in other.verdict


DIGITS = Dataset("bars", bars(240), (np.arange(240) % 240 // 24).astype(np.uint8), "d" * 64)


def tens(request: Request) -> list[int]:
    """Read each bar rightly, in whatever form it is sent."""
    if request.form == "json":
        pixels = np.array(json.loads(request.body)["data"]) * 255
    elif request.form == "float32":
        pixels = np.frombuffer(request.body, "<f4").reshape(-1, 784) * 255.0
    else:
        pixels = np.frombuffer(request.body, np.uint8).reshape(-1, 784)
    return [int(first) // 24 for first in np.rint(pixels[:, 0])]


def faulty(is_wrong: Callable[[int, Request], bool]) -> Service:
    """Return a service that reads every row of a request as a nine if the test says so of its number."""
    numbers = itertools.count()

    def service(request: Request) -> Answer:
        read = tens(request)
        return Answer(200, json.dumps([9] * len(read) if is_wrong(next(numbers), request) else read).encode())

    return service


def third_connection() -> Callable[[int, Request], bool]:
    """Return what is true of requests on the third connection that is opened."""
    connections: list[int] = []

    def is_third(_number: int, request: Request) -> bool:
        connections.extend([request.connection] * (request.connection not in connections))
        return connections.index(request.connection) == 2

    return is_third


def test_a_service_that_answers_alike_in_every_form_agrees(serve: Serve) -> None:
    """Rows are sent again singly and in each form, over all connections, and the record says how many."""
    seen: list[Request] = []

    def service(request: Request) -> Answer:
        seen.append(request)
        return Answer(200, json.dumps(tens(request)).encode())

    evaluation = evaluate(serve(service), None, DIGITS)
    assert (evaluation.accuracy, evaluation.passed) == (1, True)
    assert evaluation.agreement.forms == ("uint8", "json", "float32")
    assert evaluation.agreement.answers == sum(request.rows for request in seen[1:])
    for form in evaluation.agreement.forms:
        assert {request.rows == 1 for request in seen if request.form == form} == {True, False}
        connections = {request.connection for request in seen if request.form == form and request.rows == 1}
        assert len(connections) >= 4, "each form reaches the workers singly"


@pytest.mark.parametrize(
    ("is_wrong", "sentence"),
    [
        (
            lambda _number, request: request.rows == 1,
            "row 0 of bars as 0 as uint8 in a batch, and as 9 as uint8 by its",
        ),
        (lambda _number, request: request.form == "json", "as 0 as uint8 in a batch, and as 9 as JSON in a batch"),
        (lambda _number, request: request.form == "float32", "and as 9 as float32 in a batch"),
        (lambda _n, request: request.form == "json" and request.rows == 1, "and as 9 as JSON by itself"),
        (lambda _n, request: request.form == "float32" and request.rows == 1, "and as 9 as float32 by itself"),
        (lambda number, _request: number >= 2, "and as 9 as uint8 by itself"),
        (lambda number, _request: number >= 109, "by itself; "),
        (third_connection(), "and as 9 as uint8 by itself"),
    ],
    ids=["single", "JSON", "float32", "single JSON", "single float32", "after two", "after a while", "one worker"],
)
def test_an_answer_that_contradicts_another_is_a_failure(
    serve: Serve, is_wrong: Callable[[int, Request], bool], sentence: str
) -> None:
    """The batches were right all the same; the sentence names the row and the form."""
    evaluation = evaluate(serve(faulty(is_wrong)), None, DIGITS)
    assert (evaluation.accuracy, evaluation.passed) == (1, False)
    assert "The service contradicts itself (agreement): it read row" in evaluation.verdict
    assert sentence in evaluation.verdict
    assert evaluation.verdict.count("\n") == 0


@pytest.mark.parametrize(("status", "forms"), [(415, ("uint8", "json")), (500, None)])
def test_a_form_that_a_service_does_not_take_is_refused_by_415(
    serve: Serve, status: int, forms: tuple[str, ...] | None
) -> None:
    """Any other refusal of rows that it takes in another form is a fault."""

    def service(request: Request) -> Answer:
        return (
            Answer(status, b"what?") if request.form == "float32" else Answer(200, json.dumps(tens(request)).encode())
        )

    if forms is None:
        with pytest.raises(ServiceError, match=r"answered 500: what\?"):
            evaluate(serve(service), None, DIGITS)
    else:
        assert evaluate(serve(service), None, DIGITS).agreement.forms == forms


def test_a_service_that_takes_bytes_and_no_json_is_not_evaluated(serve: Serve) -> None:
    """JSON is the contract that every caller knows."""

    def service(request: Request) -> Answer:
        return Answer(400, b"no JSON") if request.form == "json" else Answer(200, json.dumps(tens(request)).encode())

    with pytest.raises(ServiceError, match="answered 400: no JSON"):
        evaluate(serve(service), None, DIGITS)


@pytest.mark.parametrize(("rows", "held"), [(1, "one image"), (40, "40 copies of one image")])
def test_one_image_is_no_evidence(serve: Serve, rows: int, held: str) -> None:
    """Nothing is asked of the service: a constant answer would pass."""
    data = Dataset("own.csv", np.ones((rows, 784), np.uint8), np.zeros(rows, np.uint8), "d" * 64)
    with pytest.raises(EvaluationError, match=rf"own\.csv would be evaluated on {held}, which a constant answer may"):
        evaluate(serve(labels), None, data)


def test_one_label_is_weak_evidence_and_is_marked(serve: Serve) -> None:
    """A constant answer passes, and the verdict says so."""
    evaluation = evaluate(serve(labels), None, Dataset("zeros", bars(40), np.zeros(40, np.uint8), "d" * 64))
    assert evaluation.passed
    assert "The evidence is weak: all 40 images have the label 0, so a constant answer passes." in evaluation.verdict


def test_a_drop_against_other_data_cannot_be_judged_and_fails(serve: Serve) -> None:
    """Another data set would otherwise let any loss pass; without maximumDrop it is only said."""
    uri = serve(faulty(lambda _number, _request: False))
    first = evaluate(uri, None, DIGITS, subject={"model": "sklearn_mnist:3"})
    other = dataclasses.replace(DIGITS, digest="e" * 64)
    second = evaluate(uri, None, other, previous=first, thresholds=Thresholds(maximum_drop=0.01))
    assert not second.passed
    assert (
        "The drop cannot be judged (maximumDrop): sklearn_mnist:3 was evaluated on other data: bars" in second.verdict
    )
    assert evaluate(uri, None, other, previous=first).passed
    assert evaluate(uri, None, DIGITS, previous=first, thresholds=Thresholds(maximum_drop=0.01)).passed
