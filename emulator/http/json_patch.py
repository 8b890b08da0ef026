"""JSON Patch (RFC 6902), as far as the SDK uses it: add, replace and remove on paths into objects."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from emulator.http.errors import BadRequestError

Patched = TypeVar("Patched")


def apply(document: Patched, patch: object, allowed: Iterable[str]) -> Patched:
    """Return the document with the patch's operations done; only these top-level fields may be touched."""
    if not isinstance(patch, list):
        raise BadRequestError("A JSON patch must be a list of operations.")
    result = copy.deepcopy(document)
    for operation in patch:
        _apply_one(result, operation, frozenset(allowed))
    return result


def touched(patch: object) -> set[str]:
    """Return the top-level fields that a patch (already applied once, so well-formed) changes."""
    assert isinstance(patch, list)  # noqa: S101 - for mypy: apply has checked it
    return {_segments(operation)[0] for operation in patch}


def _apply_one(document: object, operation: object, allowed: frozenset[str]) -> None:
    if not isinstance(operation, dict) or operation.get("op") not in {"add", "replace", "remove"}:
        raise BadRequestError(f"JSON patch operation not supported: {operation!r}.")
    *parents, last = _segments(operation)
    if (parents or [last])[0] not in allowed:
        raise BadRequestError(f"The path '{operation['path']}' cannot be changed.")
    target: Any = document
    for segment in parents:
        if target.get(segment) is None:
            target[segment] = {}
        target = target[segment]
        if not isinstance(target, dict):
            raise BadRequestError(f"The path '{operation['path']}' does not lead into an object.")
    if operation["op"] == "remove":
        target.pop(last, None)
    else:
        target[last] = operation.get("value")


def _segments(operation: Mapping[str, object]) -> list[str]:
    path = operation.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise BadRequestError(f"JSON patch path not supported: {path!r}.")
    return [segment.replace("~1", "/").replace("~0", "~") for segment in path[1:].split("/")]
