"""Gzip, which is told by the first bytes of a file and not by its name."""

import gzip
import zlib
from pathlib import Path

from evaluation.errors import DatasetError

MAGIC = b"\x1f\x8b"


def expand(content: bytes, name: str) -> bytes:
    """Return what is in gzipped bytes, and other bytes as they are; raises DatasetError for what is cut off."""
    if not content.startswith(MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{name} is not a whole gzip file ({error}): remove it and fetch it again.") from error


def read_start(path: Path, length: int) -> tuple[bytes, int]:
    """Return the first bytes of a file, expanded if it is gzipped, and its size on the disk; raises OSError."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if file.read(len(MAGIC)) != MAGIC:
            file.seek(0)
            return file.read(length), size
        file.seek(0)
        try:
            return gzip.GzipFile(fileobj=file).read(length), size
        except (EOFError, zlib.error) as error:
            raise OSError(0, f"not a whole gzip file ({error})") from error
