"""A throw-away copy of the project, as git would commit it now, with a shell of its own that shares only the .venv.

What runs in it meets nothing of this checkout's or of another one's: its emulators take free ports.
"""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Variables of another deployment, of the make or git that calls, and what the Makefile takes from the environment.
_OTHERS = ("PULUMI_", "AZURE", "ARM_", "MSI_", "DIGITS_", "MAKE", "MFLAGS", "GIT_")
_CHOICES = ("STACK", "VERBOSE", "FROM", "TO", "RELEASE", "YES", "FORMAT", "SERVICE", "DIRECTORY", "IMAGE")


def make(directory: Path) -> dict[str, str]:
    """Copy the project there and return the variables of a shell that knows no other deployment."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, directory / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (directory / ".venv").symlink_to(ROOT / ".venv")
    (directory / ".state").mkdir()
    kept = clean_environment()
    return {
        **kept,
        "PATH": f"{ROOT / '.venv/bin'}:{kept['PATH']}",
        "PULUMI_HOME": str(directory / ".pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def clean_environment() -> dict[str, str]:
    """Return this shell's variables without those of another deployment, for emulators that take free ports."""
    left_out = {"PYTHONDONTWRITEBYTECODE", *_CHOICES}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS) and name not in left_out}
    return {**kept, "EMULATOR_PORT": "0"}
