"""A conda environment definition, made into a virtual environment on this machine.

Azure builds a container image from conda.yml; here uv makes a venv with the same Python and versions from PyPI, once
per content, in the user's cache. Conda packages that PyPI does not have under the same name cannot be had here.
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

# Azure's inferencing image brings the server itself; azureml-defaults asks for it too, in a version of its own choice.
_SERVER = "azureml-inference-server-http"
_SERVER_REQUIREMENT = f"{_SERVER}==1.5.1"
_BRINGS_SERVER = {_SERVER, "azureml-defaults"}

_CONDA_SPEC = re.compile(r"(?:[\w./-]+::)?(?P<name>[\w.-]+)\s*(?P<constraint>.*)")
# One clause of a constraint: an operator or none, a version, and a build string, which PyPI does not have.
_CLAUSE = re.compile(r"(?P<operator>==|!=|>=|<=|~=|=|>|<|)\s*(?P<version>\d[\w.!+]*?)(?P<any>\.?\*)?(?:[= ][\w.*]+)?")
_PIP_NAME = re.compile(r"[\w.-]+")
_PIP_FILE_OPTIONS = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable", ".", "/")

_OUR_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

_Report = Callable[[str], None]


class EnvironmentFailedError(Exception):
    """The environment could not be made; `lines` is what uv said last."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


def digest(conda: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what the definition asks for: name, prefix and the order of packages do not count."""
    packages, pip = _packages(conda)
    rest = {key: value for key, value in conda.items() if key not in ("name", "prefix", "dependencies") and value}
    content = {**rest, "dependencies": sorted(packages), "pip": sorted(pip)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def build(conda: Mapping[str, Any], report: _Report = lambda _: None) -> Path:
    """Return the venv for this definition, made on the first call for this content and reused ever after.

    Two builders at once both get it; one that is killed leaves nothing that the next would take for finished.
    """
    python, requirements = _translate(conda)
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


def _packages(conda: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the conda packages and the pip requirements."""
    if not isinstance(conda, Mapping):
        raise EnvironmentFailedError(
            f"The conda definition is a {type(conda).__name__}, not a mapping with name and dependencies."
        )
    dependencies = conda.get("dependencies")
    if not isinstance(dependencies, Sequence) or isinstance(dependencies, str) or not dependencies:
        raise EnvironmentFailedError(
            "The conda definition lists no dependencies: add them, with python=3.11 among them."
        )
    packages: list[str] = []
    pip: list[str] = []
    for entry in dependencies:
        if isinstance(entry, str):
            packages.append(entry.strip())
        elif isinstance(entry, Mapping) and set(entry) == {"pip"} and _is_list_of_text(entry["pip"]):
            pip.extend(requirement.strip() for requirement in entry["pip"])
        else:
            raise EnvironmentFailedError(
                f"The conda definition has the dependency {entry!r}: write a package such as python=3.11, "
                f"or pip: with a list of requirements."
            )
    return packages, pip


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _translate(conda: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the Python that uv is to find and the requirements that it is to install."""
    packages, pip = _packages(conda)
    for requirement in pip:
        if requirement.startswith(_PIP_FILE_OPTIONS):
            raise EnvironmentFailedError(
                f"The conda definition's pip section has {requirement!r}: a file does not travel with the definition; "
                f"write the requirements themselves."
            )
    python = _OUR_PYTHON
    requirements = list(pip)
    for spec in packages:
        name, constraint = _conda_requirement(spec)
        if name == "python":
            python = constraint.removeprefix("==").removesuffix(".*") or python
        elif name != "pip":  # conda asks for pip to install the pip section; uv does that here
            requirements.append(name + constraint)
    names = {match[0].lower().replace("_", "-") for text in requirements if (match := _PIP_NAME.match(text))}
    if not names & _BRINGS_SERVER:
        requirements.append(_SERVER_REQUIREMENT)
    return python, requirements


def _conda_requirement(spec: str) -> tuple[str, str]:
    """Return the name and the PEP 440 constraint of a conda package: a=1.2 is any 1.2, a==1.2 is that one."""
    match = _CONDA_SPEC.fullmatch(spec)
    constraint = match["constraint"].strip() if match else spec
    clauses = [_CLAUSE.fullmatch(clause.strip()) for clause in constraint.split(",")] if constraint else []
    if match is None or not all(clauses):
        raise EnvironmentFailedError(
            f"The conda definition has the dependency {spec!r}, whose constraint has no form that is known here: "
            f"write name=1.2, name==1.2.3 or name>=1.2,<2."
        )
    return match["name"].lower(), ",".join(_pep440(clause) for clause in clauses if clause)


def _pep440(clause: re.Match[str]) -> str:
    operator, version = clause["operator"], clause["version"]
    # Only a release number can be a prefix in PEP 440: ==1.0rc1.* is not valid.
    is_prefix = (operator == "=" or clause["any"]) and re.fullmatch(r"[\d.]+", version)
    return f"{'==' if operator in ('', '=') else operator}{version}{'.*' if is_prefix else ''}"


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
    try:
        # Our own interpreter where it fits: uv need not look for one. No download: it would not come from PyPI.
        interpreter = sys.executable if python in (_OUR_PYTHON, platform.python_version()) else python
        lines = _uv(
            ["venv", "--quiet", "--relocatable", "--no-python-downloads", "--python", interpreter, building],
            report,
            lock,
        )
        if lines:
            raise _no_python(python, lines)
        (building / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
        # No --compile-bytecode: it compiles 3,600 files in 4 s, where the first start compiles what it needs in 2 s.
        install: list[str | Path] = [
            "pip",
            "install",
            "--python",
            building / "bin" / "python",
            "-r",
            building / "requirements.txt",
        ]
        lines = _uv(install, report, lock)
        if lines:
            raise _not_installed(lines)
        building.rename(venv)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _uv(arguments: Sequence[str | Path], report: _Report, lock: TextIO) -> list[str]:
    """Run uv, reporting its lines; return the lines of its error, or none when all went well."""
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
    if process.returncode == 0:
        return []
    starts = [at for at, line in enumerate(lines) if line.startswith("error:")]
    return lines[starts[0] if starts else 0 :] or [f"uv ended with exit code {process.returncode}"]


def _no_python(python: str, lines: Sequence[str]) -> EnvironmentFailedError:
    return EnvironmentFailedError(
        f"The conda definition asks for Python {python}, which is not on this machine: install it "
        f"(uv python install {python}), or ask for python={_OUR_PYTHON}.",
        lines,
    )


def _not_installed(lines: Sequence[str]) -> EnvironmentFailedError:
    words = [line.strip().removeprefix("error: ").removeprefix("cause: ") for line in lines]
    text = " ".join(word for word in words if word.strip("^"))
    if "No solution found" in text:
        reason = text.partition("No solution found when resolving dependencies ")[2]
        return EnvironmentFailedError(f"The conda definition cannot be solved: {reason}", lines)
    if "Failed to fetch" in text or "error sending request" in text:
        return EnvironmentFailedError(
            f"The scoring environment's packages cannot be downloaded, is the network there? {text}", lines
        )
    if "No space left on device" in text:
        return EnvironmentFailedError(
            f"The scoring environment cannot be installed, the disk is full: free some of "
            f"{platformdirs.user_cache_path('digits')}, or choose another folder with XDG_CACHE_HOME.",
            lines,
        )
    text = re.sub(r" in `[^`]*` at position \d+", ":", text)
    return EnvironmentFailedError(f"The scoring environment cannot be installed: {text}", lines)
