"""`python -m tools.chromium`: the browser in which the tests open the report; Debian's needs no download of its own.

Exit codes: 0 it is there, 2 it is not.
"""

import digits.cli.interrupt  # before all else, see there
from digits.cli import children

import argparse
import os
import shutil
import subprocess
import sys

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL = (
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"),
)


def is_there() -> bool:
    """Say whether one of the browser's commands is on PATH."""
    return any(shutil.which(name) for name in _NAMES)


def install() -> bool:
    """Install it, as root on Debian; say whether it is there then."""
    if os.getuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing Chromium, in which the tests open the report")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in _INSTALL:
        if children.run(command, env=environment, stdout=subprocess.DEVNULL).returncode != 0:
            return False
    return is_there()


def main() -> int:
    """Install the browser if it is missing and return the exit code."""
    argparse.ArgumentParser(prog="python -m tools.chromium", description=__doc__).parse_args()
    if is_there() or install():
        return 0
    print(
        "The tests open the report in Chromium, which is not on this machine: install it, on Debian with "
        "apt-get install chromium.",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
