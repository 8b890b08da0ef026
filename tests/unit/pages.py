"""The pages that people read, and the sentences in them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]

_CODE_BLOCK = re.compile(r"^```(?s:.*?)^```|^(?: {4}.*\n)+|<!--(?s:.*?)-->", re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_NEW_SENTENCE = re.compile(r"(?<=[.!?])[\"')*]*(?:\s+(?=[\"'(*]*[A-Z`])|\n)|(?<=:)\n")


def prose(page: Path) -> str:
    """Return a page's text without blocks of code and comments; a piece of code in a line becomes `code`."""
    text = _CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    return _LINK.sub(r"\1", _CODE.sub("`code`", text))


def sentences(page: Path) -> Iterator[str]:
    """Yield each sentence of a page, those of lists included; headings and tables have none."""
    for paragraph in re.split(r"\n\s*\n|^\s*(?:[-*]|\d+\.)\s", prose(page), flags=re.MULTILINE):
        lines = [line.strip() for line in paragraph.splitlines() if not re.match(r"\s*[|#]", line)]
        yield from (part.replace("\n", " ") for part in _NEW_SENTENCE.split("\n".join(lines).strip()) if part)


def words(sentence: str) -> list[str]:
    """Return the words of a sentence; signs between them are none."""
    return [word for word in sentence.split() if re.search(r"\w", word)]
