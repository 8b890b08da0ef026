"""MNIST: four IDX files, gzipped or not, from a directory or downloaded once into the user's cache.

A file is found by what is in it and not by its name. It counts only with the SHA-256 of the original, because others
have the same form (Fashion-MNIST has).
"""

from digits.cli.progress_bar import Progress, bar

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from digits import atomic_files
from digits.datasets import gzipped, idx
from digits.datasets.dataset import DatasetError, Part
from digits.datasets.download import download

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIRRORS = ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")

_LARGEST = 48 * 2**20  # the largest MNIST file has 47 MB, gzipped or not
_HEADERS = {  # magic number and the size of each axis, as the files start
    "train-images-idx3-ubyte": struct.pack(">4I", 0x803, 60_000, 28, 28),
    "train-labels-idx1-ubyte": struct.pack(">2I", 0x801, 60_000),
    "t10k-images-idx3-ubyte": struct.pack(">4I", 0x803, 10_000, 28, 28),
    "t10k-labels-idx1-ubyte": struct.pack(">2I", 0x801, 10_000),
}
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
    images = _find(directory, images_file)
    return images.reshape(len(images), -1), _find(directory, labels_file)


def _find(directory: Path, file: str) -> "NDArray[np.uint8]":
    """Return the array of the file in the directory that is MNIST's, whatever it is called; raises DatasetError."""
    refused: dict[Path, DatasetError] = {}
    for path in _candidates(directory, file):
        try:
            return _parse(path, file)
        except DatasetError as error:
            refused[path] = error
    if len(refused) == 1:
        raise next(iter(refused.values()))
    if refused:
        raise DatasetError(
            f"{directory} has {len(refused)} files that could be MNIST's {file}, and none is, by its SHA-256: "
            f"{', '.join(str(path.relative_to(directory)) for path in refused)}. Put the original there."
        )
    raise DatasetError(
        f"{directory} has no file with what is in MNIST's {file}, under this name or another, gzipped or not: "
        f"name the directory with the MNIST files."
    )


def _candidates(directory: Path, file: str) -> Iterator[Path]:
    """Yield what starts like the file, or is called so, in the directory and in the folders in it."""
    try:
        entries = sorted(directory.iterdir())
        inner = [path for entry in entries if entry.is_dir() for path in _files_in(entry)]
    except OSError as error:
        raise DatasetError(
            f"{directory} cannot be read as a directory with the MNIST files: {error.strerror}."
        ) from error
    paths = [path for path in (*entries, *inner) if path.is_file()]
    # What bears the name is looked at first: mostly it is the one.
    for path in sorted(paths, key=lambda path: not _is_called(path, file)):
        if _is_called(path, file) or (path.stat().st_size <= _LARGEST and _starts_with(path, _HEADERS[file])):
            yield path


def _files_in(folder: Path) -> list[Path]:
    """Return what is in a folder, which is nothing where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_called(path: Path, file: str) -> bool:
    """Say whether the file has this name as it is usually spelt: train-images.idx3-ubyte.gz is one."""
    return path.name.lower().replace(".", "-").removesuffix("-gz") == file


def _starts_with(path: Path, header: bytes) -> bool:
    try:
        return gzipped.read_start(path, len(header)) == header
    except OSError:
        return False


def _parse(path: Path, file: str) -> "NDArray[np.uint8]":
    content = gzipped.read(path, _LARGEST)
    array = idx.parse(content, 3 if "idx3" in file else 1, str(path))
    _check(content, file, str(path))
    return array


def _check(content: bytes, file: str, name: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[file]:
        raise DatasetError(f"{name} is not MNIST's {file}: its SHA-256 is {digest}, not {_SHA256[file]}.")


def _download(file: str, directory: Path, mirrors: Sequence[str], progress: Progress | None) -> None:
    """Fetch one file; what is checked and whole takes its place in one step."""

    def check(content: bytes, url: str) -> None:
        _check(gzipped.decompress(content, url, _LARGEST), file.removesuffix(".gz"), url)

    with bar(f"Downloading {file}", is_bytes=True) if progress is None else nullcontext(progress) as show:
        content = download(file, mirrors, check, show)
    try:
        atomic_files.replace(directory / file, content)
    except OSError as error:
        raise DatasetError(f"{directory / file} cannot be written: {error.strerror}.") from error
