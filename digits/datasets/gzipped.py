"""Gzip, which the first bytes of a file show and not its name."""

import gzip
import zlib
from pathlib import Path

from digits.datasets.dataset import DatasetError

MAGIC = b"\x1f\x8b"


def expand(content: bytes, name: str) -> bytes:
    """Return what is in gzipped bytes, and other bytes as they are; raises DatasetError for what is cut off."""
    return decompress(content, name) if content.startswith(MAGIC) else content


def decompress(content: bytes, name: str) -> bytes:
    """Return what is in gzipped bytes; raises DatasetError for others, which `name` calls in the sentence."""
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{name} is not a whole gzip file ({error}): remove it and fetch it again.") from error


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
