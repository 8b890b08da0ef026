"""The findings: each resource that was changed outside Pulumi, with the expected and the found values.

A web service that runs with our model and that no stack deployed is a finding too. It is not ours to change. Each look
names it until its owner removes it or gives it another model.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from digits.engine.events import Step

_OURS = "pulumi-python:dynamic/azureml:"
MODEL = f"{_OURS}Model"
_TITLES = {
    MODEL: "Model {name}:{version:g}",
    f"{_OURS}Environment": "Environment {name}:{version}",
    f"{_OURS}Webservice": "Web service {name}",
    f"{_OURS}Release": "Release of {service}",
}
# The kind of change, by type and top-level property. JSON shows the code, text and Markdown show its words.
_HAPPENED = {
    (f"{_OURS}Webservice", "cpuCores"): "scaled",
    (f"{_OURS}Webservice", "memoryGb"): "scaled",
    (f"{_OURS}Webservice", "tags"): "retagged",
    (f"{_OURS}Webservice", "keysRegenerated"): "keysRegenerated",
    (f"{_OURS}Webservice", "scoringDigest"): "redeployed",
    (f"{_OURS}Webservice", "modelId"): "redeployed",
    (MODEL, "tags"): "retagged",
    (MODEL, "sha256"): "bytesReplaced",
    (f"{_OURS}Environment", "conda"): "definitionChanged",
}
WORDS = {
    "deleted": "deleted",
    "failed": "failed",
    "scaled": "scaled",
    "retagged": "re-tagged",
    "keysRegenerated": "keys regenerated",
    "redeployed": "deployed again by others",
    "bytesReplaced": "bytes replaced",
    "definitionChanged": "definition changed",
    "changed": "changed",
    "usesOurModel": "uses our model, deployed by no stack",
}
_KEYS = ("primaryKey", "secondaryKey")  # secrets: keysRegenerated names the changed ones
_MISSING = object()


@dataclass(frozen=True)
class Change:
    """A property by its path, with its value in the state and the value found; None if it does not exist."""

    property: str
    expected: Any
    found: Any


@dataclass(frozen=True)
class Finding:
    """A resource that is not as it was deployed; `resource` is None if the resource is not ours."""

    resource: str | None
    title: str
    happened: tuple[str, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Drift:
    """All findings of a stack, and the next operation of `up` on each resource, or the reason why it is unknown."""

    stack: str
    resources: int
    findings: tuple[Finding, ...]
    next: Mapping[str, str]
    unknown: str | None = None


def find(steps: Iterable[Step]) -> list[Finding]:
    """Return the findings of a refresh."""
    return [finding for step in steps if (finding := _finding(step)) is not None]


def name_others(model: Step, users: Iterable[tuple[str, Iterable[str], str | None]]) -> list[Finding]:
    """Return the services (name, models, stack) that run with a version of ours and that no stack deployed."""
    state = model.outputs
    ours = {f"{state['name']}:{version:g}" for version in (state["version"], *state["ownedVersions"])}
    return [
        Finding(None, f"Web service {name}", ("usesOurModel",), (Change("models", None, used),))
        for name, models, stack in users
        if stack is None and (used := sorted(ours.intersection(models)))
    ]


def compare(expected: Any, found: Any, path: str = "") -> Iterator[Change]:
    """Yield the leaves that differ; names that begin with two underscores are the SDK's own."""
    if isinstance(expected, dict) and isinstance(found, dict):
        pairs = {name: (expected.get(name, _MISSING), found.get(name, _MISSING)) for name in {**expected, **found}}
        for name, (one, other) in pairs.items():
            if not name.startswith("__"):
                yield from compare(one, other, f"{path}.{name}" if path else name)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from compare(one, other, f"{path}[{index}]")
    elif expected != found:
        yield Change(path, None if expected is _MISSING else expected, None if found is _MISSING else found)


def _finding(step: Step) -> Finding | None:
    if step.operation == "delete":
        return Finding(step.name, _title(step), ("deleted",))
    if step.operation == "same":
        return None
    changes = [change for change in compare(step.outputs, step.found) if change.property not in _KEYS]
    happened = dict.fromkeys(_happened(step.type, change) for change in changes) or {"changed": None}
    return Finding(step.name, _title(step), tuple(happened), tuple(_without_keys(changes)))


def _without_keys(changes: Iterable[Change]) -> Iterator[Change]:
    for change in changes:
        if change.property == "keysRegenerated":
            yield from (Change(key, "as deployed", "regenerated") for key in change.found)
        else:
            yield change


def _happened(type_: str, change: Change) -> str:
    if change.property == "state" and change.found == "Failed":
        return "failed"
    return _HAPPENED.get((type_, change.property.partition(".")[0]), "changed")


def _title(step: Step) -> str:
    known = _TITLES.get(step.type)
    if known is not None:
        return known.format_map(step.outputs)
    return f"{step.short_type} {step.outputs.get('name', step.name)}"
