"""ARM's $filter, as far as clients of Azure use it: comparisons of resource and tag properties, and, or, brackets.

Any other filter is a 400: a list that ignores its filter would show too much.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from emulator.arm.documents import write_location
from emulator.http.errors import BadRequestError
from emulator.kinds import Resource

_Tag = tuple[str, str] | tuple[None, None]
_Test = Callable[[Resource, _Tag], bool]

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z][\w/]*)|(?P<mark>[(),]))")
_FIELDS: Mapping[str, Callable[[Resource, _Tag], str | None]] = {
    "resourcetype": lambda resource, _: resource["type"],
    "name": lambda resource, _: resource["name"],
    "location": lambda resource, _: resource.get("location"),
    "resourcegroup": lambda resource, _: resource["id"].split("/")[4],
    "tagname": lambda _, tag: tag[0],
    "tagvalue": lambda _, tag: tag[1],
}


def select(resources: Iterable[Resource], text: str | None) -> list[Resource]:
    """Return the resources that pass the filter, all if there is none; raises BadRequestError."""
    if not text:
        return list(resources)
    test = _Reader(text).read()
    return [resource for resource in resources if any(test(resource, tag) for tag in _tags(resource))]


def _tags(resource: Resource) -> Iterator[_Tag]:
    """Yield the tags one by one, so that tagName and tagValue are about the same one."""
    yield None, None
    yield from (resource.get("tags") or {}).items()


class _Reader:
    """Reads a filter from left to right: `or` joins what `and` joins."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()

    def read(self) -> _Test:
        """Return the filter as a function."""
        test = self._either()
        if self._tokens:
            raise self._refuse(self._tokens[0])
        return test

    def _either(self) -> _Test:
        test = self._both()
        while self._next("or"):
            test = _either(test, self._both())
        return test

    def _both(self) -> _Test:
        test = self._one()
        while self._next("and"):
            test = _both(test, self._one())
        return test

    def _one(self) -> _Test:
        if self._next("("):
            test = self._either()
            self._expect(")")
            return test
        if self._next("substringof"):
            return self._substring()
        field = self._field()
        if self._next("ne"):
            other = self._value_of(field)
            return lambda resource, tag: (
                _FIELDS[field](resource, tag) is not None and not _same(_FIELDS[field](resource, tag), other)
            )
        self._expect("eq")
        wanted = self._value_of(field)
        return lambda resource, tag: _same(_FIELDS[field](resource, tag), wanted)

    def _substring(self) -> _Test:
        self._expect("(")
        text = self._value()
        self._expect(",")
        field = self._field()
        part = write_location(text) if field == "location" else text.lower()
        self._expect(")")
        return lambda resource, tag: part in (_FIELDS[field](resource, tag) or "").lower()

    def _field(self) -> str:
        word = self._take()
        if word.lower() not in _FIELDS:
            raise self._refuse(word)
        return word.lower()

    def _value(self) -> str:
        text = self._take()
        if not text.startswith("'"):
            raise self._refuse(text)
        return text[1:-1].replace("''", "'")

    def _value_of(self, field: str) -> str:
        value = self._value()
        return write_location(value) if field == "location" else value

    def _next(self, word: str) -> bool:
        found = bool(self._tokens) and self._tokens[0].lower() == word
        if found:
            self._tokens.pop(0)
        return found

    def _expect(self, word: str) -> None:
        if not self._next(word):
            raise self._refuse(self._take())

    def _take(self) -> str:
        if not self._tokens:
            raise self._refuse("its end")
        return self._tokens.pop(0)

    def _split(self) -> list[str]:
        tokens, at, text = [], 0, self._text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._refuse(text[at:].strip())
            tokens.append(found[0].strip())
            at = found.end()
        return tokens

    def _refuse(self, where: str) -> BadRequestError:
        return BadRequestError(
            f"Invalid $filter '{self._text}' at {where}. The emulator knows eq, ne, and, or, brackets and substringof, "
            f"on resourceType, name, location, resourceGroup, tagName and tagValue, with values in single quotes.",
            code="InvalidFilterInQueryString",
        )


def _either(one: _Test, other: _Test) -> _Test:
    return lambda resource, tag: one(resource, tag) or other(resource, tag)


def _both(one: _Test, other: _Test) -> _Test:
    return lambda resource, tag: one(resource, tag) and other(resource, tag)


def _same(found: str | None, wanted: str) -> bool:
    return found is not None and found.lower() == wanted.lower()
