"""Gzip, which the first bytes of a file show and not its name."""

import gzip
import io
import zlib
from pathlib import Path

from digits.datasets.dataset import DatasetError

MAGIC = b"\x1f\x8b"


def read(path: Path, largest: int) -> bytes:
    """Return a file's bytes, expanded if it is gzipped; raises DatasetError if they are more than `largest`."""
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    require_size(len(content), largest, str(path))
    return decompress(content, str(path), largest) if content.startswith(MAGIC) else content


def decompress(content: bytes, name: str, largest: int) -> bytes:
    """Return what is in gzipped bytes, up to `largest`; raises DatasetError, which `name` begins."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            expanded = file.read(largest + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{name} is not a whole gzip file ({error}): remove it and fetch it again.") from error
    require_size(len(expanded), largest, name)
    return expanded


def require_size(size: int, largest: int, name: str) -> None:
    """Raise DatasetError for a file that is larger, expanded or as it is, than any that is read here."""
    if size > largest:
        raise DatasetError(
            f"{name} holds more than {largest // 2**20:,} MiB, at least once it is expanded: take fewer images."
        )


def read_start(path: Path, length: int) -> bytes:
    """Return the first bytes of a file, expanded if it is gzipped; raises OSError, also for what is cut off."""
    with path.open("rb") as file:
        start = file.read(length)
        if not start.startswith(MAGIC):
            return start
        file.seek(0)
        try:
            return gzip.GzipFile(fileobj=file).read(length)
        except (EOFError, zlib.error) as error:
            raise OSError(str(error)) from error
