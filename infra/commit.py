"""The commit that a release was made from, as far as git knows."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 10


@dataclass(frozen=True)
class Commit:
    """A commit's full name, and whether what lies in the directory is something else."""

    name: str
    dirty: bool

    @classmethod
    def read(cls, file: Path) -> "Commit | None":
        """Return the commit of the work tree that the file is tracked in, or None; its whole directory is compared."""
        if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
            return None
        name = _git(file.parent, "rev-parse", "--verify", "HEAD")
        status = _git(file.parent, "status", "--porcelain", "--untracked-files=all", ".")
        return None if name is None or status is None else cls(name.strip(), bool(status))


def _git(directory: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", directory, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # no git here, or none that answers: the release says so by null
        return None
    return done.stdout if done.returncode == 0 else None
