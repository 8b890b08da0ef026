"""The JSON of a request: only what can be stored, listed and answered again."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from emulator.http.errors import BadRequestError


def parse(body: bytes) -> Any:
    """Return the JSON; raises ValueError for NaN, infinity, half a surrogate pair and nesting too deep as well."""
    try:
        parsed = json.loads(body, parse_constant=_refuse)
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()  # 1e999 is infinite, "\ud800" is half a pair
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except UnicodeEncodeError:
        raise ValueError("a text has half a surrogate pair") from None
    return parsed


def require_texts(fields: Mapping[str, object], names: Iterable[str]) -> None:
    """Raise BadRequestError unless each of these fields is a text, null or missing."""
    for name in names:
        if not isinstance(fields.get(name), str | None):
            raise BadRequestError(f"{name} must be a text.")


def require_list(fields: Mapping[str, object], name: str, kind: type) -> None:
    """Raise BadRequestError unless the field is a list of such items, null or missing."""
    items = fields.get(name)
    if items is not None and not (isinstance(items, list) and all(isinstance(item, kind) for item in items)):
        raise BadRequestError(f"{name} must be a list of {'texts' if kind is str else 'objects'}.")


def require_objects(fields: Mapping[str, object], names: Iterable[str]) -> None:
    """Raise BadRequestError unless each of these fields is an object, null or missing."""
    for name in names:
        if not isinstance(fields.get(name), dict | None):
            raise BadRequestError(f"{name} must be an object.")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
