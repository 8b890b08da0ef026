"""The conda file: which encodings are read, and which forms are refused in words."""

import re
from pathlib import Path

import pytest

from infra.configuration import SettingsError
from infra.environment import environment_version, read_conda

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
    """`conda env export` names builds of one system without `--no-builds`."""
    file = tmp_path / "conda.yml"
    file.write_text(f"dependencies:\n  - python=3.11\n  - {package}\n")
    with pytest.raises(SettingsError, match=rf"{package} names a conda build, .*--no-builds"):
        read_conda(file)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dependencies:\n\t- python=3.11\n", "line 2: there is a tab: indent with spaces"),
        ("dependencies:\n  - pip:\n\t- a\n", "line 3: there is a tab: indent with spaces"),
        ("dependencies:\n  - python=3.11\n\t- a\n", "line 3: there is a tab: indent with spaces"),
        (
            "name: x\ndependencies:\n  - a\ndependencies:\n  - b\n",
            "line 4: dependencies: stands in line 2 already: keep",
        ),
        ("dependencies: [a]\nvariables:\n  A: 1\n  A: 2\n", "line 4: A: stands in line 3 already: keep"),
        ("dependencies:\n  - pip: [a]\n  - b\n  - pip: [c]\n", "line 4: pip: stands in line 2 already: put both"),
        ("dependencies:\n  - pip: [a]\n    pip: [c]\n", "line 3: pip: stands in line 2 already: keep"),
        ("dependencies: [a\n", "line 2: this is not YAML"),
        ("dependencies: [!!python/name:os.system x]\n", "line 1: this is not YAML"),
        ("dependencies: [2026-99-99]\n", "is not YAML"),
        ("dependencies: [a]\nname: \x01\n", "is not YAML"),
        ("? [a]\n: b\n", "line 1: this is not YAML"),
        ("dependencies: &a [*a]\n", "has the dependency"),
        ("dependencies: [3]\n", "has the dependency 3"),
        ("dependencies: [a]\nvariables: {A: 2026-01-01}\n", "quote a date"),
        ("dependencies: [a]\nvariables: &v {A: *v}\n", "no alias in itself"),
        ("", "has no list of dependencies"),
        ("name: x\n", "has no list of dependencies"),
        ("dependencies: joblib\n", "has no list of dependencies"),
        ("dependencies: [a]\nvariables: 3\n", "variables"),
        ("[", "this is not YAML"),
    ],
)
def test_what_would_be_misread_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    """YAML's own reader takes the last of two keys in silence; two pip sections are hard to read."""
    file = tmp_path / "conda.yml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=rf"conda\.yml[^\n]*{re.escape(sentence)}[^\n]*\.$"):
        read_conda(file)


def test_an_anchor_may_be_used_twice(tmp_path: Path) -> None:
    """It stands in the file once."""
    file = tmp_path / "conda.yml"
    file.write_text("x-base: &base {A: '1'}\ndependencies: [python=3.11]\nvariables:\n  <<: *base\n  B: '2'\n")
    assert read_conda(file)["variables"] == {"A": "1", "B": "2"}


def test_a_folder_in_the_file_s_place_is_one_sentence(tmp_path: Path) -> None:
    """No traceback for what cannot be read."""
    (tmp_path / "conda.yml").mkdir()
    with pytest.raises(SettingsError, match=r"conda\.yml cannot be read \(Is a directory\)"):
        read_conda(tmp_path / "conda.yml")


def test_name_and_prefix_are_no_part_of_the_environment(tmp_path: Path) -> None:
    """`conda env export` writes those of one machine."""
    file, other = tmp_path / "conda.yml", tmp_path / "other.yml"
    file.write_text(TEXT)
    other.write_text(TEXT + "name: mine\nprefix: /home/me/mine\n")
    assert environment_version(read_conda(file)) == environment_version(read_conda(other))
