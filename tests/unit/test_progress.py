"""Progress: a bar that moves on a terminal, one line where there is none."""

from digits.cli.progress_bar import bar

import pytest


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a bar over four steps leaves on stderr."""
    with bar("Scoring digits") as progress:
        for done in range(5):
            progress(done, 4)
    return capsys.readouterr().err


def test_a_log_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No escape codes, no line for each step."""
    assert shown(capsys) == "Scoring digits …\n"


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends full, and is wiped off when the work is done."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    said = shown(capsys)
    assert "4/4" in said
    assert said.endswith("\x1b[2K")
