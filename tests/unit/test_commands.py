"""The commands that pages and messages name exist, and the first of them says what a machine lacks."""

from digits.cli.commands import stacks

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from digits.stack import read
from tests.unit.pages import PAGES, ROOT
from tools import working_copy

TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
SPEAKING = [
    *(page for page in PAGES if page.name != "CHANGELOG.md"),  # it also names commands that are gone
    ROOT / "Makefile",
    *(path for room in ("infra", "digits", "emulator", "tools") for path in (ROOT / room).rglob("*.py")),
]


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_command_that_is_named_exists(path: Path) -> None:
    """A hint that names a dead command is worse than none."""
    named = re.findall(r"`make (?:-s )?([a-z]+)|^ {2,4}make ([a-z]+)", path.read_text(), re.MULTILINE)
    assert {first or second for first, second in named} <= TARGETS


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_that_is_named_can_be_run(path: Path) -> None:
    """`python -m` finds it: a package has a `__main__`."""
    for module in re.findall(r"python\)? -m ([a-z_.]+[a-z_])", path.read_text()):
        if module.split(".")[0] in {room.name for room in ROOT.iterdir() if room.is_dir()}:
            file = ROOT / module.replace(".", "/")
            assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file(), module


@pytest.mark.parametrize(("stack", "is_encrypted"), [("staging", True), ("dev", False)])
def test_a_new_stack_is_encrypted_by_the_chosen_provider(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    stack: str,
    is_encrypted: bool,  # noqa: FBT001
) -> None:
    """On Azure only: the emulator's stacks have no secret that is worth one."""
    program = tmp_path / "pulumi"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_SECRETS_PROVIDER", "azurekeyvault://v/keys/k?a=b")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "azblob://state")
    stacks.prepare(read(ROOT, stack))
    provider = " --secrets-provider azurekeyvault://v/keys/k?a=b" if is_encrypted else ""
    assert (tmp_path / "words").read_text() == f"stack select --create {stack}{provider}\n"


def test_a_picture_that_is_not_named_is_asked_for(tmp_path: Path) -> None:
    """Before anything else is done: the sentence is the command as it should be."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv").mkdir()
    for file in ("requirements.txt", "pyproject.toml", ".venv/lock"):
        (tmp_path / file).touch()
    refused = subprocess.run(["make", "predict"], cwd=tmp_path, text=True, capture_output=True, check=False)
    assert refused.returncode == 2
    assert "No picture is named: make predict IMAGE=digit.png" in refused.stderr
    assert [path.name for path in (tmp_path / ".venv").iterdir()] == ["lock"]


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Before anything is installed, with the version that was found and the way to name another."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "python3.9"
    old.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c \'import sys; sys.version_info = (3, 9, 2); sys.version = "3.9.2 (old)"; '
        f'exec(sys.argv[1])\' "$2"\n'
    )
    old.chmod(0o755)
    refused = subprocess.run(
        ["make", ".venv/lock", f"PYTHON={old}"], cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert refused.returncode != 0
    assert "Python 3.11 or newer" in refused.stderr
    assert "3.9.2" in refused.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("fails", "status", "called"),
    [
        (None, 0, ["up", "test", "down"]),
        ("test", 3, ["up", "test", "down"]),
        ("up", 3, ["up", "down"]),
        ("down", 3, ["up", "test", "down"]),
    ],
)
def test_the_tests_run_next_to_the_stack_that_was_deployed_first(
    tmp_path: Path, fails: str | None, status: int, called: list[str]
) -> None:
    """As for anyone who types the README's two commands; the stack is taken down whatever happens."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    make, calls = tmp_path / "make", tmp_path / "calls"
    make.write_text(f'#!/bin/sh\necho "$1" >> "{calls}"\n[ "$1" != "{fails}" ] || exit 3\n')
    make.chmod(0o755)
    done = subprocess.run(
        [tmp_path / ".ci/run"], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, check=False
    )
    assert (done.returncode, calls.read_text().split()) == (status, called)


def test_a_copy_of_the_project_meets_no_other_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shell holds for its own stack, its emulator's port included, does not reach the copy."""
    for name in ("EMULATOR_PORT", "AZUREML_EMULATOR_STATE", "PULUMI_BACKEND_URL", "STACK", "RELEASE", "YES"):
        monkeypatch.setenv(name, "8790")
    kept = working_copy.clean_environment()
    assert {name for name, value in kept.items() if value == "8790"} == set()
    assert kept["EMULATOR_PORT"] == "0"
    assert kept["PATH"] == os.environ["PATH"]


def make(*words: str) -> str:
    """Run make in this folder, which has to refuse the words; return what it said."""
    done = subprocess.run(
        ["make", "-o", ".venv/lock", *words],
        cwd=ROOT,
        env=working_copy.clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize("word", ["stack=prod", "Stack=prod", "STCK=prod", "python=python3", "V=1"])
def test_a_misspelt_variable_is_no_other_stack(word: str) -> None:
    """`make down Stack=prod` would destroy dev."""
    assert f"Nothing reads {word.partition('=')[0]}=…: write one of STACK FROM TO RELEASE " in make("down", word)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["status", "STACK=o'x"], "There is no stack 'o'x'"),
        (["status", "STACK="], "There is no stack ''"),
        (["status", 'STACK="; false; "'], "There is no stack '\"; false; \"'"),
        (["promote", "FROM=a'b", "TO=prod"], "There is no stack 'a'b'"),
        (["promote", "FROM=dev", "TO=o'x"], "There is no stack 'o'x'"),
        (["promote", "FROM=dev"], "Say which stack takes whose release"),
        (["drift", "FORMAT=xml"], "FORMAT is json or markdown, or it is left out for text."),
        (["drift", "FORMAT=json", "STACK=o'x"], "There is no stack 'o'x'"),
        (["comment", "STACK=o'x"], "reports/o'x/preview.md is not there"),
        (["issue"], "Invalid value for '--outcome'"),
    ],
)
def test_the_shell_sees_each_value_as_one_word(words: list[str], sentence: str) -> None:
    """A quote in a name is no end of it, and an empty name is not the default."""
    said = make(*words)
    assert f"error: {sentence}" in said
    assert "bash" not in said
