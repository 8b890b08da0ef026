"""A folder that holds the Pulumi CLI: its files, its least version, and the errors on the way to one.

PulumiUnavailableError      no CLI can be had; the message says what is missing
├─ ReleaseUnreachableError  the download site does not answer
├─ ReleaseRejectedError     the download is not the published file
└─ BuildFailedError         it cannot be built here
"""

from digits.cli import children

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

Report = Callable[[str], None]

VERSION = "3.259.0"
MINIMUM = (3, 238, 0)  # the first engine in which a failing after-hook fails the deployment
LANGUAGE_HOST = "pulumi-language-python"
SCRIPTS = ("pulumi-language-python-exec", "pulumi-resource-pulumi-python")
FILES = ("pulumi", LANGUAGE_HOST, *SCRIPTS)


class PulumiUnavailableError(Exception):
    """No CLI can be had; the message says what is missing."""


class ReleaseUnreachableError(PulumiUnavailableError):
    """The download site does not answer, or has nothing for this platform."""


class ReleaseRejectedError(PulumiUnavailableError):
    """The download is not the published file."""


class BuildFailedError(PulumiUnavailableError):
    """The CLI cannot be built here."""


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Return the three numbers in the output of `pulumi version`, or None."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text.strip())
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def read_version(executable: Path) -> tuple[int, int, int] | None:
    """Ask an executable for its version; None if it does not run or prints something else."""
    try:
        answer = children.run(
            [executable, "version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stdout) if answer.returncode == 0 else None


def is_complete(directory: Path) -> bool:
    """Say whether all four files lie there and can be run."""
    return all(os.access(directory / name, os.X_OK) for name in FILES)


def find_on_path(path: str, report: Report) -> Path | None:
    """Return the folder of the `pulumi` that a shell would run, if it is new enough and speaks Python."""
    found = shutil.which("pulumi", path=path)
    if found is None:
        return None
    version = read_version(Path(found))
    if version is None or version < MINIMUM:
        said = "no version" if version is None else ".".join(map(str, version))
        report(f"{found} says {said} and {'.'.join(map(str, MINIMUM))} or newer is needed: another one is used.")
        return None
    # The engine looks for the language host next to the real file; `pulumi` may be a link to it.
    for directory in (Path(found).parent, Path(found).resolve().parent):
        if (directory / LANGUAGE_HOST).exists():
            return directory
    report(f"{found} has no {LANGUAGE_HOST} next to it: another one is used.")
    return None
