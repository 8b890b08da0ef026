"""Which files of the scoring directory travel: with git, without it, and through links."""

import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from infra import scoring_directory
from infra.configuration import SettingsError
from infra.scoring_package import ScoringPackage, unpack
from infra.scoring_package import write as write_files


@pytest.fixture
def scoring(tmp_path: Path) -> Path:
    """Return a scoring directory in a repository: its own and the repository's .gitignore name what stays behind."""
    write(tmp_path / "project" / ".gitignore", "*.log\nbuild/\n")
    scoring = tmp_path / "project" / "service" / "scoring"
    write(scoring / "score.py")
    write(scoring / ".gitignore", "notes/\n!kept.log\n")
    git(tmp_path / "project", "init", "-q")
    git(tmp_path / "project", "add", ".")
    return scoring


def git(directory: Path, *arguments: str) -> None:
    """Run git."""
    subprocess.run(["git", "-C", directory, *arguments], check=True, capture_output=True)


def write(path: Path, text: str = "x\n") -> None:
    """Write a file and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names(scoring: Path) -> set[str]:
    """Return the names of what travels."""
    return set(scoring_directory.read(scoring))


def test_what_the_repository_ignores_stays_behind(scoring: Path) -> None:
    """By any of its .gitignore files; a new file that none of them names travels before it is committed."""
    for name in ("run.log", "notes/a.txt", "build/m.py", "sub/é\n.log", "kept.log", "sub/new.py", "data.tmp"):
        write(scoring / name)
    (scoring / "link.log").symlink_to("nowhere")
    assert names(scoring) == {"score.py", "kept.log", "sub/new.py", "data.tmp"}


def test_what_is_tracked_travels(scoring: Path) -> None:
    """A checkout has it, whatever .gitignore says."""
    write(scoring / "run.log")
    git(scoring, "add", "--force", "run.log")
    assert names(scoring) == {"score.py", "run.log"}


def test_what_one_machine_ignores_travels(scoring: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Otherwise the same files would be another package on the next machine."""
    write(scoring / "rows.csv")
    write(scoring / "weights.npy")
    write(scoring.parents[1] / ".git" / "info" / "exclude", "*.csv\n")
    write(tmp_path / "excludes", "*.npy\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    write(tmp_path / "gitconfig", f"[core]\nexcludesFile = {tmp_path / 'excludes'}\n")
    assert names(scoring) == {"score.py", "rows.csv", "weights.npy"}


def test_a_clean_checkout_is_the_same_without_git(scoring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracked files that look like a tool's are left out on both sides, and tracked files that are ignored on none."""
    write(scoring / "score.py.bak")
    write(scoring / "run.log")
    git(scoring, "add", "--force", ".")
    with_git = scoring_directory.read(scoring)
    monkeypatch.setenv("PATH", "")
    assert scoring_directory.read(scoring) == with_git
    assert set(with_git) == {"score.py", "run.log"}


def test_a_repository_around_the_project_has_no_say(scoring: Path) -> None:
    """A home directory under git ignores all that it does not name."""
    write(scoring.parents[1] / ".gitignore", "*\n")
    git(scoring, "rm", "-rq", "--cached", ".")
    write(scoring / "rows.py")
    assert names(scoring) == {"score.py", "rows.py"}


def test_links_lead_anywhere_in_the_repository(scoring: Path) -> None:
    """What git ignores in a linked folder stays behind too."""
    shared = scoring.parents[1] / "shared"
    write(shared / "rows.py", "linked\n")
    write(shared / "run.log")
    (scoring / "shared").symlink_to("../../shared")
    (scoring / "rows.py").symlink_to("../../shared/rows.py")
    files = scoring_directory.read(scoring)
    assert set(files) == {"score.py", "shared/rows.py", "rows.py"}
    assert files["shared/rows.py"] == files["rows.py"] == b"linked\n"


def test_a_link_out_of_the_repository_is_refused(scoring: Path, tmp_path: Path) -> None:
    """Another machine does not have what it leads to."""
    write(tmp_path / "other" / "m.py")
    (scoring / "other").symlink_to(tmp_path / "other")
    with pytest.raises(SettingsError, match="outside the repository"):
        names(scoring)


def test_a_link_to_an_ignored_folder_is_refused(scoring: Path) -> None:
    """It would lead nowhere in a clean checkout, and nothing is left out in silence."""
    write(scoring.parents[1] / "build" / "m.py")
    (scoring / "made").symlink_to("../../build")
    with pytest.raises(SettingsError, match=r"/made links to \.\./\.\./build, where no file is part of the package"):
        names(scoring)


def test_an_environment_file_stays_behind_without_git_too(scoring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds secrets."""
    write(scoring / ".env", "PASSWORD=x\n")
    assert names(scoring) == {"score.py"}
    monkeypatch.setenv("PATH", "")
    assert names(scoring) == {"score.py"}


def test_a_page_tells_all_that_stays_behind() -> None:
    """The table of docs/scoring-package.md names every pattern of the list."""
    page = (Path(__file__).parents[2] / "docs" / "scoring-package.md").read_text()
    said = set(re.findall(r"`([^`]+)`", page.partition("| left out |")[2].partition("\n\n")[0]))
    for pattern in scoring_directory.LEFT_OUT:
        assert any(fnmatchcase(name, pattern) for name in said), pattern


def test_linked_bytes_are_in_the_asset_and_unpacked_from_it(scoring: Path, tmp_path: Path) -> None:
    """A linked folder arrives as plain files, which the entry script can import."""
    write(scoring / "score.py", "from shared.rows import NAME\ndef init(): pass\ndef run(raw): return NAME\n")
    write(scoring.parents[1] / "shared" / "rows.py", "NAME = 'linked'\n")
    (scoring / "shared").symlink_to("../../shared")
    package = ScoringPackage.read(scoring, {"model": {}})
    write_files(unpack(package.archive, package.digest), tmp_path / "unpacked")
    assert (tmp_path / "unpacked/shared/rows.py").read_text() == "NAME = 'linked'\n"
    assert not (tmp_path / "unpacked/shared").is_symlink()
    ran = subprocess.run(
        [sys.executable, "-c", "import score; print(score.run(b''))"],
        cwd=tmp_path / "unpacked",
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "linked\n"
