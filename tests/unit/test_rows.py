"""The rows in a request's body: what is read quickly, what is read all the same, what is refused and how."""

import gzip
import json

import numpy as np
import pytest
import rows
from hypothesis import given
from hypothesis import strategies as st

GOOD = [
    '{"data": [[0, 0.5, 1]]}',
    '{"data":[[0,1,2],[3,4,5]]}',
    ' {\n"data" :\t[ [ 1 , 2 , 3 ] , [ -0.0 , 1e-300 , 1E5 ] ] } \r\n',
    f'{{"data": [[{2**53 + 1}, {2**64 - 1}, {-(2**63)}]]}}',
]
UNUSUAL_AND_GOOD = [
    "\ufeff" + GOOD[0],
    '{"other": 1, "data": [[0, 1, 2]]}',
    '{"data": [[0, 1, 2]], "other": {"a": []}}',
    '{"data": [[9, 9, 9]], "data": [[0, 1, 2]]}',
    '{"data": [[true, false, 2]]}',
    '{"\\u0064ata": [[0, 1, 2]]}',
    f'{{"data": [[0, 1, 1{"0" * 40}]]}}',
]
BAD = [
    ("", "The body is empty"),
    (" \n", "The body is empty"),
    ("data=%5B%5B0%5D%5D", "not JSON but a form"),
    ("[" * 100_000, "not JSON"),
    ('{"data": [[0, 1, 2]]', "not JSON"),
    ('{"data": [[0, 1, 2]]} {}', "not JSON"),
    ('{"data": [[0, 1, 2]]]}', "not JSON"),
    (f'{{"data": [[0, 1, {"1" * 5000}]]}}', "not JSON that can be read"),
    ("[]", 'a list and no object with the key "data"'),
    ("3", '3 and no object with the key "data"'),
    ("null", 'null and no object with the key "data"'),
    (json.dumps(GOOD[0]), "as if it were encoded twice"),
    ('{"Data": [[0, 1, 2]]}', 'the key "Data", which is not "data"'),
    ('{"data ": [[0, 1, 2]]}', 'the key "data ", which is not "data"'),
    ('{"instances": [[0, 1, 2]]}', 'has "instances", which is for TensorFlow Serving'),
    ('{"inputs": []}', 'has "inputs"'),
    ('{"columns": [], "index": []}', "pandas"),
    ('{"rows": []}', 'no key "data"'),
    ('{"data": []}', "not a list of at least one row"),
    ('{"data": {"0": []}}', "not a list of at least one row"),
    ('{"data": "[[0, 1, 2]]"}', '"data" is a text and no list of rows, as if it were JSON encoded twice'),
    ('{"data": [0, 1, 2]}', 'Row 0 of "data" is not a list'),
    ('{"data": [[]]}', 'Row 0 of "data" has 0 values: the model takes 3'),
    ('{"data": [[0, 1, 2], [0, 1]]}', 'Row 1 of "data" has 2 values: the model takes 3'),
    ('{"data": [[0, 1], [2, 3, 4, 5]]}', 'Row 0 of "data" has 2 values'),
    ('{"data": [[0, 1, "2"]]}', 'at 2: "2".'),
    ('{"data": [[0, 1, [2]]]}', "at 2: [2]."),
    ('{"data": [[0, 1, {}]]}', "at 2: {}."),
    ('{"data": [[[0], [1], [2]]]}', "at 0: [0]."),
    (f'{{"data": [[0, 1, 1{"0" * 400}]]}}', f"at 2: 1{'0' * 39}…"),
]


def read(body: str) -> np.ndarray:
    """Return what the tutorial's json.loads and np.array make of a body."""
    return np.array(json.loads(body.removeprefix("\ufeff"))["data"]).astype(np.float64)


@pytest.mark.parametrize("body", GOOD)
def test_the_usual_form_is_read_quickly_and_exactly(body: str) -> None:
    """Every number is the one that Python's own parser reads."""
    (block,) = rows.parse_quickly(body.encode(), 3)
    assert np.array_equal(block, read(body))


