"""A user's own data: what is read is beyond doubt, and everything else is one sentence."""

import gzip
import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digits import datasets
from digits.__main__ import main
from digits.datasets import DatasetError
from digits.datasets.labels import whole_number

PIXELS = np.arange(3 * 784, dtype=np.int64).reshape(3, 784) % 256
PIXELS[:, [0, -1]] = 0  # as at the border of every MNIST image
LABELS = np.array([1, 2, 3])
NAMES = [f"pixel{at}" for at in range(1, 785)]
DIGEST = hashlib.sha256(bytes(PIXELS.astype(np.uint8)) + bytes([1, 2, 3])).hexdigest()


def csv(
    labels: Sequence[object] = (1, 2, 3),
    pixels: Any = PIXELS,
    header: Sequence[object] = (),
    *,
    last: bool = False,
    delimiter: str = ",",
) -> str:
    """Return rows with the label first or last."""
    images = np.asarray(pixels).tolist()
    rows = [[*row, label] if last else [label, *row] for label, row in zip(labels, images, strict=True)]
    return "\n".join(delimiter.join(map(str, row)) for row in ([header] if header else []) + rows)


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
        {"data": PIXELS, "target": LABELS.astype(str)},
        {"X": PIXELS, "y": LABELS.astype(bytes)},
        {"x_test": PIXELS, "y_test": LABELS, "x_train": PIXELS[:1], "y_train": LABELS[:1]},
        csv(),
        csv() + "\n\n",
        csv(header=["label", *range(784)]),
        csv(header=["Label", *NAMES]).replace("\n", "\r\n"),
        csv(header=[f'"{name}"' for name in ("label", *NAMES)]).encode("utf-8-sig"),
        csv(header=["label", *(f"{row}x{column}" for row in range(28) for column in range(28))]).encode("utf-16"),
        csv(pixels=PIXELS / 255),
        csv(labels=('"1"', '"2"', '"3"')),
        csv(labels=("1.0", "2.0", "3.0")),
        csv(header=[*NAMES, "class"], last=True),
        csv(header=[*NAMES, " TARGET "], last=True),
        csv(header=["y", *NAMES], delimiter=";"),
        csv(header=["digit", *NAMES], delimiter="\t"),
        csv(header=["label", *NAMES], delimiter=", "),
        csv(delimiter=" "),
        csv(delimiter="|", last=True),
        csv(last=True),
        csv(pixels=PIXELS / 255, last=True),
        gzip.compress(csv(header=["label", *NAMES]).encode()),
    ],
)
def test_a_user_s_own_data_is_the_same_however_it_is_written(
    tmp_path: Path, content: dict[str, Any] | str | bytes
) -> None:
    """Whole numbers or fractions, any shape, delimiter and encoding, the label first, last or called so."""
    data = datasets.load(write(tmp_path, content), "test")
    assert data.digest == DIGEST
    assert data.name in ("own.npz", "own.csv")
    assert data.images.shape == (3, 784)


@pytest.mark.parametrize(
    ("column", "content"),
    [
        ("What", csv(header=["what", *NAMES])),
        ("class", csv(header=["label", *NAMES[:-1], "class"], last=True)),
        ("last", csv(header=[*NAMES, "what"], last=True)),
        ("784", csv(header=[*map(str, range(785))], last=True)),
        ("first", csv(pixels=PIXELS + [[0] * 783 + [at] for at in range(3)])),
        ("LAST", csv(pixels=PIXELS[:1], labels=[1], last=True)),
    ],
)
def test_a_setting_says_which_column_has_the_labels(tmp_path: Path, column: str, content: str) -> None:
    """By its name, or as the first or the last, where the file itself leaves it open."""
    labels = datasets.load(write(tmp_path, content), "test", label_column=column).labels.tolist()
    assert labels == [1, 2, 3][: len(labels)]


@pytest.mark.parametrize("name", ["digits", "mnist", "own.npz"])
def test_a_column_is_not_named_in_vain(tmp_path: Path, name: str) -> None:
    """Data without columns refuse the setting."""
    path = write(tmp_path, {"X": PIXELS, "y": LABELS}) if name == "own.npz" else name
    with pytest.raises(DatasetError, match=r"has .*no columns: leave evaluationLabelColumn \(--label-column\) empty\."):
        datasets.load(path, "test", label_column="class")


