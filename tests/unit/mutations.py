"""JSON documents with a fault, as an editor or a killed process leaves them."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        7.5,
        float("nan"),
        float("inf"),
        -1e308,
        10**400,
        "",
        "0.9",
        "text",
        "é\n\0",
        [],
        [1],
        {},
        {"a": 1},
    ]
)


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> str:
    """Return the document as text with one fault: a field is missing, mistyped or repeated, or the text ends early."""
    changed = copy.deepcopy(document)
    places = list(_places(changed))
    parent, key = draw(st.sampled_from(places))
    kind = draw(st.sampled_from(["another value", "gone", "twice", "cut off"]))
    if kind == "another value":
        parent[key] = draw(ODD)
    elif kind == "gone":
        del parent[key]
    elif kind == "twice" and isinstance(parent, list):
        parent.append(parent[key])
    text = json.dumps(changed)
    return text[: draw(st.integers(0, len(text) - 1))] if kind == "cut off" else text


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list with each of its keys, at any depth."""
    keys = list(document) if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from _places(document[key])
