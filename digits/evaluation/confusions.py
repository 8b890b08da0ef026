"""Misreadings as sentences, the most frequent first: "41 eights were read as ones"."""

from collections import Counter
from collections.abc import Iterable

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def describe(misread: Iterable[tuple[int, int]] | Counter[tuple[int, int]], most: int) -> list[str]:
    """Return a sentence for each of the most frequent pairs of a true label and what was read."""
    counts = sorted(Counter(misread).items(), key=lambda item: (-item[1], item[0]))
    return [_sentence(count, *pair) for pair, count in counts[:most]]


def plural(label: int) -> str:
    """Return the word for several of a label: eights, sixes; 12s beyond the digits."""
    word = _word(label)
    return f"{word}es" if word.endswith("x") else f"{word}s"


def _sentence(count: int, true: int, read: int) -> str:
    if count == 1:
        article = "an" if _word(read) == "eight" else "a"
        return f"1 {_word(true)} was read as {article} {_word(read)}"
    return f"{count:,} {plural(true)} were read as {plural(read)}"


def _word(label: int) -> str:
    return _DIGITS[label] if 0 <= label < len(_DIGITS) else str(label)