def test_the_command_line_names_the_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that leaves it open names the option, and with it the service is asked."""
    data = ["--uri", "http://127.0.0.1:9/score", "--dataset", write(tmp_path, csv(header=["what", *NAMES]))]
    assert main(["evaluate", *data]) == 2
    assert "set evaluationLabelColumn (--label-column) to its name." in capsys.readouterr().err
    assert main(["evaluate", *data, "--label-column", "what"]) == 2
    assert "No service answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"z": PIXELS}, "has the arrays z: call them images and labels, or X and y"),
        (
            {"X": PIXELS, "y": LABELS, "data": PIXELS, "target": LABELS},
            "could be read as X and y or data and target: keep",
        ),
        ({"X": PIXELS[:, :5], "y": LABELS}, "has images of shape 3 x 5: make them rows x 784"),
        ({"X": PIXELS, "y": LABELS[:2]}, "has 3 images and 2 labels"),
        ({"X": PIXELS[:0], "y": LABELS[:0]}, "holds no images"),
        ({"X": PIXELS, "y": np.eye(3)}, "has labels with 2 axes"),
        ({"X": PIXELS.astype(str), "y": LABELS}, "has pixels of type <U21: write them as numbers"),
        ({"X": PIXELS, "y": np.array(["1", "cat", "3"])}, "Image 1 of "),
        (
            {"X": PIXELS, "y": np.array(["1", "cat", "3"])},
            'has the label "cat", which is text and not a number as it is',
        ),
        ({"X": PIXELS, "y": np.array(["7", "07", "8"])}, 'has the label "07", which is text and not a number as it is'),
        ({"X": PIXELS, "y": LABELS.astype("M8[D]")}, "has labels of type datetime64[D]: write whole numbers"),
        ({"X": PIXELS, "y": np.array([1, None, 3], object)}, "is not an .npz of plain arrays (Object arrays cannot"),
        ({"X": PIXELS * 1.5, "y": LABELS}, "Image 0 of "),
        ({"X": PIXELS - 1, "y": LABELS}, "has a pixel of -1: write whole numbers"),
        ({"X": np.where(PIXELS == 9, np.nan, PIXELS), "y": LABELS}, "has a pixel of nan"),
        ({"X": PIXELS, "y": LABELS + 0.5}, "has the label 1.5, which is no whole number"),
        ({"X": PIXELS, "y": np.array([1, np.nan, np.nan])}, "has the label NaN"),
        ({"X": PIXELS, "y": LABELS - 2}, "has the label -1"),
        ("", "holds no images"),
        ("\n \n", "holds no images"),
        (csv().splitlines()[0].replace(",", "/"), "has 1 columns: it takes 785"),
        (csv(labels=(0, 0, 0)).replace("0,", "", 1), "the label is missing: add it as a column called label"),
        (csv(header=["", "label", *NAMES], pixels=np.c_[LABELS, PIXELS]), "the first seems to number the rows"),
        (
            csv(header=["Label", "class", *NAMES], pixels=np.c_[LABELS, PIXELS]),
            "Label and class could each be the label: keep one of them",
        ),
        (",".join(["label", *map(str, range(784))]), "holds no images"),
        (
            csv(header=["what", *NAMES]),
            "has no column called label, class, target, y or digit, but 'what', 'pixel1', …",
        ),
        (
            csv(header=["what", *range(784)]),
            "has no column called label, class, target, y or digit, but 'what', '0', …",
        ),
        (csv(header=[*range(785)]), "has no column called label, class, target, y or digit, but '0', '1', …, '784'"),
        (
            csv(header=["label", *NAMES[:-1], "Class"]),
            "has the columns 'label' and 'Class', and each could be the labels",
        ),
        (csv(header=["label", *NAMES[:-1], "label"]), "has two columns called 'label'"),
        (csv(header=["label", *NAMES[:-1], "pixel9"]), "has two columns called 'pixel9'"),
        (
            csv(header=["label", *sorted(NAMES)]),
            "has its pixels in another order than their numbers, from 'pixel11' on",
        ),
        (
            csv(pixels=PIXELS + np.eye(3, 784, 783, dtype=int)),
            "both its first and its last column could hold the labels",
        ),
        (csv(labels=(7, 7, 7)), "neither its first nor its last column is sure to hold the labels"),
        (csv(labels=("a", "b", "c")), "neither its first nor its last column is sure to hold the labels"),
        (csv().replace(",7,", ",seven,", 1), "Line 1 of "),
        (csv(header=["label", *NAMES]).replace(",7,", ",seven,", 1), "has 'seven' in 'pixel8': write a number there"),
        (csv().replace("1,0,", "1,,", 1), "has nothing in column 2: write a number there"),
        (csv(pixels=PIXELS / 255, delimiter=";").replace("0.", "0,"), "write a number there"),
        (csv() + "\n1,2", "has 2 columns, not 785"),
        ("\n" + csv() + "\n\n1,2", "Line 6 of "),
        (csv().replace(",7,", ",inf,", 1), "has a pixel of inf"),
        (csv().replace(",7,", ",NaN,", 1), "has a pixel of nan"),
        (csv(header=["label", *NAMES], labels=("", 2, 3)), 'has the label "", which is text'),
        (
            csv(header=["label", *NAMES], labels=(1, "07", 3)),
            'has the label "07", which is text and not a number as it is',
        ),
        (csv(header=["label", *NAMES], labels=(1, 256, 3)), "Image 1 of "),
        (b"\xff\xfe1", "is not text in UTF-8"),
        (gzip.compress(csv().encode(), mtime=0)[:-30], "is not a whole gzip file"),
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


def test_a_gzipped_csv_is_named_as_pandas_names_it(tmp_path: Path) -> None:
    """The suffix is one that `load` and the setting take."""
    path = tmp_path / "own.csv.gz"
    path.write_bytes(gzip.compress(csv().encode()))
    assert datasets.load(str(path), "test").digest == DIGEST


def test_labels_are_compared_by_value_and_only_where_that_is_beyond_doubt() -> None:
    """Numbers, and texts that are written as numbers are; truth values, names and padded numbers are none."""
    assert [whole_number(label) for label in (7, 7.0, "7", "7.0", -7, "-7", "0", 2**40)] == [
        7,
        7,
        7,
        7,
        -7,
        -7,
        0,
        2**40,
    ]
    no_numbers: list[Any] = [
        "07",
        "+7",
        " 7",
        "7.5",
        "7e0",
        "\N{ARABIC-INDIC DIGIT SEVEN}",
        "",
        "-0",
        "nan",
        "7" * 99,
        7.5,
        float("inf"),
        True,
        None,
        [7],
    ]
    assert {whole_number(label) for label in no_numbers} == {None}


def save_npz() -> bytes:
    """Return the data as arrays in a file."""
    file = io.BytesIO()
    np.savez(file, images=PIXELS, labels=LABELS)
    return file.getvalue()


WHOLE: dict[str, Callable[[], bytes]] = {
    "own.npz": save_npz,
    "own.csv": lambda: csv(header=["label", *NAMES]).encode(),
    "own.csv.gz": lambda: gzip.compress(csv(last=True).encode()),
}


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """Whichever byte is wrong, the answer is the data or a DatasetError; nothing in it is run."""
    content = bytearray(WHOLE[name]())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        datasets.load(str(path), "test")
    except DatasetError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is right


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """By its path and the system's reason."""
    with pytest.raises(DatasetError, match=r"own.csv cannot be read: No such file or directory\."):
        datasets.load(str(tmp_path / "own.csv"), "test")


