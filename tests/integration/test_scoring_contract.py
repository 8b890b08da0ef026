"""The tutorial's contract: whatever its score.py answers with labels, ours answers with the same bytes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import jsonschema_rs
import numpy as np
import pytest

from digits.runtime import server
from tests.integration.deployed import (
    FLOAT32,
    PROBABILITIES,
    UINT8,
    Service,
    digits_model,
    read_answer,
    row,
    tutorials_score,
)
from tests.integration.serving import healthy

A, B, C = (json.dumps(row(seed)) for seed in (1, 2, 9))
FEW = f"[{A}, {B}, {C}]"
PLAIN = f'{{"data": {FEW}}}'


@pytest.fixture(scope="module")
def tutorial(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.ScoringServer]:
    """The tutorial's entry script with the same model, under the inference server's own settings."""
    model = service.running.directory.parent / "model"
    with healthy(tmp_path_factory.mktemp("tutorial"), tutorials_score(), model_directory=model) as running:
        yield running


def numbers(*values: str) -> str:
    """Return a body with one row in which these numbers take turns, and one ordinary row."""
    turns = [values[at % len(values)] for at in range(784)]
    return f'{{"data": [[{", ".join(turns)}], {B}]}}'


TEXTS = {
    "spaces": PLAIN,
    "no spaces": json.dumps({"data": [row(1), row(2)]}, separators=(",", ":")),
    "indented": json.dumps({"data": [row(1), row(2)]}, indent=4),
    "tabs and CRLF": PLAIN.replace(", ", ",\t").replace("{", "{\r\n").replace(":", "\r\n:\n"),
    "space around the body": f" \r\n\t {PLAIN}\n\n ",
    "space inside each bracket": PLAIN.replace("[", "[ ").replace("]", " ]"),
    "one row": f'{{"data": [{A}]}}',
    "300 rows": f'{{"data": [{",".join([A, B, C] * 100)}]}}',
    "empty pictures": f'{{"data": [{json.dumps([0] * 784)}, {json.dumps([0.0] * 784)}]}}',
    "a key before": f'{{"id": "7", "data": {FEW}}}',
    "a key after": f'{{"data": {FEW}, "id": 7}}',
    "brackets in a text": f'{{"note": "[[[", "data": {FEW}, "end": "]]}}"}}',
    "quotes in a text": f'{{"note": "\\"data\\": [[1]]", "data": {FEW}}}',
    "lists next to the data": f'{{"ids": [[1, 2], [3]], "data": {FEW}, "more": [[]]}}',
    "data further down": f'{{"inner": {{"data": [[1]]}}, "data": {FEW}}}',
    "data further down, after": f'{{"data": {FEW}, "inner": {{"data": [[1]]}}}}',
    "data in a list": f'{{"data": {FEW}, "inner": [{{"data": 1}}]}}',
    "data twice": f'{{"data": [{A}], "data": [{B}]}}',
    "data twice, the first no rows": f'{{"data": null, "data": {FEW}}}',
    "data three times": f'{{"data": [{A}], "data": "", "data": [{C}, {B}]}}',
    "data spelled with an escape": f'{{"\\u0064ata": {FEW}}}',
    "data twice, once escaped": f'{{"data": [{A}], "d\\u0061ta": [{B}]}}',
    "another key twice": f'{{"id": 1, "id": 2, "data": {FEW}}}',
    "an empty key": f'{{"": "", "data": {FEW}}}',
    "other alphabets": f'{{"Größe": "数字", "data": {FEW}}}',
    "NaN next to the data": f'{{"weight": NaN, "limits": [-Infinity, Infinity], "data": {FEW}}}',
    "half a surrogate next to the data": f'{{"note": "\\ud800", "data": {FEW}}}',
    "NUL next to the data": f'{{"note": "\\u0000", "data": {FEW}}}',
    "100 brackets next to the data": f'{{"deep": {"[" * 100}{"]" * 100}, "data": {FEW}}}',
    "4,000 digits next to the data": f'{{"long": {"9" * 4000}, "data": {FEW}}}',
    "integers": numbers("0", "1"),
    "pixels": numbers("0", "255", "17"),
    "negative numbers": numbers("-1", "0.5", "-0.25"),
    "negative zeros": numbers("-0", "-0.0", "0.7"),
    "booleans": numbers("true", "false"),
    "booleans among numbers": numbers("true", "0.5", "false", "3"),
    "exponents": numbers("1e0", "1E-2", "2.5e+1", "0e9"),
    "too small for a number": numbers("1e-400", "5e-324", "1", "1e-999999999"),
    "400 digits": numbers(f"0.{'3' * 400}", f"0.{'0' * 399}1", "0.5"),
    "halfway between two numbers": numbers("0.1000000000000000055511151231257827", "0.30000000000000004441"),
    "integers of 64 bits": numbers("18446744073709551615", "0"),
    "integers of 64 bits, negative too": numbers("9223372036854775808", "-9223372036854775808"),
    "integers beyond 64 bits": numbers("18446744073709551616", "-1", "0"),
    "integers beyond 64 bits among all kinds": numbers(f"1{'0' * 30}", "0.5", "true", "-3"),
    "integers of 300 digits": numbers(f"1{'0' * 300}", "0"),
    "texts next to integers beyond 64 bits": numbers("18446744073709551616", '"0.5"', '"1e1"'),
    "scores too large for a number": numbers("1e308", "-1e308", "1.7e308"),
    "scores that are all infinite": numbers("1.7976931348623157e308"),
    "too large for 32 bits": numbers("1e39", "0", "1e38"),
    "4,000 digits": numbers("0." + "7" * 4000, "0", "0", "0"),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_odd_bodies_are_answered_as_the_tutorial_does(
    service: Service, tutorial: server.ScoringServer, text: str
) -> None:
    """The tutorial answers labels, and we the same bytes under the same media type."""
    expected = service.client.post(tutorial.scoring_uri, content=text)
    answer = service.post(text)
    assert expected.status_code == 200, "not a case of this test"
    assert (answer.status_code, answer.content) == (200, expected.content)
    assert answer.headers["Content-Type"] == expected.headers["Content-Type"]


HEADERS = {
    "JSON": {"Content-Type": "application/json"},
    "JSON in a character set": {"Content-Type": "application/json; charset=utf-8"},
    "JSON in a wrong character set": {"Content-Type": "application/json; charset=latin-1"},
    "JSON in capitals": {"Content-Type": "Application/JSON"},
    "text": {"Content-Type": "text/plain"},
    "XML": {"Content-Type": "text/xml"},
    "a picture": {"Content-Type": "image/png"},
    "nearly bytes": {"Content-Type": "application/octet-streams"},
    "nonsense": {"Content-Type": "nonsense"},
    "no media type": {"Content-Type": ""},
    "wants HTML": {"Accept": "text/html"},
    "wants a picture": {"Accept": "image/png"},
    "wants anything": {"Accept": "*/*"},
    "wants JSON or bytes": {"Accept": "application/octet-stream, application/json"},
    "wants anything, bytes too": {"Accept": "application/octet-stream;q=0.9, */*;q=0.1"},
    "wants anything, probabilities too": {"Accept": f"{PROBABILITIES}, */*"},
    "wants labels rather than probabilities": {"Accept": f"{PROBABILITIES};q=0.4, application/json;q=0.5"},
    "wants no probabilities": {"Accept": f"{PROBABILITIES};q=0"},
    "wants any application": {"Accept": "application/octet-stream;q=0, application/*"},
    "wants no compression": {"Accept-Encoding": "identity;q=1, *;q=0"},
    "not encoded": {"Content-Encoding": "identity"},
    "a key where none is asked for": {"Authorization": "Bearer nobody's"},
    "may wait": {"Expect": "100-continue"},
    "an old client's id": {"x-ms-request-id": "7", "TraceId": "8"},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_odd_headers_are_answered_as_the_tutorial_does(
    service: Service, tutorial: server.ScoringServer, headers: dict[str, str]
) -> None:
    """What surrounds good JSON changes nothing, unless it names one of the binary forms."""
    expected = service.client.post(tutorial.scoring_uri, content=PLAIN, headers=headers)
    answer = service.client.post(service.running.scoring_uri, content=PLAIN, headers=headers)
    assert expected.status_code == 200, "not a case of this test"
    assert (answer.status_code, answer.content) == (200, expected.content)
    assert answer.headers["Content-Type"] == expected.headers["Content-Type"]


ONES, TENS = (json.dumps([value if at % 3 else 0 for at in range(784)], separators=(",", ":")) for value in (1, 10))
QUERIES = {
    "one row": f"data=[{ONES}]",
    "percent signs": f"data={quote(f'[{ONES}]')}",
    "spaces as plus": f"data=+[+{ONES}+]+",
    "data twice is two rows": f"data={ONES}&data={TENS}",
    "another parameter": f"model=7&data=[{TENS}]&deep=[[[",
    "an empty parameter": f"data=[{TENS}]&x=&=",
    "booleans": f"data=[[{','.join(['true'] * 784)}]]",
    "NaN in another parameter": f"x=NaN&data=[{ONES}]",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_queries_are_answered_as_the_tutorial_does(
    service: Service, tutorial: server.ScoringServer, query: str
) -> None:
    """GET takes each parameter as JSON, and a body with it means nothing."""
    expected = Service(tutorial, service.client).request("GET", f"/score?{query}")
    assert expected.status_code == 200, "not a case of this test"
    assert service.request("GET", f"/score?{query}").content == expected.content
    assert service.request("GET", f"/score?{query}", b'{"data": 1}').content == expected.content


@pytest.mark.parametrize("path", ["/score?data=[[1]]", "/score?data=no&x=1", "/score?"])
def test_a_query_next_to_a_body_means_nothing(service: Service, tutorial: server.ScoringServer, path: str) -> None:
    """POST reads only the body."""
    expected = Service(tutorial, service.client).request("POST", path, PLAIN)
    assert expected.status_code == 200
    assert service.request("POST", path, PLAIN).content == expected.content


def test_a_body_in_chunks_is_a_body(service: Service, tutorial: server.ScoringServer) -> None:
    """However it is cut; the binary forms too."""
    expected = service.client.post(tutorial.scoring_uri, content=PLAIN).json()
    pieces = [PLAIN.encode()[at : at + 1000] for at in range(0, len(PLAIN), 1000)]
    assert service.post(iter(pieces)).json() == expected
    pixels = np.array([row(1), row(2), row(9)], "<f4").tobytes()
    assert service.post(iter([pixels[:5], pixels[5:]]), FLOAT32).json() == expected


def test_a_client_of_1996_is_answered(service: Service) -> None:
    """HTTP/1.0 has neither chunks nor connections that stay."""
    with service.connect() as connection:
        connection.sendall(f"POST /score HTTP/1.0\r\nContent-Length: {len(PLAIN)}\r\n\r\n{PLAIN}".encode())
        status, content = read_answer(connection)
    assert (status, content) == (200, service.post(PLAIN).content)


def test_what_curl_sends_by_itself_is_read(service: Service) -> None:
    """`curl -d` says that JSON is a form; the tutorial answers 500 to it."""
    assert service.post(PLAIN, "application/x-www-form-urlencoded").content == service.post(PLAIN).content


def test_a_media_type_is_read_as_http_has_it(service: Service) -> None:
    """Capitals change nothing, in Content-Type and in Accept; nor do parameters of what is sent."""
    pixels = np.array([row(1), row(2)], "<f4").tobytes()
    expected = service.post(pixels, FLOAT32).json()
    for content_type in (f"{FLOAT32}; charset=binary", FLOAT32.title()):
        assert service.post(pixels, content_type).json() == expected
    assert np.frombuffer(service.post(pixels, FLOAT32, accept=FLOAT32.title()).content, "<i4").tolist() == expected


@pytest.mark.parametrize("accept", [PROBABILITIES, PROBABILITIES.title(), f"*/*;q=0.1, {PROBABILITIES};q=0.2"])
def test_who_would_rather_have_probabilities_gets_them(service: Service, accept: str) -> None:
    """As /swagger.json describes them: labels, classes, and for each row one number for each class; by GET too."""
    answer = service.post(PLAIN, accept=accept)
    assert answer.headers["Content-Type"] == PROBABILITIES
    assert service.request("GET", f"/score?data=[{ONES}]", accept=accept).json()["classes"] == list(range(10))
    document = service.request("GET", "/swagger.json?version=3.1").json()
    (described,) = {
        json.dumps(operation["responses"]["200"]["content"][PROBABILITIES]["schema"])
        for operation in document["paths"]["/score"].values()
    }
    schema = {**json.loads(described), "components": document["components"]}
    jsonschema_rs.validator_for(schema).validate(answer.json())
    assert answer.json()["labels"] == service.post(PLAIN).json()
    assert np.allclose(answer.json()["probabilities"], digits_model().predict_proba(np.array([row(1), row(2), row(9)])))


def test_asking_without_data_helps(service: Service) -> None:
    """GET says what to send, HEAD that the route is there, OPTIONS which methods it has."""
    answer = service.request("GET", "/score")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert all(word in answer.text for word in ("784", FLOAT32, UINT8, PROBABILITIES, "/swagger.json"))
    assert service.request("GET", "/score?Data=[[1]]").json() == answer.json()
    head, options = service.request("HEAD", "/score"), service.request("OPTIONS", "/score")
    assert (head.status_code, head.content, options.status_code) == (200, b"", 200)


def test_the_request_id_comes_back_and_stands_in_the_log(service: Service) -> None:
    """One line for a request: what was asked, how it was answered, how long it took, and no pixel."""
    pixels = (np.array([row(1), row(2)]) * 255).astype("u1").tobytes()
    sent = {"json-fast": (PLAIN, None), "json": (f'{{"id": 1, "data": {FEW}}}', None), "uint8": (pixels, UINT8)}
    for path, (content, content_type) in sent.items():
        answer = service.post(content, content_type, x_request_id=f"the-{path}-one")
        assert answer.headers["x-request-id"] == f"the-{path}-one"
        (line,) = [line for line in service.running.log_file.read_text().splitlines() if f"the-{path}-one" in line]
        fields = json.loads(line)
        assert (fields["status"], fields["rows"], fields["path"]) == (200, len(answer.json()), path)
        assert fields["ms"] > 0
        assert abs((datetime.fromisoformat(fields["time"]) - datetime.now(UTC)).total_seconds()) < 60
        assert len(line) < 200


def test_a_byte_order_mark_is_passed_over(service: Service) -> None:
    """Editors and PowerShell write one; the tutorial's script fails at it."""
    assert service.post(f"\ufeff{PLAIN}".encode()).json() == service.post(PLAIN).json()


