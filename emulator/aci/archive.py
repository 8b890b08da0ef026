"""Source archives, which may be hostile: where their members are written, and how much of them there is."""

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from emulator.http.errors import BadRequestError

LARGEST = 2 * 2**30  # bytes, expanded
_MOST_MEMBERS = 100_000
_LARGEST_HEADER = 2**20  # tarfile reads a header of any size into memory
_EXPANDERS: dict[bytes, Callable[[Path], object]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


def unpack(archive: Path, target: Path) -> None:
    """Unpack an archive: only files, folders and links that stay inside, and no more than fits on a usual disk."""
    try:
        with _open(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            links: set[PurePosixPath] = set()
            for number, member in enumerate(tar):
                _check_size(number, member)
                _check_member(member, links)
                tar.extract(member, target, filter=_for_the_owner)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise BadRequestError(f"The source archive cannot be unpacked: {error}.") from None


def inside(path: str) -> PurePosixPath:
    """Return the path, normalised; raise if it leads out of the folder that it is relative to."""
    normal = PurePosixPath(posixpath.normpath(path))
    if normal.is_absolute() or ".." in normal.parts:
        raise BadRequestError(f"The path {path!r} leads out of the source directory.")
    return normal


class _Bounded(io.RawIOBase):
    """The expanded bytes of an archive, refused where they become too many."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_HEADER:
            raise BadRequestError("The source archive is refused: it has a header of more than 1 MiB.")
        self._require_place(self._file.tell() + size)
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            self._require_place(offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()

    @staticmethod
    def _require_place(place: int) -> None:
        if place > LARGEST:
            raise BadRequestError(
                f"The source archive is refused: it expands to more than {LARGEST / 2**30:g} GiB. "
                f"Leave data and environments out of the source directory."
            )


def _open(archive: Path) -> BinaryIO:
    """Open the archive, expanded; the first bytes show how it is compressed."""
    with archive.open("rb") as file:
        start = file.read(6)
    expand = next((each for magic, each in _EXPANDERS.items() if start.startswith(magic)), None)
    opened = expand(archive) if expand else archive.open("rb")
    return cast("BinaryIO", _Bounded(cast("BinaryIO", opened)))


def _check_size(number: int, member: tarfile.TarInfo) -> None:
    """Raise for too many members, or for a file with holes that would be larger than the whole may be."""
    if number >= _MOST_MEMBERS:
        raise BadRequestError(f"The source archive is refused: it has more than {_MOST_MEMBERS:,} members.")
    if member.size > LARGEST:
        raise BadRequestError(
            f"The source archive is refused: {member.name} has more than {LARGEST / 2**30:g} GiB. "
            f"Leave it out of the source directory."
        )


def _for_the_owner(member: tarfile.TarInfo, target: str) -> tarfile.TarInfo:
    """Return the member as filter="data" has it, without rights for others."""
    safe = tarfile.data_filter(member, target)
    return safe if safe.mode is None else safe.replace(mode=safe.mode & 0o700, deep=False)


def _check_member(member: tarfile.TarInfo, links: set[PurePosixPath]) -> None:
    """Raise unless the member is harmless; filter="data" by itself had holes, all of them about links."""
    name = inside(member.name)
    if any(parent in links for parent in (name, *name.parents)):
        raise BadRequestError(f"The source archive is refused: {member.name} would be written through a link.")
    if member.issym():
        inside(posixpath.join(posixpath.dirname(member.name), member.linkname))
        links.add(name)
    elif member.islnk():
        inside(member.linkname)
    elif not (member.isfile() or member.isdir()):
        raise BadRequestError(f"The source archive is refused: {member.name} is neither a file nor a folder.")
