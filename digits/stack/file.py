"""A stack's file, Pulumi.<stack>.yaml: read by everyone in one way, and refused with everything that is wrong in it.

A key's value must fit its type and its bounds in Pulumi.yaml; infra/settings.py checks what those cannot say.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from digits.stack import values
from digits.stack.keys import PROVIDER, REQUIRED, Keys, find_nearest

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # what Pulumi takes as a stack's name
# What Pulumi itself keeps in the file, next to `config`.
_SECTIONS = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")


class StackFileError(Exception):
    """The file cannot be used; one sentence a line for each thing that is wrong in it."""


@dataclass(frozen=True)
class StackFile:
    """What the stack's file says: `config` by full keys, such as digits:cloud."""

    stack: str
    name: str
    config: Mapping[str, Any]
    keys: Keys

    def get(self, setting: str) -> Any:
        """Return one of the project's settings, or its default."""
        key = f"{self.keys.project}:{setting}"
        return self.config.get(key, self.keys.defaults[key])

    @property
    def may_be_local(self) -> bool:
        """Whether its state may lie on this machine: an emulator's stack, and one on Azure that says so."""
        return self.get("cloud") == "emulator" or str(self.get("localState")).lower() == "true"


def read(directory: Path, stack: str, *, is_bounded: bool = True) -> StackFile:
    """Read the stack's file in the project's directory; raises StackFileError.

    The program leaves the bounds out (`is_bounded`): it checks the values that count, wherever they were written.
    """
    if not (directory / "Pulumi.yaml").is_file():
        raise StackFileError("There is no Pulumi.yaml here: run this in the project's folder.")
    name, keys = f"Pulumi.{stack}.yaml", Keys.declared(directory)
    document = _compose(directory, stack, name)
    problems = sorted(_find_problems(document, keys, is_bounded=is_bounded), key=_place)
    if problems:
        raise StackFileError("\n".join(f"{name}{_line(node)}: {said}." for node, said in problems))
    try:
        config = yaml.SafeLoader("").construct_document(document)["config"]
    except (yaml.YAMLError, ValueError) as error:  # a tag of somebody's own, or a date that there is not
        raise StackFileError(f"{name} has a value that cannot be read ({' '.join(str(error).split())}).") from None
    return StackFile(stack, name, config, keys)


def find_unknown(keys: Keys, names: Iterable[str]) -> list[str]:
    """Return a sentence for each key that nothing reads, wherever it was set."""
    return [f"{name} {said}." for name in names if (said := keys.explain(name))]


def _compose(directory: Path, stack: str, name: str) -> yaml.Node:
    try:
        document = yaml.compose((directory / name).read_text(encoding="utf-8-sig"), yaml.SafeLoader)
    except FileNotFoundError:
        stacks = sorted(path.name.removeprefix("Pulumi.")[:-5] for path in directory.glob("Pulumi.*.yaml"))
        anew = f", or write {name} as those are" if _NAME.fullmatch(stack) else ""
        raise StackFileError(f"There is no stack '{stack}': name one of {', '.join(stacks)}{anew}.") from None
    except UnicodeDecodeError:
        raise StackFileError(f"{name} is not text in UTF-8: save it as that.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise StackFileError(f"{name}{where}: this is not YAML ({error.problem}): correct it there.") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{name} is not YAML ({' '.join(str(error).split())}): correct it.") from None
    if document is None or values.is_null(document):
        raise StackFileError(f"{name} is empty: write a section config: with {_required()}.")
    return document


def _find_problems(document: yaml.Node, keys: Keys, *, is_bounded: bool) -> Iterator[tuple[yaml.Node | None, str]]:
    if not isinstance(document, yaml.MappingNode):
        yield document, f"this is {values.describe(document)}: write a section config: with {_required()}"
        return
    yield from _find_repeated(document)
    sections = {key.value: value for key, value in document.value if isinstance(key, yaml.ScalarNode)}
    for key, _ in document.value:
        if key.value not in _SECTIONS:
            yield key, _explain_section(values.show(key), keys)
    config = sections.get("config")
    if config is None or values.is_null(config) or config.value == []:
        yield config, f"there is nothing in a section config: write one with {_required()}"
    elif not isinstance(config, yaml.MappingNode):
        yield config, f"config is {values.describe(config)}: write a key and its value on each line under it"
    else:
        yield from _find_repeated(config)
        yield from _find_in_config(config, keys, is_whole="environment" not in sections)
        yield from _find_out_of_bounds(config, keys) if is_bounded else ()


def _find_out_of_bounds(config: yaml.MappingNode, keys: Keys) -> Iterator[tuple[yaml.Node | None, str]]:
    for key, value in config.value:
        name = values.show(key)
        # A value of another type was refused already.
        is_number = name in keys.bounds and not any(values.check(value, keys.types[name]))
        if is_number and (found := keys.bounds[name].check(value.value)):
            yield value, f"{name} {': '.join(found)}"


def _find_in_config(config: yaml.MappingNode, keys: Keys, *, is_whole: bool) -> Iterator[tuple[yaml.Node | None, str]]:
    for key, value in config.value:
        name = values.show(key)
        if name in (keys.project, PROVIDER) and isinstance(value, yaml.MappingNode):
            yield key, f"{name} has keys of its own under it: write each in full in config, as {name}:<name>"
        elif said := keys.explain(name):
            yield key, f"{name} {said}"
        else:
            yield from ((node, f"{name} {said}") for node, said in values.check(value, keys.types[name]))
    there = {values.show(key) for key, _ in config.value}
    meant = {keys.nearest(name) for name in there if keys.explain(name)}
    for name in REQUIRED if is_whole else ():
        key = f"{PROVIDER}:{name}"
        if key not in there | meant:  # a misspelt one was just refused
            yield None, f"{key} is missing: write it under config: (or `pulumi config set`)"


def _find_repeated(mapping: yaml.MappingNode) -> Iterator[tuple[yaml.Node | None, str]]:
    first: dict[str, int] = {}
    for key, _ in mapping.value:
        name, line = values.show(key), key.start_mark.line + 1
        if name in first:
            yield key, f"{name} stands in line {first[name]} already: keep one of the two"
        first.setdefault(name, line)


def _explain_section(name: str, keys: Keys) -> str:
    if ":" in name or keys.explain(name) != keys.explain(""):
        return f"{name} stands outside of the section config: write it there, indented by two spaces"
    nearest = find_nearest(name, _SECTIONS)
    return f"{name} is no section of a stack's file: write {nearest or 'config'}:"


def _required() -> str:
    *names, last = (f"{PROVIDER}:{name}" for name in REQUIRED)
    return f"{', '.join(names)} and {last}"


def _place(problem: tuple[yaml.Node | None, str]) -> float:
    """Sort by lines, and what stands nowhere last."""
    return problem[0].start_mark.line if problem[0] else math.inf


def _line(node: yaml.Node | None) -> str:
    return f", line {node.start_mark.line + 1}" if node else ""
