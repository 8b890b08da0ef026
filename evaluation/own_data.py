"""A user's own labelled images: an .npz with two arrays, or a .csv with a row for each image.

Pixels are whole numbers from 0 to 255, as MNIST has them, or fractions from 0 to 1, which are scaled to those; labels
are whole numbers from 0 to 255. What is not exactly that is one sentence, never a guess.
"""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evaluation.datasets import Part

_WIDTH = 784
_BRIGHTEST = 255


def read(path: Path, part: "Part") -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """Return images (rows, 784) and labels (rows,); the part counts for an .npz that has both."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    images, labels = _npz(content, path, part) if path.suffix.lower() == ".npz" else _csv(content, path)
    if len(images) != len(labels):
        raise DatasetError(f"{path} has {len(images)} images and {len(labels)} labels: give each image its label.")
    if len(images) == 0:
        raise DatasetError(f"{path} holds no images: give it at least one.")
    return _pixels(images, path), _labels(labels, path)


def _npz(content: bytes, path: Path, part: "Part") -> "tuple[NDArray[Any], NDArray[Any]]":
    pairs = (("images", "labels"), ("X", "y"), (f"x_{part}", f"y_{part}"))
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            names = list(arrays)
            found = next((pair for pair in pairs if set(pair) <= set(names)), ())
            read = [arrays[name] for name in found]
    except Exception as error:  # zipfile and numpy raise whatever the damage makes of them
        raise DatasetError(
            f"{path} is not an .npz of plain arrays ({_said(error)}): save it with numpy.savez."
        ) from error
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


def _csv(content: bytes, path: Path) -> "tuple[NDArray[Any], NDArray[Any]]":
    """Read the label from the column called label, or from the first where no header calls one so."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not text in UTF-8 ({error}): save it as CSV.") from error
    lines = [line for line in text.splitlines() if line.strip()]
    header = [cell.strip(' "').lower() for cell in "".join(lines[:1]).split(",")]
    # Pixels are called 0, 1, 2 in some files, and a first row with a gap is no header.
    has_header = "label" in header or not any(map(_is_number, header))
    if lines and len(header) != 1 + _WIDTH:
        raise DatasetError(
            f"{path} has {len(header)} columns: it takes 785 with commas between, a label and 784 pixels."
        )
    if len(lines) <= has_header:
        raise DatasetError(f"{path} holds no images: give it at least one.")
    try:
        table = np.loadtxt(lines, delimiter=",", skiprows=int(has_header), ndmin=2, comments=None, quotechar='"')
    except ValueError as error:
        raise DatasetError(f"{path} is not a table of numbers: {_said(error).partition(';')[0]}.") from error
    at = header.index("label") if "label" in header else 0
    return np.delete(table, at, axis=1), table[:, at]


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


def _labels(labels: "NDArray[Any]", path: Path) -> "NDArray[np.uint8]":
    _require_numbers(labels, path, "labels")
    wrong = ~((labels >= 0) & (labels <= _BRIGHTEST) & (labels == np.floor(labels)))
    if wrong.any():
        row = int(wrong.argmax())
        raise DatasetError(f"Image {row} of {path} has the label {labels[row]:g}: write whole numbers from 0 to 255.")
    return labels.astype(np.uint8)


def _require_numbers(array: "NDArray[Any]", path: Path, what: str) -> None:
    if array.dtype.kind not in "biuf":
        raise DatasetError(f"{path} has {what} of type {array.dtype}: write them as numbers.")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _said(error: Exception) -> str:
    """Return a library's complaint on one line, without the full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
