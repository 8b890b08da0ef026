"""The labelled digits: scikit-learn's bundled ones, MNIST from a directory or a download, or a file of the user's own.

Every data set keeps one contract: images of 784 bytes and whole-number labels; digits and mnist have a part to train on
and a part to test with, and their labels are 0 to 9.
Changing the scaling or the split here changes the digests, so models are trained and released anew.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from digits.datasets.dataset import LABEL_NAMES, Dataset, DatasetError, ImageError, Part

if TYPE_CHECKING:
    from digits.cli.progress_bar import Progress

__all__ = ["DIGESTS", "LABEL_NAMES", "NAMES", "SUFFIXES", "Dataset", "DatasetError", "ImageError", "Part", "load"]

NAMES = ("digits", "mnist")

SUFFIXES = (".npz", ".csv", ".csv.gz")  # of files that `load` takes instead of a name

# What `load` computes, written down: training can then see whether a model is up to date without loading the data.
DIGESTS: dict[tuple[str, Part], str] = {
    ("digits", "train"): "d9702239edf69223c965392125fa0405e60d84f339ed8253133f92db174077a5",
    ("digits", "test"): "a92c87545efbb842fb120a8a93a2630cd068bc0ad59f9982190bcb296dfca33f",
    ("mnist", "train"): "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
    ("mnist", "test"): "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
}


def load(
    name: str,
    part: Part,
    *,
    directory: Path | None = None,
    label_column: str = "",
    progress: "Progress | None" = None,
) -> Dataset:
    """Return one part of a data set; mnist comes from the directory, or from a download into the user's cache.

    A path with one of the SUFFIXES is the user's own data, called by its file's name; only an .npz with x_train,
    y_train, x_test and y_test has parts. `label_column` says where a .csv has its labels, if its header does not; a
    name, first or last. A download shows a bar on the terminal unless its progress goes elsewhere.
    """
    if name in NAMES and label_column:
        raise DatasetError(f"{name} has no columns: leave evaluationLabelColumn (--label-column) empty.")
    if name != "mnist" and directory:
        raise DatasetError(f"{name} is read from no directory: leave evaluationDirectory (--directory) empty.")
    if name == "digits":
        from digits.datasets import bundled  # brings scikit-learn, which importers of this module may never need

        images, labels = bundled.read(part)
    elif name == "mnist":
        from digits.datasets import mnist

        images, labels = mnist.read(part, directory, progress)
    elif name.lower().endswith(SUFFIXES):
        from digits.datasets import own_data

        path = Path(name).expanduser()
        images, labels = own_data.read(path, part, label_column)
        name = path.name
    else:
        raise DatasetError(
            f"There is no data set {name!r}: choose {' or '.join(NAMES)}, or name a {' or '.join(SUFFIXES)} file."
        )
    return Dataset(name, images, labels, hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())
