"""What the lifecycles of environment, model, web service and release have in common.

Provider classes are pickled by reference: state holds their module path, so renaming a module or a class
breaks `destroy` of live stacks.
"""

from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import DiffResult, ResourceProvider

Properties = dict[str, Any]


class Provider(ResourceProvider):
    """A lifecycle whose inputs are compared by name."""

    serialize_as_secret_always = False  # nothing secret is captured: what a lifecycle needs comes in as inputs
    updated_by: ClassVar[tuple[str, ...]]
    replaced_by: ClassVar[tuple[str, ...]] = ("workspaceId", "name")

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Compare the inputs that matter; unknown ones count as changed."""
        replaces = changed(olds, news, self.replaced_by)
        return DiffResult(changes=bool(replaces or changed(olds, news, self.updated_by)), replaces=replaces)


def changed(olds: Properties, news: Properties, names: tuple[str, ...]) -> list[str]:
    """Return those names whose values differ."""
    return [name for name in names if olds.get(name) != news.get(name)]


def output(name: str) -> Any:  # noqa: ANN401 (an Output of whatever the provider returns)
    """Return a property that reads the output of this name, which Pulumi keeps in camelCase."""

    def read(resource: pulumi.Resource) -> pulumi.Output[Any]:
        found: pulumi.Output[Any] = vars(resource)[name]
        return found

    return property(read)
