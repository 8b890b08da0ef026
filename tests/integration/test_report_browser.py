"""The report in a real browser: it breaks nothing, fits a phone, and its gallery can be leafed through.

Chromium comes from the system's packages; Playwright drives it and brings none of its own.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from digits.datasets import Dataset, load
from digits.evaluation import report
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.smoke import Thresholds, metrics

ROWS, MISSES = 10_000, 800
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1100, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, headless."""
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        pytest.fail("There is no Chromium on PATH: install it, on Debian with `apt-get install chromium`.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable)
        yield running
        running.close()


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Ten thousand digits as large as MNIST's: the bundled ones, each copy moved elsewhere."""
    bundled = load("digits", "train")
    rows = np.arange(ROWS)
    moved = [np.roll(bundled.images, at, axis=1) for at in range(-5, 5)]
    images = np.concatenate(moved)[rows]
    return Dataset("mnist", images, np.tile(bundled.labels, 10)[rows], "d" * 64)


@pytest.fixture(scope="module")
def evaluation(dataset: Dataset) -> Evaluation:
    """One with 800 misses, each read as the next label, and a comparison to look at."""
    truth = dataset.labels.tolist()
    wrong = set(np.random.default_rng(0).permutation(ROWS)[:MISSES].tolist())
    read = [(label + 1) % 10 if row in wrong else label for row, label in enumerate(truth)]
    return Evaluation(
        uri="http://127.0.0.1:8000/score?it's",
        dataset="mnist",
        digest=dataset.digest,
        dataset_rows=ROWS,
        labels=tuple(range(10)),
        predictions=tuple(read),
        misses=tuple((row, label, read[row], row / ROWS) for row, label in enumerate(truth) if row in wrong),
        latencies_ms=tuple(1 + at / 10 for at in range(100)),
        seconds=0.5,
        body="uint8",
        retries=0,
        time="2026-01-01T00:00:00+00:00",
        thresholds=Thresholds(0.9, minimum_class_recall=0.99),
        subject={"model": "sklearn_mnist:4", "environment": "tutorial-env:" + "e" * 40, "scoringDigest": "f" * 64},
        **metrics(truth, read, list(range(10))),
    )


@pytest.fixture(scope="module")
def page_file(evaluation: Evaluation, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published page."""
    return report.publish(evaluation, dataset, tmp_path_factory.mktemp("report"))


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[Callable[[dict[str, int], str], Page]]:
    """Give a function that opens the page; whatever it complains of fails the test."""
    complaints: list[str] = []
    pages: list[Page] = []

    def start(size: dict[str, int], scheme: str = "light") -> Page:
        page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # literals of the library
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if _is_outside(request.url) else None)
        page.goto(page_file.as_uri())
        pages.append(page)
        return page

    yield start
    for page in pages:
        page.close()
    assert not complaints


def _is_outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:"))


Open = Callable[..., Page]


def test_ten_thousand_rows_fit_3_mb(page_file: Path) -> None:
    """With every one of the 800 misses in it."""
    assert page_file.stat().st_size < 3_000_000
    assert page_file.read_text().count('data-row="') == MISSES


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_picture_is_there_and_nothing_is_wider_than_the_screen(
    opened: Open, size: dict[str, int], scheme: str
) -> None:
    """No console message, no request, no picture that cannot be decoded, no scrolling sideways."""
    page = opened(size, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    pictures = page.locator("img[src]")
    assert pictures.count() > MISSES
    # Those of other pages are not loaded before they are shown; decode() fails for what is no picture.
    decode = "images => Promise.all(images.map(image => { image.loading = 'eager'; return image.decode(); }))"
    pictures.evaluate_all(decode)
    shown = page.locator("figure img").first.evaluate("image => image.currentSrc")
    light = page.locator("figure img").first.get_attribute("src")
    assert (shown == light) == (scheme == "light")


def test_the_gallery_is_leafed_through_by_page(opened: Open) -> None:
    """Sixty at a time, the last page is the rest, and the ends have no further."""
    page = opened(DESKTOP)
    shown, status = page.locator("#gallery li:not([hidden])"), page.locator("form output")
    assert (shown.count(), status.text_content()) == (60, "1 to 60 of 800")
    expect(page.get_by_label("Page before")).to_be_disabled()
    for _ in range(13):
        page.get_by_label("Next page").click()
    assert (shown.count(), status.text_content()) == (20, "781 to 800 of 800")
    expect(page.get_by_label("Next page")).to_be_disabled()


def test_the_misses_are_chosen_by_label_and_by_a_cell_of_the_matrix(opened: Open, evaluation: Evaluation) -> None:
    """As many as the cell says, and each of them is that misreading."""
    page = opened(PHONE)
    shown = page.locator("#gallery li:not([hidden]) button")
    page.locator(".matrix a[data-truth='8'][data-read='9']").click()
    count = evaluation.confusion_matrix[8][9]
    assert page.locator("form output").text_content() == f"1 to {min(count, 60)} of {count}"
    assert set(shown.locator("span").all_text_contents()) == {"8 → 9"}
    page.locator("select[name=read]").select_option("1")
    assert (shown.count(), page.locator("form output").text_content()) == (0, "none")


def test_the_gallery_works_from_the_keyboard(opened: Open) -> None:
    """Arrows move along the misses and between pages; Enter opens one, arrows leaf on, Escape returns to the last."""
    page = opened(DESKTOP)
    buttons = page.locator("#gallery button")
    buttons.nth(59).focus()
    page.keyboard.press("ArrowRight")
    expect(buttons.nth(60)).to_be_focused()
    assert page.locator("form output").text_content() == "61 to 120 of 800"
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    expect(dialog).to_be_visible()
    row = buttons.nth(60).get_attribute("data-row")
    expect(dialog.locator("h3")).to_contain_text(f"Row {row}: is ")
    expect(dialog.locator("h3")).to_have_text(
        re.compile(rf"was read as \d, {int(row or 0) / ROWS:.0%} sure".replace("%", r"\s%"))
    )
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator("h3")).to_contain_text(f"Row {buttons.nth(58).get_attribute('data-row')}: is ")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(buttons.nth(58)).to_be_focused()


def test_the_command_under_a_miss_sends_exactly_its_pixels(opened: Open, dataset: Dataset, tmp_path: Path) -> None:
    """A shell makes the image's bytes of it, and curl gets the URI, the type and the key's variable."""
    page = opened(DESKTOP)
    button = page.locator("#gallery button").nth(7)
    row = int(button.get_attribute("data-row") or -1)
    button.click()
    page.wait_for_function("document.querySelector('textarea').value")
    command = page.locator("textarea").input_value()
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nfor argument; do printf "%s\\n" "$argument"; done > "$OUT.arguments"\ncat > "$OUT"\n')
    curl.chmod(0o755)
    out = tmp_path / "out"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "OUT": str(out), "SCORING_KEY": "k3y"}
    subprocess.run(["sh", "-c", command], check=True, env=environment)
    assert out.read_bytes() == dataset.images[row].tobytes()
    assert (tmp_path / "out.arguments").read_text().splitlines() == [
        "-s",
        "http://127.0.0.1:8000/score?it's",
        "-H",
        "Authorization: Bearer k3y",
        "-H",
        "Content-Type: application/vnd.digits.uint8",
        "--data-binary",
        "@-",
    ]


def test_on_paper_every_miss_is_there(opened: Open) -> None:
    """Printing shows what the screen keeps on other pages, and none of the buttons that paper has not."""
    page = opened(DESKTOP, "dark")
    page.emulate_media(media="print")
    assert page.locator("#gallery li:visible").count() == MISSES
    assert page.locator("form:visible, nav:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"
