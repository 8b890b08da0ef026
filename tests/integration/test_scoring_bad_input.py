"""The answer to bad input names the mistake, and nothing breaks: the same workers answer the next request rightly."""

import gzip
import json
import re

import pytest

from tests.integration.deployed import GOOD, Service, as_body, refused, row

pytestmark = pytest.mark.usefixtures("unharmed")
WIDTH = 784
TEXT = as_body(GOOD).decode()


def second(*values: str) -> str:
    """Return a body whose row 1 has these numbers at its end."""
    rest = ", ".join([*(["0"] * (WIDTH - len(values))), *values])
    return f'{{"data": [{json.dumps(row(1))}, [{rest}], {json.dumps(row(2))}]}}'


ROW = ", ".join(["0"] * WIDTH)
# What is sent as JSON, and what the sentence says: each pattern in it, so that a row is named wherever there is one.
BODIES: dict[str, tuple[str | bytes, list[str]]] = {
    "nothing": (b"", ["empty", "JSON"]),
    "only space": (" \r\n\t", ["JSON"]),
    "a word": ("nonsense", ["JSON"]),
    "HTML": ("<html></html>", ["JSON"]),
    "YAML": ("data:\n- - 0\n", ["JSON"]),
    "a query": ("data=[[0]]", ["JSON", "form"]),
    "encoded twice": (json.dumps(TEXT), ["twice", '"data"']),
    "Python": (f"{{'data': [[{ROW}]]}}", ["JSON"]),
    "numpy 2 in Python": (f'{{"data": [[np.float64(0.0), {ROW}]]}}', ["JSON"]),
    "cut off in the middle": (TEXT[: len(TEXT) // 2], ["JSON"]),
    "cut off before the last bracket": (TEXT[:-1], ["JSON"]),
    "cut off after the first": ("{", ["JSON"]),
    "twice": (TEXT * 2, ["JSON"]),
    "a comma too many": (TEXT.replace("]]", "],]"), ["JSON"]),
    "a comma at the end of a row": (TEXT.replace("]]", ",]]"), ["JSON"]),
    "a comma too few": (TEXT.replace("], [", "] ["), ["JSON"]),
    "two commas": (TEXT.replace("], [", "],, ["), ["JSON"]),
    "a comment": (f"// rows\n{TEXT}", ["JSON"]),
    "a tail": (f"{TEXT} x", ["JSON"]),
    "a NUL behind": (f"{TEXT}\0", ["JSON"]),
    "numbers with a plus": (second("+1"), ["JSON"]),
    "numbers without a zero": (second(".5"), ["JSON"]),
    "numbers with a zero too many": (second("01"), ["JSON"]),
    "numbers in hex": (second("0x1"), ["JSON"]),
    "numbers with a comma": (second("1."), ["JSON"]),
    "100,000 brackets": ("[" * 100_000, ["JSON"]),
    "100,000 brackets, all closed": ("[" * 100_000 + "]" * 100_000, ["JSON|deep"]),
    "100,000 brackets as data": (f'{{"data": {"[" * 100_000}{"]" * 100_000}}}', ["JSON|deep"]),
    "100,000 brackets next to good data": (f'{{"x": {"[" * 100_000}{"]" * 100_000}, {TEXT[1:]}', ["JSON|deep"]),
    "100,000 braces": ('{"data":' * 100_000, ["JSON"]),
    "5,000 digits": (second("9" * 5000), ["digits|Row 1"]),
    "5,000 digits next to good data": (f'{{"x": {"9" * 5000}, {TEXT[1:]}', ["digits"]),
    "400 digits": (second("9" * 400), ["Row 1"]),
    "UTF-16": (TEXT.encode("utf-16"), ["UTF-8|JSON"]),
    "UTF-16 without BOM": (TEXT.encode("utf-16-le"), ["UTF-8|JSON"]),
    "UTF-32": (TEXT.encode("utf-32"), ["UTF-8|JSON"]),
    "Latin-1": ('{"Größe": 1, '.encode("latin-1") + TEXT[1:].encode(), ["UTF-8"]),
    "half a character": (b'{"x": "\xe2\x82", ' + TEXT[1:].encode(), ["UTF-8"]),
    "a byte that no text has": (TEXT.encode().replace(b"0.0", b"0\xff0", 1), ["UTF-8"]),
    "a control character in a text": (f'{{"x": "\x01", {TEXT[1:]}', ["JSON"]),
    "a pickle": (b"\x80\x04K\x01.", ["JSON|UTF-8"]),
    "gzip without a word": (gzip.compress(TEXT.encode()), ["JSON", "gzip"]),
    "a list": (json.dumps(GOOD), ['"data"']),
    "a number": ("3", ['"data"']),
    "a text": ('"data"', ['"data"']),
    "null": ("null", ['"data"']),
    "true": ("true", ['"data"']),
    "NaN": ("NaN", ['"data"']),
    "an empty object": ("{}", ['"data"']),
    "another key": ('{"rows": [[0]]}', ['"data"']),
    "another case": (TEXT.replace("data", "Data"), ['"Data"', '"data"']),
    "TensorFlow Serving's rows": (TEXT.replace("data", "instances"), ["TensorFlow Serving", '"data"']),
    "a key with a space": (TEXT.replace("data", "data "), ['"data"']),
    "data further down": (f'{{"inputs": {TEXT}}}', ['"inputs"', '"data"']),
    "data twice, the last no rows": (f'{TEXT[:-1]}, "data": null}}', ['"data"']),
    "data twice, the last too short": (f'{TEXT[:-1]}, "data": [[0, 1]]}}', ["Row 0", "2 .*784"]),
    "null as data": ('{"data": null}', ['"data"', "row"]),
    "a number as data": ('{"data": 5}', ['"data"', "row"]),
    "a text as data": ('{"data": "rows"}', ['"data" is a text']),
    "an object as data": (f'{{"data": {{"0": [{ROW}]}}}}', ['"data"', "row"]),
    "text that is rows as data": (json.dumps({"data": json.dumps(GOOD)}), ['"data" is a text', "twice"]),
    "no rows": ('{"data": []}', ["row"]),
    "one row without brackets": (f'{{"data": [{ROW}]}}', ["Row 0"]),
    "an empty row": ('{"data": [[]]}', ["Row 0", "784"]),
    "a row of 783": (f'{{"data": [[{ROW[3:]}]]}}', ["Row 0", "783", "784"]),
    "a row of 785": (f'{{"data": [[{ROW}, 0]]}}', ["Row 0", "785", "784"]),
    "a ragged row": (f'{{"data": [[{ROW}], [{ROW[3:]}], [{ROW}]]}}', ["Row 1", "783"]),
    "783 and 785, as many as two rows have": (f'{{"data": [[{ROW[3:]}], [{ROW}, 0]]}}', ["Row 0", "783"]),
    "the last of 500 rows is short": (f'{{"data": [{f"[{ROW}]," * 499}[0]]}}', ["Row 499", "784"]),
    "an empty row among others": (f'{{"data": [[{ROW}], []]}}', ["Row 1"]),
    "null as a row": (f'{{"data": [[{ROW}], null]}}', ["Row 1"]),
    "a number among rows": (f'{{"data": [[{ROW}], 7, [{ROW}]]}}', ["Row 1"]),
    "an object as a row": (f'{{"data": [[{ROW}], {{}}]}}', ["Row 1"]),
    "nested once more": (f'{{"data": [[[{ROW}]]]}}', ["Row 0"]),
    "pictures of 28 x 28": (json.dumps({"data": [[[0] * 28] * 28]}), ["Row 0", "784"]),
    "each number in brackets": (json.dumps({"data": [[[0]] * WIDTH]}), ["Row 0"]),
    "one number in brackets": (second("[0]"), ["Row 1"]),
    "one object": (second("{}"), ["Row 1"]),
    "one text": (second('"0.5"'), ["Row 1"]),
    "one word": (second('"seven"'), ["Row 1"]),
    "all texts": (json.dumps({"data": [["0"] * WIDTH]}), ["Row 0"]),
    "a null": (second("null"), ["Row 1"]),
    "a NaN": (second("NaN"), ["Row 1"]),
    "a NaN in small letters": (second("nan"), ["JSON"]),
    "an Infinity": (second("Infinity"), ["Row 1"]),
    "an Infinity below zero": (second("-Infinity"), ["Row 1"]),
    "inf": (second("inf"), ["JSON"]),
    "1e400": (second("1e400"), ["Row 1"]),
    "-1e400 and 1e400": (second("-1e400", "1e400"), ["Row 1"]),
    "NaN in row 300": (f'{{"data": [{f"[{ROW}]," * 300}[{ROW[3:]}, NaN]]}}', ["Row 300"]),
    "1e999 in row 300": (f'{{"data": [{f"[{ROW}]," * 300}[{ROW[3:]}, 1e999]]}}', ["Row 300"]),
    "a text in row 300": (f'{{"data": [{f"[{ROW}]," * 300}[{ROW[3:]}, ""]]}}', ["Row 300"]),
}  # fmt: skip


@pytest.mark.parametrize(("body", "patterns"), BODIES.values(), ids=BODIES)
def test_the_answer_to_a_bad_body_names_the_mistake_and_its_place(
    service: Service, body: str | bytes, patterns: list[str]
) -> None:
    """It is a 400, whether it is called JSON or called nothing."""
    for content_type in ("application/json", None):
        answer = service.post(body, content_type)
        sentence = refused(answer, 400)
        assert all(re.search(pattern, sentence) for pattern in patterns), sentence
