"""Fields of a JSON document that a user may have edited or that is half-written: each has its type, or is one sentence.

A reader takes a value and returns it, or raises FieldError with what it is and what it should be.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_SHOWN = 60
_MISSING = object()

T = TypeVar("T")
Reader = Callable[[object], T]


class FieldError(ValueError):
    """A field is missing or of another type; the sentence names its place and has no full stop."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(f"{place or 'it'} {problem}")
        self.problem, self.place = problem, place

    def within(self, name: str) -> "FieldError":
        """Return the error with a name in front of the place, of a field or of an item such as [3]."""
        joint = "." if name and self.place and not self.place.startswith("[") else ""
        return FieldError(self.problem, f"{name}{joint}{self.place}")


class Fields:
    """The fields of an object; `name` is what a sentence calls it, empty for the document itself."""

    def __init__(self, document: object, name: str = "") -> None:
        if not isinstance(document, Mapping):
            raise _unfit(document, "an object").within(name)
        self._document, self._name = document, name

    def take(self, name: str, read: Reader[T], default: Any = _MISSING) -> T:
        """Return the field, or what the reader makes of the default where there is none."""
        value = self._document.get(name, default)
        if value is _MISSING:
            raise FieldError(f"lacks {name}", self._name)
        try:
            return read(value)
        except FieldError as error:
            raise error.within(name).within(self._name) from None

    def inner(self, name: str) -> "Fields":
        """Return the fields of the object in this field."""
        return Fields(self.take(name, lambda value: value), f"{self._name}.{name}" if self._name else name)


def text(value: object) -> str:
    """Take a text."""
    if not isinstance(value, str):
        raise _unfit(value, "a text")
    return value


def filled(value: object) -> str:
    """Take a text on one line in which there is something."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _unfit(value, "a text on one line")
    return value


def truth(value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise _unfit(value, "true or false")
    return value


def whole(low: int = -(2**31), high: int = 2**31 - 1) -> Reader[int]:
    """Take a whole number from low to high; 7.0 is one, because JSON knows no other numbers."""

    def read(value: object) -> int:
        if type(value) not in (int, float) or not low <= value <= high or value != int(value):  # type: ignore[operator, call-overload]
            raise _unfit(value, "a whole number" + (f" of {low} or more" if low >= 0 else ""))
        return int(value)  # type: ignore[call-overload,no-any-return]  # its kind was checked above

    return read


def number(low: float = -math.inf, high: float = math.inf) -> Reader[float]:
    """Take a finite number from low to high."""
    bounds = f" from {low:g} to {high:g}" if high < math.inf else f" of {low:g} or more" if low > -math.inf else ""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _unfit(value, f"a number{bounds}")
        if not abs(value) <= 1e300:  # noqa: PLR2004 - whatever is counted or timed here
            raise _unfit(value, f"a number{bounds}")
        return float(value)

    return read


def optional(read: Reader[T]) -> Reader[T | None]:
    """Take null, or what the reader takes."""
    return lambda value: None if value is None else read(value)


def each(read: Reader[T], least: int = 0) -> Reader[tuple[T, ...]]:
    """Take a list of what the reader takes."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) < least:
            raise _unfit(value, "a list" + (f" of at least {least}" if least else ""))
        return tuple(_item(read, at, item) for at, item in enumerate(value))

    return read_all


def row(*readers: Reader[Any]) -> Reader[tuple[Any, ...]]:
    """Take a list with one value for each reader."""

    def read_row(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(readers):
            raise _unfit(value, f"a list of {len(readers)}")
        return tuple(_item(read, at, item) for at, (read, item) in enumerate(zip(readers, value, strict=True)))

    return read_row


def mapping(value: object) -> dict[str, Any]:
    """Take an object of anything."""
    if not isinstance(value, Mapping):
        raise _unfit(value, "an object")
    return dict(value)


def texts(value: object) -> dict[str, str]:
    """Take an object of texts."""
    fields = value if isinstance(value, Mapping) else None
    if fields is None or not all(isinstance(each, str) for each in fields.values()):
        raise _unfit(value, "an object of texts")
    return dict(fields)


def _item(read: Reader[T], at: int, value: object) -> T:
    try:
        return read(value)
    except FieldError as error:
        raise error.within(f"[{at}]") from None


def _unfit(value: object, wanted: str) -> FieldError:
    said = json.dumps(value, ensure_ascii=False, default=str)
    said = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
    return FieldError(f"is {said}, not {wanted}")
