"""A conda environment definition, made into a virtual environment on this machine.

Azure builds a container image from conda.yml. Here uv makes a venv with the same Python, and the same versions from
PyPI, once for each content, in the user's cache.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import platformdirs

from digits.runtime.conda import DEFAULTS_REQUIREMENT, EnvironmentFailedError, conda_names, digest, translate, variables
from digits.runtime.interpreters import UV, Interpreter, choose

__all__ = ["EnvironmentFailedError", "build", "digest", "variables"]

_Report = Callable[[str], None]
_OUR_COPY = re.compile(r" in `[^`]*requirements\.txt`( at position \d+)?")  # gone by then
_PLACE = re.compile(r"(: | for url \()(?P<place>[^\s()`]*/[^\s()`]+)\)?$")
_SEEDS = ("pip", "setuptools")  # conda's environments have them, and old packages need them
_LINES = 20  # of uv, which passes on hundreds from a compiler
_LENGTH = 600  # of a resolver's explanation, which may take pages


class _UvError(Exception):
    """uv failed; `lines` is what it said from its "error:" on."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self.lines = lines


def build(conda: Mapping[str, Any], report: _Report = lambda _: None, note: _Report | None = None) -> Path:
    """Return the venv for this definition, made on the first call for this content and reused ever after.

    Two builders at once both get it. A builder that is killed leaves nothing that looks finished.
    If the Python is not the one asked for, `note` gets the sentence about it, or else `report`.
    """
    wanted, requirements = translate(conda, report)
    python = choose(wanted, note or report)
    environments = platformdirs.user_cache_path("digits") / "environments"
    venv = (
        environments / hashlib.sha256(json.dumps([python.name, sorted([*requirements, *_SEEDS])]).encode()).hexdigest()
    )
    if _is_usable(venv):
        return venv
    try:
        environments.mkdir(parents=True, exist_ok=True)
        with _lock(venv.with_suffix(".lock"), report) as lock:
            if not _is_usable(venv):
                report(f"Building the scoring environment for Python {python.name}, once; usually 5 to 60 s.")
                _make(venv, python, requirements, report, lock)
    except _UvError as error:
        raise EnvironmentFailedError(_reason(error.lines, python, conda_names(conda)), error.lines[-_LINES:]) from None
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


def _make(venv: Path, python: Interpreter, requirements: Sequence[str], report: _Report, lock: TextIO) -> None:
    """Build next to the final place and rename, so that the final place holds only whole environments."""
    building = venv.with_suffix(".building")
    for leftover in (building, venv):
        if leftover.exists():
            shutil.rmtree(leftover)
    # No download: it would not come from PyPI.
    create: list[str | Path] = ["venv", "--quiet", "--relocatable", "--no-python-downloads"]
    # No --compile-bytecode: it takes 5.5 s for 3,600 files, and the first start compiles what it needs in 4 s.
    install: list[str | Path] = ["pip", "install", "--python", building / "bin" / "python"]
    wanted = building / "requirements.txt"
    try:
        _uv([*create, "--python", python.path, building], report, lock)
        wanted.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        # As pip does: the best version of all indexes, not the first index that has one.
        _uv([*install, "--index-strategy", "unsafe-best-match", "--requirement", wanted, *_SEEDS], report, lock)
        building.rename(venv)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _uv(arguments: Sequence[str | Path], report: _Report, lock: TextIO) -> None:
    """Run uv and report its lines, up to its error."""
    process = subprocess.Popen(
        [UV, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "COLUMNS": "10000"},  # or uv breaks its sentences into lines
        cwd=Path(lock.name).parent,  # not the caller's: a pyproject.toml there may configure uv
        pass_fds=[lock.fileno()],  # the lock holds until uv has ended, even when we are killed
    )
    lines: list[str] = []
    with process:
        for line in (_OUR_COPY.sub("", said.rstrip()) for said in process.stderr or ()):
            if lines or line.startswith("error:"):
                lines.append(line)
            elif not line.startswith((" ", "Using Python")):
                report(line)
    if process.returncode:
        raise _UvError(lines)


def _reason(lines: Sequence[str], python: Interpreter, conda: set[str]) -> str:
    """Return uv's error as one sentence that names the way out."""
    words = [line.strip().removeprefix("error: ").removeprefix("cause: ") for line in lines]
    text = _join(lines)
    if "No solution found" in text:
        return _unsolvable(text.partition("resolving dependencies: ")[2].partition("hint: ")[0].strip(), conda)
    if "No space left on device" in text:
        return (
            f"The scoring environment cannot be installed, the disk is full: free some of "
            f"{platformdirs.user_cache_path('digits')}, or choose another folder with XDG_CACHE_HOME."
        )
    if "Failed to fetch" in text or "error sending request" in text:
        return f"The scoring environment's packages cannot be downloaded, is the network there? {text}"
    if built := re.match(r"Failed to (?:build|download and build) `([^`]+)`", text):
        return (
            f"{built[1]} has no wheel for Python {python.name}, and cannot be built here ({_complaint(words)}): "
            f"ask for a version that has one, or for the Python that this one is for."
        )
    return f"The scoring environment cannot be installed: {text}"


def _join(lines: Sequence[str]) -> str:
    """Return uv's error and its causes on one line; a file or an address that was named before is left out."""
    text = ""
    for line in map(str.strip, lines):
        cause = line.removeprefix("error: ").removeprefix("cause: ")
        again = _PLACE.search(cause)
        if again and again["place"].rpartition("/")[2] in text:
            cause = cause[: again.start()]
        if cause.strip("^"):
            text += f"{': ' if line.startswith('cause: ') else ' '}{cause}"
    return text.lstrip(": ")


def _unsolvable(text: str, conda: set[str]) -> str:
    missing = re.match(r"Because (\S+) was not found in the package registry", text)
    if missing and missing[1] in conda:
        return (
            f"The conda definition asks for the conda package {missing[1]}, but packages come from PyPI here, which "
            f"has none of that name: list it under pip, by the name that it has on PyPI."
        )
    if len(text) > _LENGTH:  # the last conclusion, and what it stands against
        *_, before, last = re.split(r"(?:And )?[Bb]ecause (?=.)", text)
        text = f"{before.rpartition('we can conclude that ')[2].strip()}; and because {last}"
    if DEFAULTS_REQUIREMENT in text:
        text += f" ({DEFAULTS_REQUIREMENT}: older ones bring no inference server that runs here.)"
    return f"The conda definition cannot be solved: {text}"


def _complaint(words: Sequence[str]) -> str:
    """Return the line of a failed build that says most."""
    output = words[_index(words, "[std") + 1 : _index(words, "hint:")] or words
    said = [word for word in output if word.strip("^~ ")]
    errors = [word for word in said if re.search(r"error\b", word, re.IGNORECASE)]
    telling = [word for word in errors if not re.match(r"(error: )?(command|subprocess)", word)]
    return (telling or errors or said)[-1].rstrip(".")


def _index(words: Sequence[str], start: str) -> int:
    return next((at for at, word in enumerate(words) if word.startswith(start)), len(words))
