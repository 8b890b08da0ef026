"""The conda file: which encodings are read, and which forms are refused in words."""

from pathlib import Path

import pytest

from infra.environment import read_conda
from infra.settings import SettingsError

TEXT = "# für alle\ndependencies:\n  - python=3.11\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, encoding: str) -> None:
    """PowerShell's `>` writes UTF-16: the same definition, and so the same environment."""
    file = tmp_path / "conda.yml"
    file.write_text(TEXT, encoding=encoding)
    assert read_conda(file) == {"dependencies": ["python=3.11"]}


def test_another_encoding_is_refused_in_words(tmp_path: Path) -> None:
    """Without a mark nothing says which it is."""
    file = tmp_path / "conda.yml"
    file.write_text(TEXT, encoding="latin-1")
    with pytest.raises(SettingsError, match=r"conda\.yml is not UTF-8 \(byte 3\): save it as UTF-8\.$"):
        read_conda(file)


@pytest.mark.parametrize("package", ["_libgcc_mutex=0.1=main", "numpy=2.1.0=py311h_0", "_x=1=2_gnu"])
def test_a_conda_build_is_named_with_the_way_out(tmp_path: Path, package: str) -> None:
    """`conda env export` names builds of one system unless it is told not to."""
    file = tmp_path / "conda.yml"
    file.write_text(f"dependencies:\n  - python=3.11\n  - {package}\n")
    with pytest.raises(SettingsError, match=rf"{package} names a conda build, .*--no-builds"):
        read_conda(file)
