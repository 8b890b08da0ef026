"""A user's own labelled images: an .npz with two arrays, or a .csv with a row for each image.

Pixels are whole numbers from 0 to 255, as MNIST has them, or fractions from 0 to 1, which are scaled to those; labels
are whole numbers from 0 to 255. What is not exactly that is one sentence, never a guess.
"""

import io
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.datasets import csv_file, gzipped
from digits.datasets.dataset import DatasetError
from digits.datasets.labels import describe, whole_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digits.datasets.dataset import Part

LARGEST = 2**30  # bytes, expanded: a million images
_WIDTH = 784
_BRIGHTEST = 255


def read(path: Path, part: "Part", label_column: str = "") -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """Return images (rows, 784) and labels (rows,).

    The part counts for an .npz that has both, the label's column for a .csv.
    """
    content = gzipped.read(path, LARGEST)
    if path.name.lower().endswith(".npz"):
        if label_column:
            raise DatasetError(f"{path} has arrays and no columns: leave evaluationLabelColumn (--label-column) empty.")
        images, labels = _npz(content, path, part)
    else:
        images, written = csv_file.read(content, path, label_column)
        labels = np.array(written)
    if len(images) != len(labels):
        raise DatasetError(f"{path} has {len(images)} images and {len(labels)} labels: give each image its label.")
    if len(images) == 0:
        raise DatasetError(f"{path} holds no images: give it at least one.")
    return _pixels(images, path), _labels(labels, path)


def _npz(content: bytes, path: Path, part: "Part") -> "tuple[NDArray[Any], NDArray[Any]]":
    pairs = (("images", "labels"), ("X", "y"), ("data", "target"), (f"x_{part}", f"y_{part}"))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        gzipped.require_size(size, LARGEST, str(path))  # zipfile expands a member to this size and not further
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            names = list(arrays)
            found = [pair for pair in pairs if set(pair) <= set(names)]
            read = [arrays[name] for name in found[0]] if len(found) == 1 else []
    except DatasetError:
        raise
    except Exception as error:  # zipfile and numpy raise whatever the damage makes of them
        raise DatasetError(
            f"{path} is not an .npz of plain arrays ({_said(error)}): save it with numpy.savez, "
            f"labels that are objects as numbers (y.astype(int))."
        ) from error
    if len(found) > 1:
        choices = " or ".join(" and ".join(pair) for pair in found)
        raise DatasetError(f"{path} could be read as {choices}: keep one pair of arrays.")
    if not read:
        held = ", ".join(names) or "none"
        raise DatasetError(f"{path} has the arrays {held}: call them images and labels, or X and y.")
    images, labels = read
    if images.ndim == 0 or math.prod(images.shape[1:]) != _WIDTH:
        shape = " x ".join(map(str, images.shape)) or "a single value"
        raise DatasetError(f"{path} has images of shape {shape}: make them rows x 784, or rows x 28 x 28.")
    if labels.ndim != 1:
        raise DatasetError(f"{path} has labels with {labels.ndim} axes: give one whole number for each image.")
    return images.reshape(len(images), _WIDTH), labels


def _pixels(images: "NDArray[Any]", path: Path) -> "NDArray[np.uint8]":
    if images.dtype == np.uint8 and images.max() > 1:
        return np.ascontiguousarray(images)
    _require_numbers(images, path, "pixels")
    scaled = images * float(_BRIGHTEST) if images.max() <= 1 else images
    wrong = ~((images >= 0) & (images <= _BRIGHTEST))
    if images.max() > 1:
        wrong |= images != np.floor(images)
    if wrong.any():
        row, at = np.argwhere(wrong)[0]
        raise DatasetError(
            f"Image {row} of {path} has a pixel of {images[row, at]:g}: "
            f"write whole numbers from 0 to 255, or fractions from 0 to 1 throughout."
        )
    return np.rint(scaled).astype(np.uint8)


def _labels(array: "NDArray[Any]", path: Path) -> "NDArray[np.uint8]":
    """Return labels as whole numbers from 0 to 255; texts count by the number that they are written like."""
    if array.dtype.kind == "S":
        array = np.char.decode(array, "latin-1")
    if array.dtype.kind not in "biufUT":
        raise DatasetError(f"{path} has labels of type {array.dtype}: write whole numbers from 0 to 255.")
    texts = array.dtype.kind in "UT"
    different, inverse = np.unique(array, return_inverse=True)
    numbers = [whole_number(each if texts else float(each)) for each in different.tolist()]
    for at, number in enumerate(numbers):
        if number is None or not 0 <= number <= _BRIGHTEST:
            row = int((inverse == at).argmax())
            label = different[at].item()
            raise DatasetError(
                f"Image {row} of {path} has the label {describe(label) if number is None else number}: "
                f"write whole numbers from 0 to 255, and a number for each class that has a name."
            )
    return np.array(numbers, np.uint8)[inverse]


def _require_numbers(array: "NDArray[Any]", path: Path, what: str) -> None:
    if array.dtype.kind not in "biuf":
        raise DatasetError(f"{path} has {what} of type {array.dtype}: write them as numbers.")


def _said(error: Exception) -> str:
    """Return a library's complaint on one line, without the full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