def save_compressed_npz() -> bytes:
    """Return many equal images, which need little room."""
    file = io.BytesIO()
    np.savez_compressed(file, images=np.zeros((2000, 784), np.uint8), labels=np.zeros(2000, np.uint8))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.csv.gz", lambda: gzip.compress(bytes(2**21))),
        ("own.csv", lambda: bytes(2**21)),
        ("own.npz", save_compressed_npz),
        ("own.npz", lambda: gzip.compress(save_compressed_npz())),
    ],
    ids=["gzip", "plain", "arrays", "arrays in gzip"],
)
def test_a_file_that_expands_without_end_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: Callable[[], bytes]
) -> None:
    """It is refused where it passes the limit, not expanded first."""
    monkeypatch.setattr("digits.datasets.own_data.LARGEST", 2**20)
    (tmp_path / name).write_bytes(content())
    with pytest.raises(DatasetError, match=rf"{name} holds more than 1 MiB, at least once it is expanded: take fewer"):
        datasets.load(str(tmp_path / name), "test")


def test_a_file_called_like_mnist_that_expands_without_end_is_one_sentence(tmp_path: Path) -> None:
    """Each of the four files has a known size."""
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(49 * 2**20)))
    with pytest.raises(DatasetError, match="holds more than 48 MiB"):
        datasets.load("mnist", "test", directory=tmp_path)
