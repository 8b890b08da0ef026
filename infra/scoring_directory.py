"""The files of the scoring directory that travel: without what git ignores and what tools leave, links followed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from digits import git
from infra.configuration import SettingsError

CONDA_FILE = "conda.yml"
ENTRY_SCRIPT = "score.py"
# The conda file goes its own way, as the registered environment, and .env holds secrets. The rest is what tools leave.
# The list also holds with git, for tracked files too. So a clean checkout is the same package without git.
LEFT_OUT = (
    *(CONDA_FILE, "__pycache__", "*.py[co]", "*.egg-info", ".ipynb_checkpoints", ".git", ".gitignore"),
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".coverage", "htmlcov"),
    *(".venv", "venv", ".env", ".idea", ".vscode", ".DS_Store", "._*", "Thumbs.db", "desktop.ini"),
    *("*.sw[op]", "*~", "#*#", ".#*", "*.bak", "*.orig", "*.rej"),
)
_MAX_FILE_BYTES = 50 * 10**6  # each travels through the engine and lies in the release's record


def read(directory: Path) -> dict[str, bytes]:
    """Return contents by relative POSIX path; raises SettingsError for what cannot travel."""
    package = directory.resolve()
    top = git.ask(package, "rev-parse", "--show-toplevel")
    # A repository that ignores the entry script only happens to lie around the project.
    if top and package / ENTRY_SCRIPT not in (ignored := _list_ignored(package)):
        files = _Walk(Path(os.fsdecode(top.removesuffix(b"\n"))), has_git=True).list_files(directory, ignored, ())
    else:
        files = _Walk(package.parent, has_git=False).list_files(directory, frozenset(), ())
    return {path.relative_to(directory).as_posix(): _read(path) for path in files}


def _list_ignored(directory: Path) -> frozenset[Path]:
    """Return the untracked files below that the repository's own .gitignore files name.

    What a user or a machine ignores besides would make the identity differ between machines.
    """
    listed = git.ask(directory, "ls-files", "-z", "--others", "--ignored", "--exclude-per-directory=.gitignore")
    return frozenset(directory / name for name in os.fsdecode(listed or b"").split("\0") if name)


@dataclass(frozen=True)
class _Walk:
    """A walk through a package: a link may lead anywhere below `root`."""

    root: Path
    has_git: bool

    def list_files(self, directory: Path, ignored: frozenset[Path], above: tuple[Path, ...]) -> Iterator[Path]:
        """Yield the package's files; nothing else is left out in silence."""
        here = directory.resolve()
        if here in above:
            raise SettingsError(f"{directory} links to a folder that it lies in: remove the link.")
        for path in _list(directory):
            if any(fnmatchcase(path.name, pattern) for pattern in LEFT_OUT) or here / path.name in ignored:
                continue
            _require_portable(path, self.root)
            if not path.is_dir():
                yield path
            elif not path.is_symlink():
                yield from self.list_files(path, ignored, (*above, here))
            else:
                yield from self._list_linked(path, (*above, here))

    def _list_linked(self, link: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        ignored = _list_ignored(link.resolve()) if self.has_git else frozenset()
        files = list(self.list_files(link, ignored, above))
        if not files:
            raise SettingsError(
                f"{link} links to {link.readlink()}, where no file is part of the package, because it is empty or git "
                f"ignores it: correct or remove the link."
            )
        yield from files


def _list(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        return []  # the missing entry script is named
    except OSError as error:
        raise SettingsError(f"{directory} cannot be read ({error.strerror}): correct its permissions.") from None


def _require_portable(path: Path, root: Path) -> None:
    """Refuse what cannot travel, or would not be the same elsewhere."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise SettingsError(f"{path.as_posix()!a} has a name that is not UTF-8: rename it.") from None
    if path.is_symlink():
        target = path.readlink()
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise SettingsError(f"{path} links to {target}, which leads nowhere: correct or remove the link.") from None
        if not real.is_relative_to(root):
            raise SettingsError(f"{path} links to {target}, outside the repository: copy it into the repository.")
    if not path.is_dir() and not path.is_file():
        raise SettingsError(f"{path} is neither a file nor a folder: remove it, or keep it elsewhere.")


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            raise SettingsError(
                f"{path} has {size / 1e6:.0f} MB, and a file of the scoring package has at most "
                f"{_MAX_FILE_BYTES / 1e6:g} MB: keep it elsewhere, or register it as the model."
            )
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}): correct its permissions.") from None
