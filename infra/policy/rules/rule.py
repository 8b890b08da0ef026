"""A rule: the kind of resource, the check, and the fix."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

EXEMPT: Mapping[str, Any] = {
    "type": "array",
    "items": {"type": "string"},
    "default": [],
    "description": "Resources that the policy does not check, by their names in the program.",
}


@dataclass(frozen=True)
class Kind:
    """A type of resource: the engine's name for it, our noun, and the input with the resource's own name."""

    type: str
    noun: str
    name: str


@dataclass(frozen=True)
class Resource:
    """A resource as it would be deployed; if an input is known only to `up`, reading it ends the check."""

    stack: str
    inputs: Mapping[str, Any]
    settings: Mapping[str, Any]  # from the stack's policy configuration, defaults included


@dataclass(frozen=True)
class Finding:
    """One mistake, and its fix."""

    what: str
    fix: str


@dataclass(frozen=True)
class Rule:
    """One policy: `find` yields each mistake, as the end of a sentence that begins with the resource.

    `fix` is the rest of that sentence; {stack} in it is the stack's name. A finding has its own fix if the rule's fix
    would also name settings that are right.
    """

    name: str
    description: str
    kind: Kind
    find: Callable[[Resource], Iterator[str | Finding]]
    fix: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, dict[str, object]]:
        """Return the JSON schemas of the rule's settings, by name."""
        return {name: dict(schema) for name, schema in {**self.settings, "exempt": EXEMPT}.items()}

    def judge(self, resource: Resource) -> Iterator[str]:
        """Yield a sentence for each mistake: the resource, the finding, and the fix."""
        name, stack = resource.inputs.get(self.kind.name), resource.stack
        for found in self.find(resource):
            one = found if isinstance(found, Finding) else Finding(found, self.fix.format(stack=stack))
            yield f"{self.kind.noun} '{name}' {one.what}: {one.fix}."
