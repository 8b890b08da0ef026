"""Each deployed byte must be known, and a release must have passed its evaluation."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rules.rule import Finding, Kind, Resource, Rule
from rules.service import WEBSERVICE

ENVIRONMENT = Kind("pulumi-python:dynamic/azureml:Environment", "Environment", "name")
RELEASE = Kind("pulumi-python:dynamic/azureml:Release", "The release of", "service")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"(?:[\w./-]+::)?([\w.-]+)")  # conda may write a channel in front of it
_VERSION = r"\d[\w.!+-]*"  # no * at its end, no second clause after it
_PIP_EXACT = re.compile(rf"[\w.-]+(\[[\w., -]*\])?\s*===?\s*{_VERSION}\s*(;.*)?")
_CONDA_EXACT = re.compile(rf"(?:[\w./-]+::)?[\w.-]+\s*(==\s*{_VERSION}|=\s*{_VERSION}=[\w.]+)")
_BY_MINOR = re.compile(r"(?:[\w./-]+::)?[\w.-]+\s*==?\s*\d+\.\d+[\w.]*(\.\*)?")


def _model(service: Resource) -> Iterator[str]:
    sha256 = service.inputs.get("modelSha256")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        found = f"'{sha256}'" if isinstance(sha256, str) else "missing"
        yield f"does not say which model it runs (modelSha256 is {found})"
    elif _manifest_sha256(service.inputs.get("scoringPackage")) != sha256:
        yield f"would load a model without holding it against {sha256[:12]}… (manifest.json does not name it)"


def _manifest_sha256(archive: object) -> object:
    """Return the model's SHA-256 in the manifest of a pulumi.AssetArchive, or None if there is none."""
    manifest = getattr(archive, "assets", {}).get("manifest.json")
    try:
        return json.loads(getattr(manifest, "text", ""))["model"]["sha256"]
    except (ValueError, KeyError, TypeError):
        return None


def _packages(environment: Resource) -> Iterator[str]:
    settings = environment.settings
    loose = []
    for entry in environment.inputs["conda"].get("dependencies") or []:
        if isinstance(entry, Mapping):
            loose += [text for text in entry.get("pip") or [] if not _is_pinned(text, _PIP_EXACT, settings)]
        elif not _is_pinned(entry, _CONDA_EXACT, settings):
            loose.append(entry)
    if loose:
        yield f"names no exact version of {', '.join(loose)}"


def _is_pinned(text: str, exact: re.Pattern[str], settings: Mapping[str, Any]) -> bool:
    name = match[1].lower() if (match := _NAME.match(text)) else text
    if name in settings["unpinned"]:
        return True
    return bool(exact.fullmatch(text) or (name in settings["byMinor"] and _BY_MINOR.fullmatch(text)))


def _gate(release: Resource) -> Iterator[Finding]:
    inputs, settings = release.inputs, release.settings
    file, choice = f"Pulumi.{release.stack}.yaml", f"gate-on in infra/policy/config/{release.stack}.json"
    if inputs.get("gateEnabled") is not True:
        yield Finding(
            "counts without an evaluation of the live service (gateEnabled is not true)",
            f"write `digits:gateEnabled: true` in {file}",
        )
    accuracy, least = inputs["minimumAccuracy"], settings["minimumAccuracy"]
    if accuracy < least:
        yield Finding(
            f"would count at an accuracy of {accuracy:g} (the stack's policy asks for {least:g})",
            f'write `digits:minimumAccuracy: "{least:g}"` or more in {file}, or lower minimumAccuracy of {choice}',
        )
    rows, fewest = inputs["rows"], settings["minimumRows"]
    if 0 < rows < fewest:  # 0: all there are
        yield Finding(
            f"would count after {rows:g} images (the stack's policy asks for {fewest:g})",
            f"write `digits:evaluationRows: {fewest:g}` or more (or 0 for all) in {file}, "
            f"or lower minimumRows of {choice}",
        )


RULES = (
    Rule(
        "model-pinned",
        "A web service runs the model that its SHA-256 names, and checks that before it loads it.",
        WEBSERVICE,
        _model,
        "deploy what `make model` writes, whose SHA-256 travels to the service as manifest.json",
    ),
    Rule(
        "packages-pinned",
        "An environment has the same packages on every day it is built.",
        ENVIRONMENT,
        _packages,
        "write name==version for each in scoring/conda.yml",
        {
            "unpinned": {
                "type": "array",
                "items": {"type": "string"},
                "default": ["pip"],
                "description": "Packages of which any version will do.",
            },
            "byMinor": {
                "type": "array",
                "items": {"type": "string"},
                "default": ["python"],
                "description": "Packages of which major and minor version are enough, so that patches reach them.",
            },
        },
    ),
    Rule(
        "gate-on",
        "A release counts only after the live service was evaluated, on enough images and against a real threshold.",
        RELEASE,
        _gate,
        "write `digits:gateEnabled: true`, a higher digits:minimumAccuracy or more digits:evaluationRows in "
        "Pulumi.{stack}.yaml",
        {
            "minimumAccuracy": {
                "type": "number",
                "default": 0.8,
                "description": "The least digits:minimumAccuracy, a fraction.",
            },
            "minimumRows": {
                "type": "integer",
                "default": 100,
                "description": "The fewest digits:evaluationRows; 0 there means all, and is enough.",
            },
        },
    ),
)
