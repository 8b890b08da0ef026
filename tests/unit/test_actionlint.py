"""tools/actionlint: what the linter finds, and what is said where it cannot be built."""

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from tools.actionlint import linter

ROOT = Path(__file__).parents[2]


def lint(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "tools.actionlint", *arguments],
        cwd=ROOT,
        env={**os.environ, "CI": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def built() -> Path:
    """The program of this user's cache, built if need be; without Go these tests say so, and fail only in CI."""
    try:
        return linter.get(platformdirs.user_cache_path("digits") / "actionlint", os.environ["PATH"])
    except linter.MissingError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def test_a_workflow_with_a_mistake_is_found(built: Path, tmp_path: Path) -> None:
    """The linter is the real one: it knows which values GitHub gives and where untrusted ones must not stand."""
    good = tmp_path / "good.yml"
    good.write_text("on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: make check\n")
    assert linter.lint(built, [good])
    bad = tmp_path / "bad.yml"
    bad.write_text(good.read_text().replace("make check", "echo ${{ github.event.pull_request.title }}"))
    answer = lint(str(bad))
    assert answer.returncode == 1
    assert "untrusted" in answer.stdout


def test_it_is_built_once(built: Path) -> None:
    """What is in the cache is taken without Go, as long as the pins are the same."""
    assert linter.get(built.parents[1], path="") == built


def test_a_broken_build_leaves_nothing_to_be_taken_for_the_program(tmp_path: Path) -> None:
    """The name is given to a whole file only, and Go's last words are in the message."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho 'dial tcp: no such host'; exit 1\n")
    go.chmod(0o755)
    with pytest.raises(linter.BuildError, match="dial tcp: no such host"):
        linter.get(tmp_path / "cache", str(go.parent))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 2)])
def test_without_go_it_is_said_and_only_ci_stops(tmp_path: Path, ci: str, code: int) -> None:
    """Nothing is skipped silently; anyone who deploys only to the emulator needs no Go for `make check`."""
    answer = lint(PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path), CI=ci)
    assert answer.returncode == code
    assert answer.stderr.startswith("The workflows were not linted")
    assert "https://go.dev/dl" in answer.stderr
