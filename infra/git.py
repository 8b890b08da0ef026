"""What git says about a directory, where there is git and a repository."""

import subprocess
from pathlib import Path

_SECONDS = 10


def ask(directory: Path, *arguments: str) -> str | None:
    """Return what a git command prints; None if there is no git, no repository, or no answer in 10 s."""
    try:
        done = subprocess.run(
            ["git", "-C", directory, *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",  # as Python names files
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
