"""The comment's phrases: differences, lists, digests and amounts in brief."""

from collections.abc import Sequence

from digits.preview.changes import Change
from digits.rendering import code

NONE = "none"
_FEW = 6


def change(of: Change) -> str:
    """Return a difference in brief."""
    if of.before is None:
        return f"{code(of.name)} added, {code(of.after)}"
    if of.after is None:
        return f"{code(of.name)} removed, was {code(of.before)}"
    return f"{code(of.name)} {code(of.before)} → {code(of.after)}"


def some(texts: Sequence[str]) -> str:
    """Return the first few of a list, and the number of the others."""
    more = len(texts) - _FEW
    return ", ".join(texts[:_FEW]) + (f" and {more} more" if more > 0 else "")


def short(digest: str | None) -> str:
    """Return the first digits of a digest."""
    return code(f"{digest[:12]}…") if digest else NONE


def dollars(amount: float) -> str:
    """Return US dollars."""
    return f"${amount:,.2f}"
