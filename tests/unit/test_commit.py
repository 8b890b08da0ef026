"""The commit of a release: named where git knows the files, and null where it does not."""

import subprocess
from pathlib import Path

import pytest

from infra.commit import Commit


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an entry script in a directory of a repository, committed."""
    for name, value in {"NAME": "Ada", "EMAIL": "ada@example.org"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    script = tmp_path / "scoring" / "score.py"
    script.parent.mkdir()
    script.write_text("def init(): pass\n")
    (tmp_path / "README.md").write_text("A repository.\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    return script


def git(directory: Path, *arguments: str) -> str:
    """Run git and return what it printed."""
    return subprocess.run(["git", "-C", directory, *arguments], check=True, capture_output=True, text=True).stdout


def test_committed_files_are_their_commit(script: Path) -> None:
    """A change elsewhere in the repository is none of the scoring files'."""
    (script.parents[1] / "README.md").write_text("Another text.\n")
    assert Commit.read(script) == Commit(git(script.parent, "rev-parse", "HEAD").strip(), dirty=False)


@pytest.mark.parametrize("name", ["score.py", "new.py"])
def test_what_differs_from_the_commit_is_said(script: Path, name: str) -> None:
    """A changed file, and one that was never committed."""
    script.with_name(name).write_text("import json\n")
    found = Commit.read(script)
    assert found is not None
    assert found.dirty


def test_files_that_git_does_not_know_have_no_commit(script: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No repository at all; or one that happens to lie around files of somebody else's."""
    outside = tmp_path_factory.mktemp("outside") / "score.py"
    outside.touch()
    assert Commit.read(outside) is None
    foreign = script.with_name("foreign") / "score.py"
    foreign.parent.mkdir()
    foreign.touch()
    assert Commit.read(foreign) is None


def test_a_machine_without_git_has_no_commit(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The release is recorded all the same."""
    monkeypatch.setenv("PATH", "")
    assert Commit.read(script) is None
