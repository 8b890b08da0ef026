"""Labels by their value: 7, 7.0 and the texts "7" and "7.0" are one label; "07" and "seven" are no number."""

import math
import re

_NUMERAL = re.compile(r"(0|-?[1-9][0-9]{0,18})(\.0+)?")
_QUOTED = 40


def whole_number(label: object) -> int | None:
    """Return the whole number that a label is, as a number or as text; None where it is none."""
    if isinstance(label, str):
        numeral = _NUMERAL.fullmatch(label)
        return int(numeral[1]) if numeral else None
    if isinstance(label, bool) or not isinstance(label, int | float):
        return None
    return int(label) if math.isfinite(label) and label == math.floor(label) else None


def describe(label: object) -> str:
    """Return a label that is no whole number as a sentence names it: with its type, and not at length."""
    text = repr(label) if isinstance(label, str) else str(label)
    text = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
    if isinstance(label, bool):
        return f"{text.lower()}, which is a truth value"
    kinds = {
        str: "text that is not written as a number is",
        float: "no whole number",
        type(None): "nothing",
        list: "a list",
        dict: "an object",
    }
    return f"{text}, which is {kinds.get(type(label), 'no number')}"
