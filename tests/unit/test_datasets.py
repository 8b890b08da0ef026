"""The data sets: the same bytes everywhere, and nothing that only carries their name."""

import gzip
import hashlib
import io
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation import datasets, mnist
from evaluation.errors import DatasetError


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_digits_are_the_bytes_that_are_written_down(part: datasets.Part) -> None:
    """Whether a model is up to date is told from the digest in the code, so it has to be the data's."""
    assert datasets.load("digits", part).digest == datasets.DIGESTS["digits", part]


def test_the_digits_keep_the_contract_of_every_data_set() -> None:
    """Images are 784 bytes that use the whole range, labels are 0 to 9."""
    test = datasets.load("digits", "test")
    assert test.images.shape == (test.rows, 784)
    assert test.images.dtype == test.labels.dtype == "uint8"
    assert (test.images.min(), test.images.max()) == (0, 255)
    assert set(test.labels.tolist()) == set(range(10))


def test_no_digit_is_trained_on_and_tested_with() -> None:
    """The parts divide the bundled digits, every class in the same share."""
    train, test = datasets.load("digits", "train"), datasets.load("digits", "test")
    assert train.rows + test.rows == 1797
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}
    shares = [count / test.rows for count in Counter(test.labels.tolist()).values()]
    assert max(shares) - min(shares) < 0.02


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """A typo shows what there is."""
    with pytest.raises(DatasetError, match=r"no data set 'mnits': choose digits or mnist, or name a \.npz"):
        datasets.load("mnits", "test")


