"""What a data set is, whichever it is: images of 784 bytes with whole-number labels, or one sentence why not.

DatasetError    the data is missing, cut off, or not what its name says
ImageError      the picture cannot be read, or shows no digit
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Part = Literal["train", "test"]

LABEL_NAMES = ("label", "class", "target", "y", "digit")  # of a .csv's column with the labels


class DatasetError(Exception):
    """The data is missing, cut off, or not what its name says."""


class ImageError(Exception):
    """The picture cannot be read, or shows no digit."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images: uint8 (rows, 784) and uint8 (rows,), and the SHA-256 of their bytes."""

    name: str
    images: "NDArray[np.uint8]" = field(repr=False)
    labels: "NDArray[np.uint8]" = field(repr=False)
    digest: str

    @property
    def rows(self) -> int:
        """How many images there are."""
        return len(self.labels)
