"""The data sets: the same bytes everywhere, and nothing that only carries their name."""

import gzip
import struct
from collections import Counter
from pathlib import Path

import pytest

from digits import datasets
from digits.datasets import DatasetError, mnist


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_digits_are_the_bytes_that_are_written_down(part: datasets.Part) -> None:
    """The digest in the code decides whether a model is up to date, so it has to be the data's."""
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
        ("elsewhere", b"", "has no file with what is in MNIST's t10k-images-idx3-ubyte, under this name or another"),
        ("t10k-images-idx3-ubyte/none", b"", "has no file with what is in MNIST's t10k-images-idx3-ubyte"),
        ("train-images-idx3-ubyte", images(60_000)[:99], "has no file with what is in MNIST's t10k-images-idx3-ubyte"),
        ("any", images(10_000), "any is not MNIST's t10k-images-idx3-ubyte: its SHA-256 is"),
        ("T10K-images.idx3-ubyte", images(2), "T10K-images.idx3-ubyte is not MNIST's t10k-images-idx3-ubyte: its SHA"),
        ("t10k-images-idx3-ubyte/t10k-images-idx3-ubyte", images(10_000), "is not MNIST's t10k-images-idx3-ubyte: its"),
        ("t10k-images-idx3-ubyte", b"PK", "is not an IDX file of bytes with 3 axes: it starts with 504b, not 00000803"),
        ("t10k-images-idx3-ubyte", images(2), "is not MNIST's t10k-images-idx3-ubyte: its SHA-256 is"),
        ("t10k-images-idx3-ubyte", images(2)[:-1], "is cut off: its header says 2 x 28 x 28"),
        (
            "t10k-images-idx3-ubyte.gz",
            gzip.compress(images(2), mtime=0),
            "is not MNIST's t10k-images-idx3-ubyte: its SHA-256",
        ),
        ("t10k-images-idx3-ubyte.gz", gzip.compress(images(2), mtime=0)[:-20], "is not a whole gzip file"),
        ("t10k-images-idx3-ubyte.gz", images(2), "is not MNIST's t10k-images-idx3-ubyte: its SHA-256"),
    ],
)
def test_a_directory_without_mnist_is_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    """Fashion-MNIST under the same names, a cut file or an empty folder: the file is named, and its fault."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError) as raised:
        mnist.read("test", tmp_path)
    assert sentence in str(raised.value)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file or directory"), ("file", "Not a directory")])
def test_a_directory_that_is_none_is_one_sentence(tmp_path: Path, name: str, reason: str) -> None:
    """By its path and the system's reason."""
    (tmp_path / "file").write_bytes(images(2))
    with pytest.raises(DatasetError, match=f"{name} cannot be read as a directory with the MNIST files: {reason}"):
        mnist.read("test", tmp_path / name)


def test_two_files_that_could_be_mnist_and_are_not_are_both_named(tmp_path: Path) -> None:
    """Which of them was meant is anybody's guess; whichever it was, it is not the original."""
    (tmp_path / "one").write_bytes(images(10_000))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "t10k-images.idx3-ubyte").write_bytes(images(10_000)[:-1] + b"1")
    with pytest.raises(
        DatasetError, match="has 2 files that could be MNIST's t10k-images-idx3-ubyte, and none is"
    ) as raised:
        mnist.read("test", tmp_path)
    assert "folder/t10k-images.idx3-ubyte, one." in str(raised.value)
