"""The differences between now and the next deployment, each as a name with two texts."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from digits.engine.events import UNKNOWN, Preview, Step
from digits.evaluation.verdict import Thresholds
from digits.runtime.conda import EnvironmentFailedError, translate

# Inputs of the web service that follow from model, environment and scoring files, which are shown themselves.
_DERIVED = {
    "__provider",
    "dnsNameLabel",
    "environmentName",
    "environmentVersion",
    "modelId",
    "modelSha256",
    "owner",
    "scoringDigest",
    "scoringPackage",
    "tags.model",
    "workspaceId",
}
_PACKAGES = ("dependencies", "name")  # of a conda file; its name is no part of its content
_GATE = (*Thresholds().to_json(), "gateEnabled", "dataset", "labelColumn", "rows")
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Change:
    """One difference; `before` is None for an added value, `after` for a removed one."""

    name: str
    before: str | None
    after: str | None


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return the differences in the order of the names; nested mappings are compared name by name."""
    old, new = dict(_flatten(before)), dict(_flatten(after))
    names = sorted({*old, *new})
    return [Change(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def changed_inputs(step: Step) -> list[Change]:
    """Return the inputs of a resource that would change."""
    hidden = {"__provider", "scoringPackage"}
    old, new = step.live, step.after
    return compare(*({name: values.get(name) for name in {*step.before, *new} - hidden} for values in (old, new)))


def settings(preview: Preview) -> list[Change]:
    """Return the changes of the service's size and settings, and of the gate's requirements."""
    service, release = preview.step("webservice"), preview.step("release")
    changes = []
    if service and service.before:
        changes += [
            change for change in changed_inputs(service) if not _DERIVED & {change.name, change.name.split(".")[0]}
        ]
    if release and release.before:
        gate = ({name: values.get(name) for name in _GATE} for values in (release.live, release.after))
        changes += compare(*gate)
    return changes


def packages(step: Step | None) -> list[Change]:
    """Return the changes of the environment: packages with their versions, then variables and the rest."""
    if step is None or not step.before or not step.after:
        return []
    old, new = step.live.get("conda") or {}, step.after.get("conda") or {}
    rest = [{name: value for name, value in conda.items() if name not in _PACKAGES} for conda in (old, new)]
    try:
        return compare(_versions(old), _versions(new)) + compare(*rest)
    except EnvironmentFailedError:  # digits.runtime cannot translate this form, but Azure may accept it
        return compare(*({"dependencies": conda.get("dependencies")} for conda in (old, new))) + compare(*rest)


def _versions(conda: Mapping[str, Any]) -> dict[str, str]:
    python, requirements = translate(conda)
    versions = {"python": python}
    for requirement in requirements:
        if match := _REQUIREMENT.fullmatch(requirement):
            name = re.sub(r"[-_.]+", "-", match["name"]).lower()
            versions[name] = match["rest"].removeprefix("==").strip() or "any"
    return versions


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, str):
        return "known when deployed" if value == UNKNOWN else value
    return json.dumps(value)