@pytest.mark.parametrize("body", UNUSUAL_AND_GOOD)
def test_another_form_is_left_to_the_plain_parser(body: str) -> None:
    """What the fast parser would read otherwise than the tutorial does, it does not read."""
    with pytest.raises(rows.UnusualError):
        list(rows.parse_quickly(body.encode(), 3))
    (block,) = rows.parse(body.encode(), 3)
    assert np.array_equal(block.astype(np.float64), read(body))


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e400", "null"])
def test_what_is_not_finite_is_left_to_the_model(value: str) -> None:
    """The plain parser passes it on, as the tutorial does; some models take missing numbers."""
    body = f'{{"data": [[0, {value}, 2]]}}'.encode()
    with pytest.raises(rows.UnusualError):
        list(rows.parse_quickly(body, 3))
    (block,) = rows.parse(body, 3)
    assert not np.isfinite(block[0, 1])


@pytest.mark.parametrize(("body", "sentence"), BAD)
def test_the_error_for_a_bad_body_names_the_mistake(body: str, sentence: str) -> None:
    """Each is one sentence for the caller, with the row where there is one; the fast parser takes none of them."""
    with pytest.raises(rows.UnusualError):
        list(rows.parse_quickly(body.encode(), 3))
    with pytest.raises(rows.BadRequestError) as raised:
        list(rows.parse(body.encode(), 3))
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.status == 400


def test_a_compressed_body_is_named() -> None:
    """Its first two bytes say what it is."""
    with pytest.raises(rows.NotJsonError, match="compressed with gzip"):
        list(rows.parse(gzip.compress(GOOD[0].encode()), 3))


def test_many_rows_come_in_blocks_and_in_order() -> None:
    """A body of several blocks loses no row at their edges."""
    given_rows = np.random.default_rng(0).random((700, 200))
    blocks = list(rows.parse_quickly(json.dumps({"data": given_rows.tolist()}).encode(), 200))
    assert len(blocks) > 3
    assert np.array_equal(np.concatenate(blocks), given_rows)


def test_a_ragged_row_in_a_late_block_is_found() -> None:
    """Two rows whose lengths make up for each other are refused, wherever they stand."""
    given_rows: list[list[float]] = np.random.default_rng(0).random((700, 200)).tolist()
    given_rows[601].append(given_rows[600].pop())
    body = json.dumps({"data": given_rows}).encode()
    with pytest.raises(rows.UnusualError):
        list(rows.parse_quickly(body, 200))
    with pytest.raises(rows.BadRequestError, match=r"Row 600 of .* has 199 values"):
        list(rows.parse(body, 200))


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["data", "x"]), inner, max_size=2),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"data": st.lists(st.lists(st.floats() | NESTED, min_size=2, max_size=3))}) | NESTED)
def test_what_is_read_quickly_is_what_the_plain_parser_reads(document: object) -> None:
    """For any JSON, the fast parser gives the same numbers or gives way."""
    body = json.dumps(document).encode()
    try:
        quickly = np.concatenate(list(rows.parse_quickly(body, 2)))
    except rows.UnusualError:
        return
    (plainly,) = rows.parse(body, 2)
    assert np.array_equal(quickly, plainly.astype(np.float64))


@pytest.mark.parametrize(
    ("block", "count"),
    [
        (np.array([[0.0, 1.0], [1.3, -0.2]]), 0),
        (np.array([[0.0, 255.0], [0.5, 1.0], [-9.0, 0.0]]), 2),
        (np.array([[np.nan, 0.0], [7.0, np.nan]]), 1),
        (np.array([[0, 255]], dtype="u1"), 0),
        (np.array([[0, 3]]), 1),
    ],
)
def test_rows_far_outside_0_to_1_are_counted(block: np.ndarray, count: int) -> None:
    """Pixels from 0 to 255 are meant only where they are bytes."""
    assert rows.count_unusual(block) == count


def test_bytes_are_rows_of_the_type_they_came_as() -> None:
    """float32 and uint8 are taken as they are, in blocks, without a copy."""
    given_rows = np.arange(1200, dtype="u1").reshape(600, 2)
    blocks = list(rows.split_bytes(given_rows.tobytes(), 2, np.dtype("u1")))
    assert [block.dtype for block in blocks] == [np.dtype("u1")] * 3
    assert np.array_equal(np.concatenate(blocks), given_rows)


@pytest.mark.parametrize("length", [0, 1, 7, 9])
def test_bytes_that_are_no_whole_rows_are_refused(length: int) -> None:
    """The sentence has both lengths."""
    with pytest.raises(rows.BadRequestError, match=f"The body has {length} bytes: a row is 2 numbers of 4 bytes"):
        list(rows.split_bytes(b"x" * length, 2, np.dtype("<f4")))
