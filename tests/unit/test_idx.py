"""IDX files: what is not exactly one is refused with one sentence."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.datasets import DatasetError, idx

SHAPES = st.lists(st.integers(0, 5), min_size=1, max_size=3)


def idx_file(shape: list[int]) -> bytes:
    """Return a whole IDX file of this shape, filled with counting bytes."""
    content = bytes(number % 256 for number in range(math.prod(shape)))
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + content


@given(SHAPES)
def test_a_whole_file_is_its_array(shape: list[int]) -> None:
    """Shape and bytes come back as they were written."""
    array = idx.parse(idx_file(shape), len(shape), "images")
    assert array.shape == tuple(shape)
    assert array.dtype == np.uint8
    assert array.tobytes() == idx_file(shape)[4 + 4 * len(shape) :]


@given(SHAPES, st.data())
def test_a_file_cut_off_anywhere_is_one_sentence(shape: list[int], data: st.DataObject) -> None:
    """A download that broke off never becomes a shorter data set."""
    whole = idx_file(shape)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(DatasetError, match=r"^images is (cut off|not an IDX file)") as raised:
        idx.parse(cut, len(shape), "images")
    assert "\n" not in str(raised.value)


@given(SHAPES, st.binary(min_size=1))
def test_a_file_with_something_behind_it_is_refused(shape: list[int], rest: bytes) -> None:
    """A header that does not account for every byte is wrong about the others too."""
    with pytest.raises(DatasetError, match=r"^images is too long: its header says"):
        idx.parse(idx_file(shape) + rest, len(shape), "images")


@given(st.binary())
def test_any_other_bytes_are_one_sentence(content: bytes) -> None:
    """Whatever the file holds, the answer is an array or a DatasetError."""
    try:
        idx.parse(content, 3, "images")
    except DatasetError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is right


def test_labels_are_not_images() -> None:
    """A labels file in the place of images is recognised by its magic number."""
    with pytest.raises(DatasetError, match="starts with 00000801, not 00000803"):
        idx.parse(idx_file([5]), 3, "images")
