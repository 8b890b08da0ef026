"""Whether a picture shows one digit at all: the service answers every picture with a digit, so doubts are said here.

The limits are chosen by MNIST: of its 10,000 test images, 27 seem to be several shapes, 13 are so wide, and none has so
much ink.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDEST = 1.7  # times as wide as high
_MOST_INK = 0.35  # of the 28 x 28 pixels, by their greys
_SMALLEST = 0.1  # of the largest shape's area; what is smaller is a part of a digit
_AS_HIGH = 0.5  # of the higher shape's height: the bar of a five is flat
_OVERLAP = 0.1  # of the smaller shape's extent

_Box = tuple[slice, slice]


def find(ink: "NDArray[np.float64]", digit: "NDArray[np.uint8]") -> list[str]:
    """Return what speaks against one whole digit: of the ink in the picture, and of the digit that was made of it."""
    from scipy import ndimage  # see mnist_form.py

    shapes, _ = ndimage.label(ink > 0, np.ones((3, 3)))
    areas = np.bincount(shapes.ravel())[1:]
    boxes = [
        box for box, area in zip(ndimage.find_objects(shapes), areas, strict=True) if area >= _SMALLEST * areas.max()
    ]
    doubts = []
    height, width = (int(np.ptp(np.flatnonzero(ink.any(axis=axis)))) + 1 for axis in (1, 0))
    if any(_stand_apart(one, other) for at, one in enumerate(boxes) for other in boxes[:at]):
        doubts.append("shows several shapes next to each other: if they are digits, cut out one of them")
    elif width > _WIDEST * height:
        doubts.append("is inked wider than a digit is: if that is more than one, cut out one of them")
    if _reaches_edge(boxes, ink.shape):
        doubts.append(
            "has ink up to its edge: if that is a shadow or a stroke that is cut off, leave paper around the digit"
        )
    if digit.mean() > _MOST_INK * 255:
        doubts.append("has more ink than a digit: let the paper be of one colour, and the strokes of another")
    return doubts


def _stand_apart(one: _Box, other: _Box) -> bool:
    """Say whether two shapes are about as high, and one is next to the other or above it."""
    heights = sorted((one[0].stop - one[0].start, other[0].stop - other[0].start))
    return heights[0] >= _AS_HIGH * heights[1] and any(
        _overlap(*pair) <= _OVERLAP for pair in zip(one, other, strict=True)
    )


def _overlap(one: slice, other: slice) -> float:
    """Return the share of the smaller extent that both have, negative where there is paper between them."""
    extents: tuple[int, int] = (one.stop - one.start, other.stop - other.start)
    shared: int = min(one.stop, other.stop) - max(one.start, other.start)
    return shared / min(extents)


def _reaches_edge(boxes: list[_Box], shape: tuple[int, ...]) -> bool:
    """Say whether ink touches the edge; a picture that was cut to the digit touches it on all sides, and is none."""
    touched = [{(axis, side) for axis in (0, 1) for side in _sides(box[axis], shape[axis])} for box in boxes]
    sides = set.union(*touched)
    return 0 < len(sides) < 4 or (bool(sides) and not all(touched))  # noqa: PLR2004 - a picture's sides


def _sides(extent: slice, length: int) -> list[str]:
    return ["start"] * (extent.start == 0) + ["stop"] * (extent.stop == length)
