"""Text that stays text in a comment: nothing in a value can end a table's cell, mention somebody, or become a tag."""

import re
from collections.abc import Sequence

from digits.preview.changes import Change

NONE = "none"
_LONGEST = 80
_FEW = 6


def code(value: object) -> str:
    """Return a value as code, cut where it is long."""
    text = " ".join(str(value).replace("`", "'").replace("|", "¦").split())
    return f"`{text[:_LONGEST]}{'…' if len(text) > _LONGEST else ''}`" if text else "empty"


def prose(value: object) -> str:
    """Return a sentence with what Markdown would take for its own escaped."""
    text = " ".join(str(value).split()).replace("@", "@\u200b")
    return re.sub(r"([\\*_\[\]<>|~#])", r"\\\1", text)


def change(of: Change) -> str:
    """Return a difference in brief."""
    if of.before is None:
        return f"{code(of.name)} added, {code(of.after)}"
    if of.after is None:
        return f"{code(of.name)} removed, was {code(of.before)}"
    return f"{code(of.name)} {code(of.before)} → {code(of.after)}"


def some(texts: Sequence[str]) -> str:
    """Return the first few of a list, and how many more there are."""
    more = len(texts) - _FEW
    return ", ".join(texts[:_FEW]) + (f" and {more} more" if more > 0 else "")


def short(digest: str | None) -> str:
    """Return the first digits of a digest."""
    return code(f"{digest[:12]}…") if digest else NONE


def dollars(amount: float) -> str:
    """Return US dollars."""
    return f"${amount:,.2f}"