def test_pixels_that_nobody_divided_are_answered_with_a_warning_in_the_log(
    service: Service, tutorial: server.ScoringServer
) -> None:
    """A label is a label in the tutorial too; the log has how many rows look wrong, and no pixel."""
    undivided = (np.array([row(1), row(2), row(9)]) * 255).tolist()
    undivided[1] = row(2)
    sent = {
        "json-fast": (json.dumps({"data": undivided}).encode(), None),
        "json": (json.dumps({"x": 1, "data": undivided}).encode(), None),
        "float32": (np.array(undivided, "<f4").tobytes(), FLOAT32),
    }
    expected = service.client.post(tutorial.scoring_uri, content=sent["json"][0]).json()
    for path, (content, content_type) in sent.items():
        answer = service.post(content, content_type, x_request_id=f"undivided-{path}-one")
        assert (answer.status_code, answer.json()) == (200, expected)
        (line,) = [
            line for line in service.running.log_file.read_text().splitlines() if f"undivided-{path}-one" in line
        ]
        assert json.loads(line)["warning"].startswith("2 of the first 3 rows hold numbers far outside 0 to 1")


def test_the_description_is_of_this_model(service: Service) -> None:
    """OpenAPI in each version that the inference server knows, with the width of the model's rows."""
    for query, version in (("", "3."), ("?version=3", "3.0"), ("?version=3.1", "3.1")):
        document = service.request("GET", f"/swagger.json{query}").json()
        assert document["openapi"].startswith(version)
        assert {FLOAT32, UINT8, "application/json"} == set(
            document["paths"]["/score"]["post"]["requestBody"]["content"]
        )
        assert "784" in json.dumps(document)


def test_the_server_says_nothing_of_itself_that_is_not_asked(service: Service) -> None:
    """A key that was sent stands neither in the log nor in an answer."""
    answer = service.post(PLAIN, authorization="Bearer not-for-the-log")
    assert "not-for-the-log" not in answer.text + service.running.log_file.read_text()
