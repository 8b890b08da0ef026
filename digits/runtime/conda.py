"""A conda environment definition, by its content and in the terms of PyPI.

Conda packages come from PyPI under their own name. Packages that only conda has, such as compilers, are missing here.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

OUR_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# Azure's inferencing image brings the server itself; azureml-defaults asks for it too, in a version of its own choice.
_SERVER = "azureml-inference-server-http"
_SERVER_REQUIREMENT = f"{_SERVER}==1.5.1"
_BRINGS_SERVER = {_SERVER, "azureml-defaults"}
# Its older releases bring another server, and a resolver that takes any solution ends at them.
DEFAULTS_REQUIREMENT = "azureml-defaults>=1.34"

_CONDA_SPEC = re.compile(r"(?:[\w./-]+::)?(?P<name>[\w.-]+)\s*(?P<constraint>.*)")
# One clause of a constraint: an operator or none, a version, and a build string, which PyPI does not have.
_CLAUSE = re.compile(r"(?P<operator>==|!=|>=|<=|~=|=|>|<|)\s*(?P<version>\d[\w.!+]*?)(?P<any>\.?\*)?(?:[= ][\w.*]+)?")
_PIP_NAME = re.compile(r"[\w.-]+")
_PIP_FILE_OPTIONS = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable", ".", "/")
_INDEX = re.compile(r"(?P<option>--index-url|-i|--extra-index-url|--find-links|-f)(?:\s*=\s*|\s+)(?P<url>\S+)")
_PYPI = re.compile(r"(?:[\w-]+\.)*(?:pypi(?:\.python)?|pythonhosted)\.org")
# uv reads these options, or leaves them out and says so. It refuses any other one.
_OPTIONS = re.compile(r"--(pre|prefer-binary|trusted-host|no-binary|only-binary|no-index|require-hashes|use-feature)\b")


class EnvironmentFailedError(Exception):
    """The environment could not be made; `lines` are the last lines of uv."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


def digest(conda: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the definition's content: name, prefix and the order of packages do not count."""
    packages, pip = _packages(conda)
    rest = {key: value for key, value in conda.items() if key not in ("name", "prefix", "dependencies") and value}
    content = {**rest, "dependencies": sorted(packages), "pip": sorted(pip)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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


def variables(conda: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables that the definition sets."""
    found = conda.get("variables") or {}
    if not isinstance(found, Mapping):
        raise EnvironmentFailedError(f"The conda definition has variables {found!r}: write names with their values.")
    return {str(name): str(value) for name, value in found.items()}


def translate(conda: Mapping[str, Any], report: Callable[[str], None] = lambda _: None) -> tuple[str, list[str]]:
    """Return the Python for uv to find and the requirements for it to install; report lines that are left out."""
    packages, pip = _packages(conda)
    python = OUR_PYTHON
    requirements = list(_pip_requirements(pip, report))
    for spec in packages:
        name, constraint = _conda_requirement(spec)
        if name == "python":
            python = constraint.removeprefix("==").removesuffix(".*") or python
        elif name != "pip":  # conda asks for pip to install the pip section; uv does that here
            requirements.append(name + constraint)
    names = {match[0].lower().replace("_", "-") for text in requirements if (match := _PIP_NAME.match(text))}
    if not names & _BRINGS_SERVER:
        requirements.append(_SERVER_REQUIREMENT)
    elif "azureml-defaults" in names:
        requirements.append(DEFAULTS_REQUIREMENT)
    return python, requirements


def conda_names(conda: Mapping[str, Any]) -> set[str]:
    """Return the names of the packages for conda, not pip, to install."""
    return {_conda_requirement(spec)[0] for spec in _packages(conda)[0]}


def _pip_requirements(pip: Sequence[str], report: Callable[[str], None]) -> Iterator[str]:
    """Yield the pip section for uv, without the lines that mean PyPI: uv asks it, or a mirror, anyway."""
    indexes = {line: match for line in pip if (match := _INDEX.fullmatch(line))}
    pypi = {line for line, match in indexes.items() if _PYPI.fullmatch(urlsplit(match["url"]).hostname or "")}
    for line in pip:
        if line in pypi:
            report(f"{line} is left out: packages come from PyPI, or from this machine's mirror of it, anyway.")
        elif line in indexes:
            replaces = indexes[line]["option"] in ("-i", "--index-url")
            # If PyPI is named too, another index is asked next to it, not in its place.
            yield f"--extra-index-url {indexes[line]['url']}" if replaces and pypi else line
        elif line.startswith(_PIP_FILE_OPTIONS):
            raise EnvironmentFailedError(
                f"The conda definition's pip section has {line!r}: a file does not travel with the definition; "
                f"write the requirements themselves."
            )
        elif line.startswith("-") and not _OPTIONS.match(line):
            raise EnvironmentFailedError(
                f"The conda definition's pip section has {line!r}, an option that is not supported here: leave it out."
            )
        else:
            yield line


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
