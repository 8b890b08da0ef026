"""All commands of `digits` and `azureml-emulator` alike: help, errors, --debug, colour, exit codes, Ctrl-C."""

from digits.cli.command import Command, CommandError, Group, locate_program, run
from digits.cli.commands import digits

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from emulator.cli import azureml_emulator
from tests.unit.pages import ROOT

PROGRAMS = {"digits": digits, "azureml-emulator": azureml_emulator}
_COLOR = re.compile(r"\x1b\[(3|4|9)\d")


def walk(group: Group, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of a group and of all that is in it."""
    yield words
    for name, command in group.commands.items():
        if isinstance(command, Group):
            yield from walk(command, *words, name)
        else:
            yield (*words, name)


EVERY = [(name, *words) for name, group in PROGRAMS.items() for words in walk(group)]


def find(words: tuple[str, ...]) -> click.Command:
    """Return the command that the words name."""
    found: click.Command = PROGRAMS[words[0]]
    for word in words[1:]:
        assert isinstance(found, Group)
        found = found.commands[word]
    return found


LEAVES = [words for words in EVERY if isinstance(find(words), Command)]


def call(words: tuple[str, ...], *arguments: str) -> int:
    """Run the command in this process and return its exit code."""
    try:
        return run(PROGRAMS[words[0]], [*words[1:], *arguments])
    except SystemExit as end:
        return int(str(end.code))


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_has_an_example_that_is_a_command(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout with exit code 0; each example names a command and options that there are."""
    assert call(words, "--help") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "Examples:" in printed.out
    assert "xit codes: 0 " in printed.out
    examples = getattr(find(words), "examples", ())
    assert examples
    for line, meaning in examples:
        assert meaning
        named = re.search(rf"\b{words[0]}\b((?: [a-z]+)*)", line)
        assert named, line
        known = [each[1:] for each in EVERY if each[0] == words[0]]
        taken = tuple(named[1].split())
        assert any(each and taken[: len(each)] == each for each in known), line
        command = find((words[0], *next(each for each in reversed(known) if each and taken[: len(each)] == each)))
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r" (--[a-z-]+)", line.partition(" -- ")[0])) <= options, line


@pytest.mark.parametrize("words", [words for words in EVERY if words not in LEAVES], ids=" ".join)
def test_a_group_without_a_command_prints_its_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr with exit code 2, line by line: it is what a newcomer types first."""
    assert call(words) == 2
    asked = capsys.readouterr()
    assert call(words, "--help") == 0
    assert (asked.out, asked.err) == ("", capsys.readouterr().out)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_unknown_option_is_one_sentence_and_exit_code_2(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, with the way to the help."""
    assert call(words, "--nonsense") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (said,) = printed.err.splitlines()
    assert re.fullmatch(r"error: .*'--nonsense'.* See `.* --help`\.", said)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The words of a command whose work raises what the test chose, with the arguments that it needs."""
    words, error = request.param

    def work(**_: object) -> None:
        raise error

    command = find(words)
    monkeypatch.setattr(command, "callback", work)
    for parameter in command.params:
        monkeypatch.setattr(parameter, "required", False)
    found: tuple[str, ...] = words
    return found


def raising(error: BaseException) -> pytest.MarkDecorator:
    """Run a test once for each command, whose work raises the error."""
    return pytest.mark.parametrize(
        "failing", [(words, error) for words in LEAVES], indirect=True, ids=map(" ".join, LEAVES)
    )


@raising(CommandError("Nothing is there: make it."))
def test_an_error_is_one_sentence_and_debug_shows_its_traceback(
    failing: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2: it could not look."""
    assert call(failing) == 2
    assert capsys.readouterr().err == "error: Nothing is there: make it.\n"
    assert call(failing, "--debug") == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@raising(ZeroDivisionError("by zero"))
def test_an_error_that_nobody_foresaw_is_no_finding(
    failing: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 would say that the command looked and found something bad."""
    assert call(failing) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("error: ZeroDivisionError")


@raising(KeyboardInterrupt())
def test_ctrl_c_is_one_line_and_130(failing: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """What it started has ended by then: tests/integration/test_interrupt.py."""
    assert call(failing) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize("prints", ["print", "terminal.print"])
def test_a_reader_that_has_seen_enough_is_no_finding(prints: str) -> None:
    """A shell's 141, also if the output is rich's: 1 would say that an evaluation failed."""
    script = f"""import sys
from digits.cli import command, console
terminal = console.Console()
work = command.Command("work", callback=lambda: [{prints}("x" * 70) for _ in range(9999)] and None, examples=())
sys.exit(command.run(command.create_group("group", "", (), [work]), ["work"]))"""
    piped = ["bash", "-c", 'set -o pipefail; "$0" -c "$1" | head -c 1', sys.executable, script]
    done = subprocess.run(piped, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("x", "", 141)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_closed_stdout_is_no_error(name: str) -> None:
    """`>&-`, as some daemons start their programs."""
    closed = ["bash", "-c", '"$0" -m "$1" completion bash >&-', sys.executable, name.replace("azureml-", "")]
    done = subprocess.run(closed, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(("variables", "is_colored"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_color_unless_it_says_no(name: str, variables: dict[str, str], *, is_colored: bool) -> None:
    """As https://no-color.org asks for."""
    module = "emulator" if name == "azureml-emulator" else name
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"} | variables
    for words in (["--help"], ["nonsense"]):
        ours, theirs = pty.openpty()
        subprocess.run(
            [sys.executable, "-m", module, *words], cwd=ROOT, env=environment, stdout=theirs, stderr=theirs, check=False
        )
        os.close(theirs)
        printed = b""
        try:
            while block := os.read(ours, 65536):
                printed += block
        except OSError:  # Linux's way to say that the other end is closed
            pass
        os.close(ours)
        assert bool(_COLOR.search(printed.decode())) is is_colored, words


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_completes_its_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In three shells, by a script that calls the program."""
    for shell in ("bash", "zsh", "fish"):
        assert run(PROGRAMS[name], ["completion", shell]) == 0
        assert f"_{name.upper().replace('-', '_')}_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_hint_names_a_program_that_this_shell_finds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name only if .venv is on PATH: `make up` runs in shells where it is not."""
    folder = Path(sys.executable).parent
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("PATH", os.defpath)
    assert locate_program(name) == f"{folder.name}/{name}"
    monkeypatch.chdir(tmp_path)
    assert shlex.split(locate_program(name)) == [str(folder / name)]
    monkeypatch.setenv("PATH", str(folder))
    assert locate_program(name) == name


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_is_installed(name: str) -> None:
    """It runs the files of this folder."""
    shown = subprocess.run([f"{sys.prefix}/bin/{name}", "--help"], check=True, capture_output=True, text=True)
    assert shown.stdout.startswith(f"Usage: {name} ")


def test_quick_commands_import_nothing_slow() -> None:
    """Help and completion answer at once: each command imports its work when it runs."""
    script = "import sys; from digits.__main__ import main; main(['--help']); print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    loaded = set(printed.splitlines()[-1].split())
    assert not loaded & {"numpy", "rich", "httpx", "pulumi", "azureml", "sklearn", "matplotlib", "infra", "starlette"}
