"""IDX, the format of the MNIST files: a magic number, the size of each axis, then the bytes.

Read strictly: a file that is cut off, too long or of another kind is one sentence, never a shorter data set.
"""

import math
import struct
from typing import TYPE_CHECKING

import numpy as np

from digits.datasets.dataset import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNSIGNED_BYTE = 0x08


def parse(content: bytes, axes: int, name: str) -> "NDArray[np.uint8]":
    """Return the array of a file of unsigned bytes with this many axes; `name` is what errors call the file."""
    magic = struct.pack(">HBB", 0, _UNSIGNED_BYTE, axes)
    if content[:4] != magic:
        raise DatasetError(
            f"{name} is not an IDX file of bytes with {axes} axes: it starts with {content[:4].hex() or 'nothing'}, "
            f"not {magic.hex()}."
        )
    header = 4 + 4 * axes
    if len(content) < header:
        raise DatasetError(f"{name} is cut off: it ends within its header, after {len(content)} bytes.")
    shape = struct.unpack(f">{axes}I", content[4:header])
    expected = header + math.prod(shape)
    if len(content) != expected:
        state = "cut off" if len(content) < expected else "too long"
        sizes = " x ".join(map(str, shape))
        raise DatasetError(f"{name} is {state}: its header says {sizes}, so {expected} bytes; it has {len(content)}.")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
