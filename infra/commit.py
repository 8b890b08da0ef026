"""The commit that a release was made from, if git knows the files."""

from dataclasses import dataclass
from pathlib import Path

from digits import git


@dataclass(frozen=True)
class Commit:
    """A commit's full name, and whether the files in the directory differ from it."""

    name: str
    dirty: bool

    @classmethod
    def read(cls, file: Path) -> "Commit | None":
        """Return the commit, compared with the file's whole directory; None if git does not track the file."""
        if git.ask(file.parent, "ls-files", "--error-unmatch", file.name) is None:
            return None
        name = git.ask(file.parent, "rev-parse", "--verify", "HEAD")
        status = git.ask(file.parent, "status", "--porcelain", "--untracked-files=all", ".")
        return None if name is None or status is None else cls(name.decode().strip(), bool(status))
