"""The commit that a release was made from, as far as git knows."""

from dataclasses import dataclass
from pathlib import Path

from digits import git


@dataclass(frozen=True)
class Commit:
    """A commit's full name, and whether what lies in the directory is something else."""

    name: str
    dirty: bool

    @classmethod
    def read(cls, file: Path) -> "Commit | None":
        """Return the commit of the work tree that the file is tracked in, or None; its whole directory is compared."""
        if git.ask(file.parent, "ls-files", "--error-unmatch", file.name) is None:
            return None
        name = git.ask(file.parent, "rev-parse", "--verify", "HEAD")
        status = git.ask(file.parent, "status", "--porcelain", "--untracked-files=all", ".")
        return None if name is None or status is None else cls(name.decode().strip(), bool(status))
