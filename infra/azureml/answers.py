"""Azure ML's answer in an exception of the SDK: one line, without objects, headers or signatures of URLs.

The SDK puts an answer into an exception in many ways: as text with headers and a body, as a list of its own objects
that have no text, as an answer in an inner exception, or as an error of the HTTP client.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_CHARACTERS = 600
_OBJECT = re.compile(r"\[?<[^<>]*\bobject at 0x[0-9a-fA-F]+>(, <[^<>]*\bobject at 0x[0-9a-fA-F]+>)*\]?")
_QUERY = re.compile(r"((?:https?://|/)[^\s?'\"<>]*)\?[^\s'\"<>)]*=[^\s'\"<>)]*")
_BYTES = re.compile(r"\bb'(?:[^'\\]|\\.)*'|\bb\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_PAGE = re.compile(r"<(!doctype|html)\b.*", re.IGNORECASE | re.DOTALL)
_STATUS = re.compile(r"^Response Code: (\d{3})\s*$", re.MULTILINE)
_PASSING = (408, 429, 500, 502, 503, 504)
_LOST = {"ConnectionError", "Timeout", "ChunkedEncodingError"}  # of the HTTP client
_DETAILS = 8  # levels of errors in errors


def explain(error: BaseException) -> str:
    """Return the messages of the answer's body if there is one, else the text of the exception."""
    for raised in _chain(error):
        if (body := _body(raised)) and (said := read_messages(body)):
            return clean(said)
    for raised in _chain(error):
        text = str(getattr(raised, "message", "") or raised)
        if said := clean(_read_text(text)):
            return said
    return type(error).__name__


def passes(error: BaseException) -> bool:
    """Say whether the next answer may be another: after an overloaded server's, or a lost connection."""
    code = status(error)
    return code in _PASSING if code else bool(_LOST & kinds(error))


def status(error: BaseException) -> int | None:
    """Return the HTTP status of the answer, if an exception holds one, or names one as the SDK does."""
    for raised in _chain(error):
        for holder in (getattr(raised, "response", None), raised, getattr(raised, "error", None)):
            code = getattr(holder, "status_code", None)
            if isinstance(code, int):
                return code
    found = [match for raised in _chain(error) if (match := _STATUS.search(str(raised)))]
    return int(found[0][1]) if found else None


def kinds(error: BaseException) -> set[str]:
    """Return the names of the classes of the exception and of its causes."""
    return {kind.__name__ for raised in _chain(error, handled=False) for kind in type(raised).__mro__}


def read_messages(body: Any) -> str:  # whatever JSON holds
    """Return an error body's message and those of its details, once each."""
    return " ".join(dict.fromkeys(" ".join(message.split()) for message in _messages(body, _DETAILS)))


def clean(text: str) -> str:
    """Return a text on one line, without representations of objects, pages of HTML, and queries of URLs."""
    text = _PAGE.sub("(a page of HTML)", text)
    text = _QUERY.sub(r"\1", _OBJECT.sub("", text))
    return " ".join(text.split())[:_CHARACTERS]


def _messages(body: Any, levels: int) -> Iterator[str]:
    if not isinstance(body, Mapping) or not levels:
        return
    if isinstance(message := body.get("message") or body.get("Message"), str):
        yield from _messages(found, levels - 1) if (found := _find_json(message)) else [message]
    for inner in ("error", "error_details", "innerError"):
        yield from _messages(body.get(inner), levels - 1)
    details = body.get("details")
    for detail in details if isinstance(details, list) else ():
        yield from _messages(detail, levels - 1)


def _chain(error: BaseException, *, handled: bool = True) -> Iterator[BaseException]:
    """Yield the exception, its causes, and with `handled` those that were handled meanwhile."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        raised = waiting.pop(0)
        if not isinstance(raised, BaseException) or id(raised) in seen:
            continue
        seen.add(id(raised))
        yield raised
        waiting += [getattr(raised, "inner_exception", None), raised.__cause__]
        waiting += [raised.__context__] if handled else []


def _body(raised: BaseException) -> Any:
    try:
        return raised.response.json()  # type: ignore[attr-defined]  # AttributeError: there is none
    except (AttributeError, ValueError, TypeError):
        return None


def _read_text(text: str) -> str:
    """Return the messages of the JSON in a text, or the text without the headers of an answer."""
    if body := _find_json(text):
        return read_messages(body)
    return re.sub(r"\n?Headers: .*\n?", " ", text)


def _find_json(text: str) -> Any:
    """Return the first object with a message in a text, also in bytes as Python writes them."""
    for found in _BYTES.findall(text):
        try:
            text = ast.literal_eval(found).decode()
            break
        except (ValueError, SyntaxError):
            continue
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"\{", text)):
        try:
            body, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if read_messages(body):
            return body
    return None
