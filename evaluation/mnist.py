"""MNIST: four IDX files, gzipped or not, from a directory or downloaded once into the user's cache.

Files count only with the SHA-256 of the original: others carry the same names (Fashion-MNIST does).
"""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from evaluation import files, idx
from evaluation.datasets import Part
from evaluation.download import download
from evaluation.errors import DatasetError
from evaluation.progress import Progress, bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIRRORS = ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")

_IMAGES_AXES, _LABELS_AXES = 3, 1
_FILES: dict[Part, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_SHA256 = {  # of the uncompressed files
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def read(
    part: Part, directory: Path | None = None, progress: Progress | None = None, mirrors: Sequence[str] = MIRRORS
) -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """Return images (rows, 784) and labels (rows,) of the 60,000 to train on or the 10,000 to test with."""
    images_file, labels_file = _FILES[part]
    if directory is None:
        directory = platformdirs.user_cache_path("digits") / "data" / "mnist"
        for file in (images_file, labels_file):
            if not (directory / f"{file}.gz").exists():
                _download(f"{file}.gz", directory, mirrors, progress)
    images = _parse(directory, images_file, _IMAGES_AXES)
    return images.reshape(len(images), -1), _parse(directory, labels_file, _LABELS_AXES)


def _parse(directory: Path, file: str, axes: int) -> "NDArray[np.uint8]":
    for path in (directory / file, directory / f"{file}.gz"):
        if path.exists():
            break
    else:
        raise DatasetError(f"{directory} has neither {file} nor {file}.gz: name the directory with the MNIST files.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    if path.suffix == ".gz":
        content = _decompress(content, str(path))
    array = idx.parse(content, axes, str(path))
    _check(content, file, str(path))
    return array


def _decompress(content: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{name} is not a whole gzip file ({error}): remove it and fetch it again.") from error


def _check(content: bytes, file: str, name: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[file]:
        raise DatasetError(f"{name} is not MNIST's {file}: its SHA-256 is {digest}, not {_SHA256[file]}.")


def _download(file: str, directory: Path, mirrors: Sequence[str], progress: Progress | None) -> None:
    """Fetch one file; what is checked and whole takes its place in one step."""

    def check(content: bytes, url: str) -> None:
        _check(_decompress(content, url), file.removesuffix(".gz"), url)

    with bar(f"Downloading {file}", is_bytes=True) if progress is None else nullcontext(progress) as show:
        content = download(file, mirrors, check, show)
    try:
        files.replace(directory / file, content)
    except OSError as error:
        raise DatasetError(f"{directory / file} cannot be written: {error.strerror}.") from error
