"""Source archives may be hostile: nothing is written outside the folder they are unpacked into."""

import io
import tarfile
from pathlib import Path

import pytest

from emulator.aci.container import unpack
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
