"""What the pages claim: links lead somewhere, settings exist, tables are those of the code."""

from digits.cli.commands import digits

import re
from pathlib import Path

import pytest

from digits.stack import read
from emulator.cli import azureml_emulator
from tests.unit.pages import PAGES, ROOT
from tests.unit.test_rooms import MAY_IMPORT


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    """By its full key; `azure-native:` ones too."""
    known = read(ROOT, "dev").keys
    said = re.sub(r"^    error:.*", "", page.read_text(), flags=re.MULTILINE)  # an error quotes the mistake
    for key in re.findall(r"\b((?:digits|azure-native):[a-z]\w+)", said):
        assert key in known.types, key


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of the project, and to a heading that is there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)", file.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    """In a block of commands and in prose alike."""
    for name, group in {"digits": digits, "azureml-emulator": azureml_emulator}.items():
        named = re.findall(rf"(?:`|^ {{4}}|bin/){name} ([a-z]+)", page.read_text(), re.MULTILINE)
        assert set(named) <= group.commands.keys()


def test_the_page_of_the_architecture_has_the_rooms_and_their_arrows() -> None:
    """Its table is test_rooms.py's; a room of `digits/` is called by its own name there."""
    table = (ROOT / "docs/architecture.md").read_text().partition("## Rooms")[2]
    rows = re.findall(r"^\| `([\w/]+)` \| .* \| (.*?) \|$", table, re.MULTILINE)
    drawn = {room.strip("/").replace("/", "."): re.findall(r"`([\w/]+)`", arrows) for room, arrows in rows}
    assert drawn.keys() == MAY_IMPORT.keys()
    for room, allowed in MAY_IMPORT.items():
        assert drawn[room] == [name.removeprefix("digits.").replace(".", "/") for name in sorted(allowed)], room


def test_the_page_of_benchmarks_has_the_figures_of_the_last_run() -> None:
    """Each ratio is that of RESULTS.md, rounded to a tenth below ten."""
    results = (ROOT / "benchmarks/RESULTS.md").read_text().partition("Latency, times")[2].partition("\n\nLatency")[0]
    measured = {
        name.strip(): [float(cell.split()[0]) for cell in cells]
        for name, *cells in (row.strip("|").split("|") for row in re.findall(r"^\|.*\d.*", results, re.MULTILINE)[1:])
    }
    rows = re.findall(r"^\| (.*?) \| (\d.*) \|$", (ROOT / "docs/benchmarks.md").read_text(), re.MULTILINE)
    assert len(rows) == 8
    for name, figures in rows[1:]:
        written = [float(figure) for figure in figures.split("|")]
        assert written == [round(ratio, 1 if ratio < 10 else 0) for ratio in measured[name]], name