def images(rows: int) -> bytes:
    """Return an IDX file of blank images."""
    return struct.pack(">HBBIII", 0, 8, 3, rows, 28, 28) + bytes(rows * 784)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("elsewhere", b"", "has neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz"),
        ("t10k-images-idx3-ubyte", images(2), "is not MNIST's t10k-images-idx3-ubyte: its SHA-256 is"),
        ("t10k-images-idx3-ubyte", images(2)[:-1], "is cut off: its header says 2 x 28 x 28"),
        (
            "t10k-images-idx3-ubyte.gz",
            gzip.compress(images(2), mtime=0),
            "is not MNIST's t10k-images-idx3-ubyte: its SHA-256",
        ),
        ("t10k-images-idx3-ubyte.gz", gzip.compress(images(2), mtime=0)[:-20], "is not a whole gzip file"),
        ("t10k-images-idx3-ubyte.gz", images(2), "is not a whole gzip file"),
    ],
)
def test_a_directory_without_mnist_is_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    """Fashion-MNIST under the same names, a cut file or an empty folder: the file is named, and its fault."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError) as raised:
        mnist.read("test", tmp_path)
    assert sentence in str(raised.value)
    assert str(tmp_path) in str(raised.value)


PIXELS = np.arange(3 * 784, dtype=np.int64).reshape(3, 784) % 256
LABELS = np.array([1, 2, 3])


def csv(labels: Sequence[object] = (1, 2, 3), pixels: Any = PIXELS, header: Sequence[object] = ()) -> str:  # noqa: ANN401
    """Return rows with the label first."""
    rows = [[label, *row] for label, row in zip(labels, np.asarray(pixels).tolist(), strict=True)]
    return "\n".join(",".join(map(str, row)) for row in ([header] if header else []) + rows)


def write(directory: Path, content: dict[str, Any] | str | bytes) -> str:
    """Write arrays or text into a file and return its path."""
    path = directory / ("own.npz" if isinstance(content, dict) else "own.csv")
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        {"images": PIXELS.astype(np.uint8), "labels": LABELS},
        {"X": PIXELS.reshape(3, 28, 28), "y": LABELS.astype(float)},
        {"X": PIXELS / 255, "y": LABELS.astype(np.uint8)},
        {"x_test": PIXELS, "y_test": LABELS, "x_train": PIXELS[:1], "y_train": LABELS[:1]},
        csv(),
        csv() + "\n\n",
        csv(header=["label", *range(784)]),
        csv(header=["Label", *(f"pixel{at}" for at in range(784))]).replace("\n", "\r\n"),
        csv(header=["what", *(f"pixel{at}" for at in range(784))]).encode("utf-8-sig"),
        csv(pixels=PIXELS / 255),
        csv(labels=('"1"', '"2"', '"3"')),
        "\n".join(
            [",".join([*(f"p{at}" for at in range(784)), "label"])]
            + [",".join(map(str, [*row, label])) for row, label in zip(PIXELS.tolist(), LABELS, strict=True)]
        ),
    ],
)
def test_a_user_s_own_data_is_the_same_however_it_is_written(
    tmp_path: Path, content: dict[str, Any] | str | bytes
) -> None:
    """Whole numbers or fractions, any shape, a header or none, the label first or called so: the digest is one."""
    data = datasets.load(write(tmp_path, content), "test")
    assert data.digest == hashlib.sha256(bytes(PIXELS.astype(np.uint8)) + bytes([1, 2, 3])).hexdigest()
    assert data.name in ("own.npz", "own.csv")
    assert data.images.shape == (3, 784)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"z": PIXELS}, "has the arrays z: call them images and labels, or X and y"),
        ({"X": PIXELS[:, :5], "y": LABELS}, "has images of shape 3 x 5: make them rows x 784"),
        ({"X": PIXELS, "y": LABELS[:2]}, "has 3 images and 2 labels"),
        ({"X": PIXELS[:0], "y": LABELS[:0]}, "holds no images"),
        ({"X": PIXELS, "y": np.eye(3)}, "has labels with 2 axes"),
        ({"X": PIXELS, "y": np.array(["1", "2", "3"])}, "has labels of type <U1"),
        ({"X": PIXELS, "y": np.array([1, None, 3], object)}, "is not an .npz of plain arrays (Object arrays cannot"),
        ({"X": PIXELS * 1.5, "y": LABELS}, "Image 0 of "),
        ({"X": PIXELS - 1, "y": LABELS}, "has a pixel of -1: write whole numbers"),
        ({"X": np.where(PIXELS == 9, np.nan, PIXELS), "y": LABELS}, "has a pixel of nan"),
        ({"X": PIXELS, "y": LABELS + 0.5}, "has the label 1.5"),
        ({"X": PIXELS, "y": LABELS - 2}, "has the label -1"),
        ("", "holds no images"),
        (csv().splitlines()[0].replace(",", ";"), "has 1 columns: it takes 785"),
        (",".join(["label", *map(str, range(784))]), "holds no images"),
        (csv().replace(",7,", ",seven,", 1), "is not a table of numbers: could not convert string 'seven'"),
        (csv().replace("1,0,", "1,,", 1), "is not a table of numbers: could not convert string ''"),
        (csv() + "\n1,2", "is not a table of numbers: the number of columns changed"),
        (csv().replace(",7,", ",inf,", 1), "has a pixel of inf"),
        (csv(labels=(1, 256, 3)), "Image 1 of "),
        (b"\xff\xfe1", "is not text in UTF-8"),
    ],
)
def test_own_data_that_is_wrong_is_one_sentence(
    tmp_path: Path, content: dict[str, Any] | str | bytes, sentence: str
) -> None:
    """The file is named, what is wrong with it, and mostly where."""
    path = write(tmp_path, content)
    with pytest.raises(DatasetError) as raised:
        datasets.load(path, "test")
    assert sentence in str(raised.value)
    assert path in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.data())
def test_a_damaged_npz_is_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whichever byte is wrong, the answer is the data or a DatasetError; nothing in it is run."""
    file = io.BytesIO()
    np.savez(file, images=PIXELS, labels=LABELS)
    content = bytearray(file.getvalue())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        datasets.load(str(path), "test")
    except DatasetError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is right


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """By its path and the system's reason."""
    with pytest.raises(DatasetError, match=r"own.csv cannot be read: No such file or directory\."):
        datasets.load(str(tmp_path / "own.csv"), "test")
