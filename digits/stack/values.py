"""Whether a value in a stack's file is of its key's type, as it stands in the file.

Pulumi turns what YAML reads as a number or a date into a text of its own: 0012 becomes 10, a date gets a time.
So what is meant as text is text in the file too.
"""

import re
from collections.abc import Iterator

import yaml

Finding = tuple[yaml.Node | None, str]
_KINDS = {"int": "a number", "float": "a number", "bool": "true or false", "timestamp": "a date", "null": "nothing"}
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")


def check(value: yaml.Node, kind: str) -> Iterator[Finding]:
    """Yield what is wrong with a value for its type in Pulumi.yaml, each as the end of a sentence.

    "any" is anything, "secret" a text that may be encrypted.
    """
    if kind == "any" or (kind == "secret" and is_encrypted(value)):
        return
    if is_encrypted(value):
        yield value, "is encrypted (secure:), but it is no secret and is read as it stands: write it in the clear"
    elif kind == "object":
        yield from _check_texts(value)
    elif not isinstance(value, yaml.ScalarNode):
        yield value, f"is {describe(value)}: write {_wanted(kind)}"
    elif is_null(value):
        yield value, 'has no value: write one, or remove the line to get the default; "" is an empty text'
    elif kind == "boolean" and value.value not in ("true", "false"):
        yield value, f"is '{value.value}': write true or false"
    elif kind == "integer" and not _INTEGER.fullmatch(value.value):
        yield value, f"is '{value.value}': write a whole number"
    elif kind in ("string", "secret"):
        yield from _check_text(value)


def is_encrypted(value: yaml.Node) -> bool:
    """Say whether Pulumi encrypted the value."""
    return isinstance(value, yaml.MappingNode) and [show(key) for key, _ in value.value] == ["secure"]


def is_null(node: yaml.Node) -> bool:
    """Say whether nothing stands there."""
    return bool(node.tag == "tag:yaml.org,2002:null")


def show(node: yaml.Node) -> str:
    """Return a key as it stands in the file, or what stands in its place."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else describe(node)


def describe(node: yaml.Node) -> str:
    """Return what kind of thing it is, for a sentence."""
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "a group of keys" if isinstance(node, yaml.MappingNode) else f"'{node.value}'"


def _check_texts(value: yaml.Node) -> Iterator[Finding]:
    if not isinstance(value, yaml.MappingNode):
        yield value, f"is {describe(value)}: write names and texts, such as {{owner: vision-team}}"
        return
    for key, text in value.value:
        found = check(text, "string")
        yield from ((node, f"({show(key)}) {said}") for node, said in found)


def _check_text(value: yaml.ScalarNode) -> Iterator[Finding]:
    kind = _KINDS.get(value.tag.rpartition(":")[2])
    if kind:
        yield value, f'is text, but YAML reads {value.value} as {kind}: write "{value.value}", in quotes'


def _wanted(kind: str) -> str:
    return {"boolean": "true or false", "integer": "a whole number"}.get(kind, "one text")
