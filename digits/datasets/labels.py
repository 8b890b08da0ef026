"""Labels by their value: 7, 7.0 and the texts "7" and "7.0" are one label; "07" and "seven" are no number."""

import json
import re

_NUMERAL = re.compile(r"(0|-?[1-9][0-9]{0,18})(\.0+)?")
_QUOTED = 40


def whole_number(label: object) -> int | None:
    """Return the whole number that a label is, as a number or as text; None where it is none."""
    if isinstance(label, str):
        numeral = _NUMERAL.fullmatch(label)
        return int(numeral[1]) if numeral else None
    if isinstance(label, float):
        return int(label) if label.is_integer() else None
    return label if isinstance(label, int) and not isinstance(label, bool) else None


def describe(label: object) -> str:
    """Return a label that is no whole number as a sentence names it: with its type, and not at length."""
    text = json.dumps(label, ensure_ascii=False)
    text = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
    kinds = {
        bool: "a truth value",
        int: "beyond 32 bits",
        str: "text and not a number as it is usually written",
        list: "a list",
        dict: "an object",
    }
    return f"{text}, which is {kinds.get(type(label), 'no whole number')}"
