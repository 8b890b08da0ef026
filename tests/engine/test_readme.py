"""The commands for the deployed service, run as README and docs/scoring-api.md show them."""

import os
import pty
import re
import signal
import subprocess
from pathlib import Path
from select import select

import numpy as np
import pytest
from PIL import Image

from digits.datasets import load
from tests.engine.project import ROOT, Project

PAGES = [(ROOT / name).read_text() for name in ("README.md", "docs/scoring-api.md")]
CURL = [block for page in PAGES for block in re.findall(r"(?:^ {4}.*\n)+", page, re.MULTILINE) if "curl" in block]


@pytest.fixture
def picture(project: Project) -> Path:
    """A seven in black on white, of another size than the service takes."""
    test = load("digits", "test")
    seven = test.images[np.flatnonzero(test.labels == 7)[0]].reshape(28, 28)
    path = project.directory / "digit.png"
    Image.fromarray(255 - np.pad(np.array(Image.fromarray(seven).resize((224, 224))), 30)).save(path)
    return path


def test_every_request_by_hand_is_answered_as_the_pages_say(project: Project) -> None:
    """Rows as JSON, rows as bytes: the last line of each block is what the others print."""
    assert len(CURL) == 2
    for block in CURL:
        *commands, answer = [line[4:] for line in block.splitlines() if "eval " not in line]
        assert project.run("bash", "-c", "\n".join(commands)).stdout == answer
    (project.directory / "rows").unlink()


def test_make_smoke_evaluates_the_stack_s_service(project: Project) -> None:
    """With the stack's URI, key, data and thresholds, and a report of its own next to the gate's."""
    ended = project.run("make", "smoke")
    page = project.directory / "reports" / "dev" / "smoke" / "report.html"
    assert ended.stdout.startswith("PASSED  Accuracy 0.9")
    assert ended.stdout.splitlines()[-1] == str(page.relative_to(project.directory))
    assert "sklearn_mnist:1" in page.read_text()
    assert project.outputs()["primaryKey"] not in ended.stdout + ended.stderr + page.read_text()


def test_make_predict_draws_the_digit_and_says_what_it_is(project: Project, picture: Path) -> None:
    """On the stack that is deployed, with its own key; a picture that is none is exit 2 and one sentence."""
    *drawn, said = project.run("make", "predict", f"IMAGE={picture.name}").stdout.splitlines()
    assert len(drawn) == 14
    assert re.fullmatch(r"7, \d+ % sure", said)
    refused = project.run("make", "predict", "IMAGE=README.md", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "error: README.md is not a picture that is read here: " in refused.stderr
    picture.unlink()


def test_make_logs_follows_on_a_terminal_until_ctrl_c(project: Project) -> None:
    """Each line with its time, a request that is made meanwhile too; elsewhere it ends with what there is."""
    printed = project.run("make", "logs").stdout
    assert all(re.match(r"\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line) for line in printed.splitlines())
    terminal, end = pty.openpty()
    with subprocess.Popen(
        ["make", "logs"],
        cwd=project.directory,
        env=project.environment,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    ) as process:
        os.close(end)
        try:
            shown = _read_until(terminal, printed.splitlines()[-1])
            assert project.run("make", "smoke").returncode == 0
            shown += _read_until(terminal, '"rows": ')
            os.killpg(process.pid, signal.SIGINT)
            shown += _read_until(terminal, "Interrupted.")
            assert process.wait(timeout=30) != 0
        finally:
            process.kill()
            os.close(terminal)
    assert "Traceback" not in shown


def _read_until(terminal: int, text: str) -> str:
    """Return what the terminal shows up to this text."""
    shown = ""
    while text not in shown:
        assert select([terminal], [], [], 60)[0], shown
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown
