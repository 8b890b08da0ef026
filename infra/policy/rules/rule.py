"""A rule: which resources it is about, what it finds wrong with one, and what fixes that."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

EXEMPT: Mapping[str, Any] = {
    "type": "array",
    "items": {"type": "string"},
    "default": [],
    "description": "Resources that the policy leaves alone, by their names in the program.",
}


@dataclass(frozen=True)
class Kind:
    """A type of resource: the engine's name for it, ours, and the input that tells two of them apart."""

    type: str
    noun: str
    name: str


@dataclass(frozen=True)
class Resource:
    """A resource as it would be deployed; reading an input that only `up` will know ends the check."""

    stack: str
    inputs: Mapping[str, Any]
    settings: Mapping[str, Any]  # what the stack's policy configuration asks for, defaults included


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and what fixes exactly that."""

    what: str
    fix: str


@dataclass(frozen=True)
class Rule:
    """One policy: `find` yields what is wrong, as the end of a sentence that begins with the resource.

    `fix` is the rest of that sentence; {stack} in it is the stack's name. A finding brings a fix of its own if the
    rule's would also name settings that are right.
    """

    name: str
    description: str
    kind: Kind
    find: Callable[[Resource], Iterator[str | Finding]]
    fix: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, dict[str, Any]]:
        """Return the JSON schemas of what a stack may set, by name."""
        return {name: dict(schema) for name, schema in {**self.settings, "exempt": EXEMPT}.items()}

    def judge(self, resource: Resource) -> Iterator[str]:
        """Yield a sentence for each thing that is wrong: the resource, what was found, and what fixes it."""
        name, stack = resource.inputs.get(self.kind.name), resource.stack
        for found in self.find(resource):
            one = found if isinstance(found, Finding) else Finding(found, self.fix.format(stack=stack))
            yield f"{self.kind.noun} '{name}' {one.what}: {one.fix}."
