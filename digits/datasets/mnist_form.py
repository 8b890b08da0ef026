"""The form that MNIST gives a digit: white on black, 20 pixels on its longer side, its centre of mass amid 28 x 28.

A model that has only seen this form reads little else, so the bundled digits and all pictures are brought into it.
"""

from typing import TYPE_CHECKING

import numpy as np

from digits.datasets.dataset import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE, BOX = 28, 20

_BRIGHTEST = 255
_LEAST_CONTRAST = _BRIGHTEST / 8  # below it there is paper and no ink
_SPECK = 0.05  # of the largest stroke; what is smaller is dirt
_BINS = 64


def place(box: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """Return the digit, cut out and not larger than 28 x 28, on a black picture with its centre of mass in the middle.

    In whole numbers, so that the same pixels give the same bytes on every machine.
    """
    weight = int(box.sum())
    corner = []
    for axis, length in enumerate(box.shape):
        moment = int(box.sum(axis=1 - axis, dtype=np.int64) @ np.arange(length))
        # Half a pixel is rounded up, as the middle of 28 pixels is.
        start = SIDE // 2 - (2 * moment + weight) // (2 * weight)
        corner.append(min(max(start, 0), SIDE - length))
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[corner[0] : corner[0] + box.shape[0], corner[1] : corner[1] + box.shape[1]] = box
    return picture


def normalise(grey: "NDArray[np.float64]", name: str) -> "NDArray[np.uint8]":
    """Return the digit in a picture of any size, grey from 0 to 255, dark on light or light on dark, as 28 x 28."""
    return shape(find_ink(grey, name))


def find_ink(grey: "NDArray[np.float64]", name: str) -> "NDArray[np.float64]":
    """Return the strokes in a picture, 0 to 1, everything else 0.

    Paper is what most of the frame is; ink is the one side of it that goes further. `name` is what an error calls it.
    """
    paper = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    ink = np.maximum(grey - paper if grey.max() - paper >= paper - grey.min() else paper - grey, 0)
    if ink.max() < _LEAST_CONTRAST:
        raise ImageError(f"{name} shows no digit: all of it is nearly the same grey. Draw one that stands out.")
    strokes: NDArray[np.float64] = np.where(_strokes(ink / ink.max()), ink / ink.max(), 0)
    return strokes


def shape(ink: "NDArray[np.float64]") -> "NDArray[np.uint8]":
    """Return strokes in a picture of any size as 28 x 28."""
    from PIL import Image  # the data sets need none of it

    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    cut = np.rint(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * _BRIGHTEST).astype(np.uint8)
    height, width = (max(1, round(length * BOX / max(cut.shape))) for length in cut.shape)
    return place(np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.LANCZOS)))


def _strokes(ink: "NDArray[np.float64]") -> "NDArray[np.bool_]":
    """Tell strokes from paper, by the threshold that parts the greys best (Otsu's), and from specks, by their size."""
    from scipy import ndimage  # the data sets need none of it

    counts, edges = np.histogram(ink, _BINS, (0, 1))
    below, mass = counts.cumsum(), (counts * (edges[1:] + edges[:-1]) / 2).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below / below[-1] - mass) ** 2 / (below * (below[-1] - below))
    parts, _ = ndimage.label(ink >= edges[1 + np.nanargmax(between)], np.ones((3, 3)))
    areas = np.bincount(parts.ravel())
    areas[0] = 0
    strokes: NDArray[np.bool_] = (areas >= _SPECK * areas.max())[parts]
    return strokes
