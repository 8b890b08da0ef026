"""Plain English: words that readers stumble over, and the length of a sentence."""

import re
import subprocess
from collections.abc import Iterator
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
CONTRACTION = r"\b\w+(?:n['\u2019]t|['\u2019](?:re|ll|ve|d|m))\b|\b(?:it|that|there|what|who|let|here)['\u2019]s\b"
# Texts of others, or of this test.
NOT_OURS = ("LICENSE", "requirements.txt", "tools/pulumi/go.sum", "tools/actionlint/go.sum")
RECORDED = ("tests/unit/test_plain_english.py", "tests/unit/previews/score/", "tests/unit/previews/score-worse/")
QUOTES = (  # of other programs, and of names
    "scoring/registered_model.py",
    "tests/engine/test_policy.py",
    "tests/integration/test_report_browser.py",
    "tests/integration/test_scoring_environment.py",
    "tests/integration/test_sdk_scripts.py",
)


def name(page: Path) -> str:
    """Return the page's path in the repository."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_sentence_has_at_most_25_words(page: Path) -> None:
    """A reader understands it at the first reading; tables and code are not counted."""
    counted = [(len(words(sentence)), sentence) for sentence in sentences(page)]
    long = [f"{count} words: {sentence}" for count, sentence in counted if count > LONGEST]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_sentence_begins_with_a_clause_in_place_of_its_subject(page: Path) -> None:
    """The words "What is missing" name no noun; a question may begin so."""
    begins = re.compile(r"[\W_]*(What|Whatever|Who|Whoever|Whose)\b")
    cells = [cell for row in re.findall(r"^\|.*", prose(page), re.MULTILINE) for cell in row.split("|")]
    found = [text for text in (*sentences(page), *cells) if begins.match(text) and not text.endswith("?")]
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return every text that git tracks, by its path: code, pages, messages and tests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    paths = [
        path for path in listed if path and not path.startswith((*NOT_OURS, *RECORDED)) and (ROOT / path).is_file()
    ]
    found = {path: (ROOT / path).read_bytes().decode("utf-8", errors="replace") for path in paths}
    return {path: text for path, text in found.items() if "\0" not in text}


@pytest.mark.parametrize("word", WORDS)
def test_a_text_has_plain_words(texts: dict[str, str], word: str) -> None:
    """Other words say the same to more readers; the names of functions and files have words too."""
    found = [f"{path}: {line.strip()}" for path, line in _lines(texts, (), rf"(?<![a-z])(?:{word})(?![a-z])")]
    assert not found, f"write {WORDS[word]}:\n" + "\n".join(found)


def test_a_text_has_no_contraction(texts: dict[str, str]) -> None:
    """Readers of other languages know the full words."""
    found = [f"{path}: {line.strip()}" for path, line in _lines(texts, QUOTES, CONTRACTION)]
    assert not found, "\n".join(found)


def _lines(texts: dict[str, str], left_out: tuple[str, ...], pattern: str) -> Iterator[tuple[str, str]]:
    expression = re.compile(pattern, re.IGNORECASE)
    for path, text in texts.items():
        if not path.startswith(left_out):
            yield from ((path, line) for line in text.splitlines() if expression.search(line))
