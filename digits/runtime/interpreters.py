"""The Pythons of this machine, and the choice of one for a conda definition.

conda has every patch of every Python. Here another patch of the same minor version will do. If a minor version is not
here, NEAREST_PYTHON in the environment allows the nearest one. Each choice other than the one asked for is reported.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uv
from packaging.specifiers import SpecifierSet

from digits.runtime.conda import OUR_PYTHON, EnvironmentFailedError

# Found at import, before there are threads: sysconfig fills its cache without a lock, so that a second thread may read
# a half-filled one.
UV = uv.find_uv_bin()

NEAREST_PYTHON = "AZUREML_EMULATOR_NEAREST_PYTHON"
_OLDEST = (3, 8)  # gunicorn_config.py and today's inference servers need it
_MINORS = range(100)
_PATCHES = range(100)
_SECONDS = 60
_INSTALLABLE = re.compile(r"3(\.\d+){0,2}")
_RELEASE = re.compile(r"3\.\d+\.\d+")


@dataclass(frozen=True, order=True)
class Interpreter:
    """A CPython of this machine."""

    version: tuple[int, ...]
    path: str

    @property
    def name(self) -> str:
        """Its version as people write it, 3.11.7."""
        return ".".join(map(str, self.version))


def choose(wanted: str, report: Callable[[str], None]) -> Interpreter:
    """Return the interpreter for a conda definition's Python (3.10, 3.10.18, >=3.9,<3.12)."""
    fits = _specifier(wanted)
    own = Interpreter(tuple(sys.version_info[:3]), sys.executable)
    if own.name in fits:  # nothing to look for
        return own
    found = sorted({own, *find()}, reverse=True)
    usable = [each for each in found if each.version >= _OLDEST]
    asks = f"The conda definition asks for Python {wanted}"
    for each in usable:
        if each.name in fits and _runs(each):
            return each
    minors = [minor for minor in _MINORS if any(f"3.{minor}.{patch}" in fits for patch in _PATCHES)]
    is_too_old = max(minors, default=0) < _OLDEST[1] and _takes_older(fits)
    for each in usable:
        if each.version[1] in minors and _runs(each):
            report(f"{asks}; Python {each.name} is on this machine and is taken.")
            return each
    if nearest_is_allowed():
        for each in sorted(
            usable,
            key=lambda each: min(
                abs(each.version[1] - minor) for minor in minors or [0 if is_too_old else _MINORS[-1]]
            ),
        ):
            if _runs(each):
                report(
                    f"WARNING: {asks}, which is not here. Python {each.name} is taken in its place, as "
                    f"{NEAREST_PYTHON} allows: packages may have other versions, and a model may not load."
                )
                return each
    raise EnvironmentFailedError(_refuse(asks, wanted, usable, is_too_old=is_too_old))


def find() -> list[Interpreter]:
    """Return the Pythons that are installed; one may appear more than once."""
    return [*_from_uv(), *_from_pyenv()]


def _refuse(asks: str, wanted: str, usable: list[Interpreter], *, is_too_old: bool) -> str:
    here = ", ".join(f"3.{minor}" for minor in sorted({each.version[1] for each in usable}))
    ways = (
        f"ask for python={OUR_PYTHON}, or allow the nearest of {here} with "
        f"`azureml-emulator start --nearest-python` or {NEAREST_PYTHON}=1."
    )
    if is_too_old:
        return f"{asks}, on which the inference server does not run here, as it needs 3.8 or newer: {ways}"
    install = f"install it (uv python install {wanted}), " if _INSTALLABLE.fullmatch(wanted) else ""
    return f"{asks}, which is not on this machine: {install}{ways}"


def _takes_older(fits: SpecifierSet) -> bool:
    """Return whether the definition takes a Python older than the oldest one that runs here, such as 2.7."""
    older = [f"{major}.{minor}" for major in range(_OLDEST[0] + 1) for minor in range(_OLDEST[1])]
    return any(f"{each}.{patch}" in fits for each in older for patch in _PATCHES)


def nearest_is_allowed() -> bool:
    """Return whether the user allows the nearest minor version."""
    return os.environ.get(NEAREST_PYTHON, "").lower() not in {"", "0", "false", "no"}


def _specifier(wanted: str) -> SpecifierSet:
    if not re.fullmatch(r"[\d.]+", wanted):
        return SpecifierSet(wanted)
    return SpecifierSet(f"=={wanted}" if wanted.count(".") > 1 else f"=={wanted}.*")


def _from_uv() -> list[Interpreter]:
    """Return the Pythons that uv finds: its own, and those on PATH that run; a shim that fails does not count."""
    # pyenv's shims run only the version that is switched on, and each takes a quarter of a second to refuse.
    path = [
        entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry) != _pyenv() / "shims"
    ]
    done = subprocess.run(
        [UV, "python", "list", "--no-config", "--only-installed", "--output-format", "json"],
        env={**os.environ, "PATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    found = [] if done.returncode else json.loads(done.stdout)
    return [
        Interpreter(tuple(map(int, each["version"].split("."))), each["path"])
        for each in found
        if _RELEASE.fullmatch(each["version"]) and (each["implementation"], each["variant"]) == ("cpython", "default")
    ]


def _from_pyenv() -> list[Interpreter]:
    """Return the Pythons that pyenv has installed, switched on or not."""
    return [
        Interpreter(tuple(map(int, folder.name.split("."))), str(folder / "bin" / "python"))
        for folder in (_pyenv() / "versions").glob("3.*")
        if _RELEASE.fullmatch(folder.name)
    ]


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _runs(interpreter: Interpreter) -> bool:
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    try:
        done = subprocess.run(
            [interpreter.path, "-I", "-c", code], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except OSError:
        return False
    return done.stdout.strip() == interpreter.name
