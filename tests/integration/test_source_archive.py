"""Source archives may be hostile: nothing is written outside the target folder, and no more than a bounded amount."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.aci import archive as source_archive
from emulator.aci.archive import unpack
from emulator.http.errors import BadRequestError


def _pack(path: Path, *members: tuple[str, bytes, str]) -> Path:
    """Write an archive of (name, tar type, target of the link)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, target, 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(b"text"))
    return path


@pytest.mark.parametrize(
    "members",
    [
        [("../out", tarfile.REGTYPE, "")],
        [("/tmp/out", tarfile.REGTYPE, "")],  # noqa: S108
        [("a/../../out", tarfile.REGTYPE, "")],
        [("link", tarfile.SYMTYPE, "../out")],
        [("link", tarfile.SYMTYPE, "/etc/passwd")],
        [("link", tarfile.LNKTYPE, "../out")],
        [("link", tarfile.SYMTYPE, "."), ("link/file", tarfile.REGTYPE, "")],
        [("a", tarfile.DIRTYPE, ""), ("link", tarfile.SYMTYPE, "a"), ("link", tarfile.REGTYPE, "")],
        [("pipe", tarfile.FIFOTYPE, "")],
        [("device", tarfile.CHRTYPE, "")],
    ],
)
def test_a_member_that_leads_out_or_is_no_file_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes, str]]
) -> None:
    """Paths, links, links through links, pipes and devices; nothing stands outside afterwards."""
    archive, target = _pack(tmp_path / "a.tar.gz", *members), tmp_path / "target"
    target.mkdir()
    with pytest.raises(BadRequestError):
        unpack(archive, target)
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "target"}


def test_files_folders_and_links_inside_are_unpacked(tmp_path: Path) -> None:
    """What a source directory may hold comes out as it went in."""
    members = [
        ("source", tarfile.DIRTYPE, ""),
        ("source/score.py", tarfile.REGTYPE, ""),
        ("source/link.py", tarfile.SYMTYPE, "score.py"),
    ]
    unpack(_pack(tmp_path / "a.tar.gz", *members), tmp_path)
    assert (tmp_path / "source" / "link.py").read_text() == "text"


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b damaged"])
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    """A damaged upload is the deployment's error, not a traceback."""
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(BadRequestError, match="cannot be unpacked"):
        unpack(archive, tmp_path)


def _bomb(file: tarfile.TarInfo, length: int) -> bytes:
    """Return an archive whose member has as many zeros as it says, or fewer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("first"), io.BytesIO())
        tar.fileobj.write(file.tobuf() + bytes(length))  # type: ignore[union-attr] # it was opened for writing
    return buffer.getvalue()


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
@pytest.mark.parametrize("count", [1, 5])
def test_a_bomb_is_one_sentence_and_ends_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: Callable[[bytes], bytes], count: int
) -> None:
    """One large member, or several that are too large together, however they are compressed."""
    monkeypatch.setattr(source_archive, "LARGEST", 4 * 2**20)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(count):
            member = tarfile.TarInfo(f"zeros-{number}")
            member.size = 5 * 2**20 // count
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    bomb, target = tmp_path / "bomb", tmp_path / "target"
    bomb.write_bytes(compress(buffer.getvalue()))
    with pytest.raises(BadRequestError, match=r"^The source archive is refused: .* more than .* GiB"):
        unpack(bomb, target)
    assert sum(file.stat().st_size for file in target.glob("*")) <= 4 * 2**20


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME], ids=["pax", "long name"])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes) -> None:
    """The reader of archives takes such a header whole, before anybody can look at the member."""
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, 2**30
    bomb = tmp_path / "bomb"
    bomb.write_bytes(gzip.compress(_bomb(header, 2**21)))
    with pytest.raises(BadRequestError, match="a header of more than 1 MiB"):
        unpack(bomb, tmp_path / "target")


def test_a_member_that_says_it_is_larger_than_all_may_be_is_refused_at_once(tmp_path: Path) -> None:
    """Nothing of it is written."""
    member = tarfile.TarInfo("large.bin")
    member.size = 2**40
    bomb = tmp_path / "bomb"
    bomb.write_bytes(_bomb(member, 512))
    with pytest.raises(BadRequestError, match=r"large\.bin has more than 2 GiB"):
        unpack(bomb, tmp_path / "target")
    assert not (tmp_path / "target/large.bin").exists()


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty files take room too."""
    monkeypatch.setattr(source_archive, "_MOST_MEMBERS", 3)
    members = [(f"file-{number}", tarfile.REGTYPE, "") for number in range(4)]
    with pytest.raises(BadRequestError, match="more than 3 members"):
        unpack(_pack(tmp_path / "a.tar.gz", *members), tmp_path)
