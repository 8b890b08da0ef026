"""Plain English: words that readers stumble over, and the length of a sentence."""

import re
from pathlib import Path

import pytest

from tests.unit.pages import PAGES, ROOT, prose, sentences, words

# Each with the words to write in its place.
WORDS = {
    "alone": "only",
    "beside": "next to, besides",
    "whoever": "anyone who",
    "mend|mends|mended|mending": "fix, repair",
    "told": "reported, named",
}
LONGEST = 25
CONTRACTION = re.compile(
    r"\b\w+(?:n['\u2019]t|['\u2019](?:re|ll|ve|d|m))\b|\b(?:it|that|there|what|who|let|here)['\u2019]s\b", re.IGNORECASE
)
WRITTEN_ELSEWHERE = {"docs/emulator-differences.md"}  # its sentences are those of emulator/differences.py
OURS = [page for page in PAGES if str(page.relative_to(ROOT)) not in WRITTEN_ELSEWHERE]


def name(page: Path) -> str:
    """Return the page's path in the repository."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_sentence_has_at_most_25_words(page: Path) -> None:
    """A reader understands it at the first reading; tables and code are not counted."""
    counted = [(len(words(sentence)), sentence) for sentence in sentences(page)]
    long = [f"{count} words: {sentence}" for count, sentence in counted if count > LONGEST]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("page", OURS, ids=name)
def test_no_sentence_begins_with_a_clause_in_place_of_its_subject(page: Path) -> None:
    """The words "What is missing" name no noun; a question may begin so."""
    begins = re.compile(r"[\W_]*(What|Whatever|Who|Whoever|Whose)\b")
    cells = [cell for row in re.findall(r"^\|.*", prose(page), re.MULTILINE) for cell in row.split("|")]
    found = [text for text in (*sentences(page), *cells) if begins.match(text) and not text.endswith("?")]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", OURS, ids=name)
def test_a_page_has_plain_words(page: Path) -> None:
    """None of the list; another one says the same to more readers."""
    for word, instead in WORDS.items():
        found = re.findall(rf".*\b(?:{word})\b.*", prose(page), re.IGNORECASE)
        assert not found, f"write {instead}: {found}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_no_contraction(page: Path) -> None:
    """Readers of other languages know the full words."""
    assert not CONTRACTION.findall(prose(page))
