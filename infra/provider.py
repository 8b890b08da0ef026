"""The common part of the lifecycles of environment, model, web service and release.

Provider classes are pickled by reference: state holds their module path. A renamed module or class breaks `destroy`
of live stacks.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import pulumi
from pulumi.dynamic import DiffResult, ResourceProvider

from infra import engine_watch

Properties = dict[str, Any]
T = TypeVar("T")
Text = TypeVar("Text")  # of an input: str for the lifecycle; in the program it may be another resource's output


class Provider(ResourceProvider):
    """A lifecycle whose inputs are compared by name."""

    serialize_as_secret_always = False  # a lifecycle needs only its inputs, so no secret is captured
    updated_by: ClassVar[tuple[str, ...]]
    replaced_by: ClassVar[tuple[str, ...]] = ("workspaceId", "name")

    def diff(self, _id: str, olds: Mapping[str, object], news: Mapping[str, object]) -> DiffResult:
        """Compare the inputs that matter; an unknown one counts as changed."""
        replaces = changed(olds, news, self.replaced_by)
        return DiffResult(changes=bool(replaces or changed(olds, news, self.updated_by)), replaces=replaces)


def changed(olds: Mapping[str, object], news: Mapping[str, object], names: tuple[str, ...]) -> list[str]:
    """Return those names whose values differ."""
    return [name for name in names if olds.get(name) != news.get(name)]


class OutputProperty(Generic[T]):
    """A property that reads the output of this name, which Pulumi keeps in camelCase."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, resource: pulumi.Resource, _kind: type) -> pulumi.Output[T]:
        """Return the resource's output."""
        found: pulumi.Output[T] = vars(resource)[self._name]
        return found


engine_watch.watch()
