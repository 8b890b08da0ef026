"""Git's answers about a directory, for a machine that may have no git and a directory that may be in no repository."""

import subprocess
from pathlib import Path

_SECONDS = 10


def ask(directory: Path, *arguments: str) -> bytes | None:
    """Return what a git command prints; None if there is no git, no repository, or no answer in 10 s."""
    try:
        done = subprocess.run(["git", "-C", directory, *arguments], capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
