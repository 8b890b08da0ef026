"""Lists as model management answers them: in the order asked for, a page at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from emulator.http.errors import BadRequestError
from emulator.http.routing import Answer, Call

Listed = TypeVar("Listed", bound=Mapping[str, Any])

_PAGE = 255
_PAGING = frozenset({"api-version", "count", "orderby", "$skiptoken"})


def order(call: Call, found: Iterable[Listed], default: str, changed: str) -> list[Listed]:
    """Return the documents by the query's orderBy; `changed` is the field with the time of the last change."""
    # The specification writes orderBy for models and orderby for services.
    by = next((value for name, value in call.query.items() if name.lower() == "orderby"), default)
    fields = {"CreatedAt": "createdTime", "UpdatedAt": changed}
    field = fields.get(by.removesuffix("Desc").removesuffix("Asc"))
    if field is None or not by.endswith(("Desc", "Asc")):
        raise BadRequestError(f"orderBy must be CreatedAt or UpdatedAt with Asc or Desc, not {by!r}.")
    return sorted(found, key=lambda each: (each[field], each.get("version", 0)), reverse=by.endswith("Desc"))


def page(call: Call, found: Sequence[Answer]) -> Answer:
    """Return the page that the query asks for, and the URL of the next one."""
    start, count = _number(call, "$skipToken", 0), _number(call, "count", _PAGE)
    answer: dict[str, object] = {"value": found[start : start + count]}
    if 0 < start + count < len(found):
        answer["nextLink"] = f"{call.base_url}{call.path}?" + urlencode({**call.query, "$skipToken": start + count})
    return answer


def check_query(call: Call, known: frozenset[str]) -> None:
    """Raise if the list does not know a parameter of the query: without it the list would show too much."""
    for name in call.query:
        if name.lower() not in known | _PAGING:
            raise BadRequestError(
                f"The list has no query parameter '{name}'; it has {', '.join(sorted(known | _PAGING))}."
            )


def _number(call: Call, name: str, default: int) -> int:
    value = call.query.get(name)
    if value is None:
        return default
    if not value.isdecimal():
        raise BadRequestError(f"{name} must be a number, not {value!r}.")
    return int(value)
