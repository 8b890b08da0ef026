"""scikit-learn's bundled digits, in MNIST's form, so that the service's contract is one."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from digits.datasets.dataset import Part
from digits.datasets.mnist_form import place

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TEST_ROWS = 450  # a quarter
_SEED = 42


def read(part: Part) -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """Bring 8x8 into MNIST's form, in whole numbers: the same bytes on every machine.

    Each is eight pixels high, so 20 of MNIST's: a pixel becomes 5x5 quarters of one.
    """
    bundled = load_digits()
    quarters = bundled.images.astype(np.int32).repeat(5, axis=1).repeat(5, axis=2).reshape(-1, 20, 2, 20, 2)
    boxes = (quarters.sum(axis=(2, 4)) * 255 // (4 * 16)).astype(np.uint8)
    images = np.stack([place(box).reshape(-1) for box in boxes])
    labels = bundled.target.astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=_TEST_ROWS, random_state=_SEED, stratify=labels
    )
    return (train_images, train_labels) if part == "train" else (test_images, test_labels)
