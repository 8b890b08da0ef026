"""A conda environment definition, made into a virtual environment on this machine.

Azure builds a container image from conda.yml; here uv makes a venv with the same Python and versions from PyPI, once
per content, in the user's cache.
"""

import fcntl
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import platformdirs
import uv

from runtime.conda import OUR_PYTHON, EnvironmentFailedError, digest, translate, variables

__all__ = ["EnvironmentFailedError", "build", "digest", "variables"]

_Report = Callable[[str], None]


def build(conda: Mapping[str, Any], report: _Report = lambda _: None) -> Path:
    """Return the venv for this definition, made on the first call for this content and reused ever after.

    Two builders at once both get it; one that is killed leaves nothing that the next would take for finished.
    """
    python, requirements = translate(conda)
    environments = platformdirs.user_cache_path("digits") / "environments"
    venv = environments / hashlib.sha256(json.dumps([python, sorted(requirements)]).encode()).hexdigest()
    if _is_usable(venv):
        return venv
    try:
        environments.mkdir(parents=True, exist_ok=True)
        with _lock(venv.with_suffix(".lock"), report) as lock:
            if not _is_usable(venv):
                report(f"Building the scoring environment for Python {python}, once; usually 5 to 60 s.")
                _make(venv, python, requirements, report, lock)
    except OSError as error:
        raise EnvironmentFailedError(
            f"The scoring environment cannot be written to {environments}: {error.strerror or error}."
        ) from error
    return venv


def _is_usable(venv: Path) -> bool:
    # The link to an interpreter that was since removed does not exist.
    return (venv / "bin" / "python").exists()


@contextmanager
def _lock(path: Path, report: _Report) -> Iterator[TextIO]:
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Waiting for another process that builds the same scoring environment.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _make(venv: Path, python: str, requirements: Sequence[str], report: _Report, lock: TextIO) -> None:
    """Build beside the final place and rename: what stands there is whole."""
    building = venv.with_suffix(".building")
    for leftover in (building, venv):
        if leftover.exists():
            shutil.rmtree(leftover)
    # Our own interpreter where it fits: uv need not look for one. No download: it would not come from PyPI.
    interpreter = sys.executable if python in (OUR_PYTHON, platform.python_version()) else python
    create: list[str | Path] = [
        "venv",
        "--quiet",
        "--relocatable",
        "--no-python-downloads",
        "--python",
        interpreter,
        building,
    ]
    # No --compile-bytecode: it takes 5.5 s for 3,600 files, and the first start compiles what it needs in 4 s.
    wanted = building / "requirements.txt"
    install: list[str | Path] = ["pip", "install", "--python", building / "bin" / "python", "--requirement", wanted]
    try:
        _uv(create, python, report, lock)
        wanted.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        _uv(install, python, report, lock)
        building.rename(venv)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _uv(arguments: Sequence[str | Path], python: str, report: _Report, lock: TextIO) -> None:
    """Run uv and report its lines."""
    process = subprocess.Popen(
        [uv.find_uv_bin(), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=Path(lock.name).parent,  # not the caller's: a pyproject.toml there may configure uv
        pass_fds=[lock.fileno()],  # the lock holds until uv has ended, even when we are killed
    )
    lines = []
    with process:
        for line in process.stderr or ():
            lines.append(line.rstrip())
            if not line.startswith((" ", "error:", "Using Python")):
                report(line.rstrip())
    if process.returncode:
        starts = [at for at, line in enumerate(lines) if line.startswith("error:")]
        raise EnvironmentFailedError(_reason(lines[starts[0] if starts else 0 :], python), lines)


def _reason(lines: Sequence[str], python: str) -> str:
    """Return uv's error as one sentence that names the way out."""
    words = [line.strip().removeprefix("error: ").removeprefix("cause: ") for line in lines]
    text = " ".join(word for word in words if word.strip("^"))
    if "No interpreter found" in text or "Failed to inspect Python interpreter" in text:
        return (
            f"The conda definition asks for Python {python}, which is not on this machine: install it "
            f"(uv python install {python}), or ask for python={OUR_PYTHON}."
        )
    if "No solution found" in text:
        return f"The conda definition cannot be solved: {text.partition('resolving dependencies ')[2]}"
    if "No space left on device" in text:
        return (
            f"The scoring environment cannot be installed, the disk is full: free some of "
            f"{platformdirs.user_cache_path('digits')}, or choose another folder with XDG_CACHE_HOME."
        )
    if "Failed to fetch" in text or "error sending request" in text:
        return f"The scoring environment's packages cannot be downloaded, is the network there? {text}"
    where = re.compile(r" in `[^`]*` at position \d+")  # our own copy of the requirements, gone by then
    return f"The scoring environment cannot be installed: {where.sub(':', text)}"
