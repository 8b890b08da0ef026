"""The report: one page that asks for nothing, JSON as published, a summary that fits a comment."""

import base64
import dataclasses
import json
import re
import resource
import zlib
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import jsonschema_rs
import numpy as np
import pytest
from PIL import Image

from digits.__main__ import main
from digits.datasets import load
from digits.evaluation import pictures, report
from digits.evaluation.comparison import compare
from digits.evaluation.evaluation_errors import ReportError
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.page import Page
from digits.evaluation.verdict import Thresholds
from tests.unit.evaluations import evaluated, images_of, zeros_ones_and_eights

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema_rs.validator_for(json.loads((ROOT / "docs" / "evaluation.schema.json").read_text()))
EVALUATION = zeros_ones_and_eights(subject={"model": "sklearn_mnist:4", "scoringDigest": "abc", "modelSha256": "f00"})
TRUTH = [0] * 50 + [1] * 50 + [8] * 100
DATASET = images_of(TRUTH)


def against_the_one_before() -> Evaluation:
    """Return the evaluation, compared with one that read two zeros and a one differently."""
    before = evaluated(TRUTH, [8, 8, *EVALUATION.predictions[2:]], subject={"model": "sklearn_mnist:3"})
    return dataclasses.replace(EVALUATION, comparison=compare(before, TRUTH, EVALUATION.predictions))


@pytest.mark.parametrize(
    "evaluation",
    [
        EVALUATION,
        against_the_one_before(),
        zeros_ones_and_eights(thresholds=Thresholds(1, 0.9, 10, 0.1), not_compared="other data", seconds=0.0),
        evaluated([7], [7], latencies_ms=(1.5,)),
    ],
    ids=["passed", "compared", "failed", "one image"],
)
def test_the_json_keeps_the_published_schema(evaluation: Evaluation) -> None:
    """Every key is described, every described key is there, no other."""
    document = json.loads(json.dumps(evaluation.to_json()))
    SCHEMA.validate(document)
    assert not SCHEMA.is_valid({**document, "more": 1})
    assert not SCHEMA.is_valid({name: value for name, value in document.items() if name != "predictions"})


class References(HTMLParser):
    """Collects what a page asks a browser to fetch or to follow, and what its pictures say to who cannot see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.alternatives: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the values of attributes that refer to something."""
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag == "img" and ("src", None) not in attrs:
            self.alternatives.append(dict(attrs).get("alt") or "")


def test_the_page_asks_for_nothing_outside() -> None:
    """Every reference is the page's own anchor or data in it, and the page makes the browser refuse any other."""
    page = Page(against_the_one_before(), DATASET).html()
    references = References(page)
    assert references.found
    assert all(reference.startswith(("#", "data:")) for reference in references.found)
    assert "@import" not in page
    assert not re.search(r"\burl\(", page)
    assert "default-src 'none'" in page
    assert all(references.alternatives)


def test_the_page_says_everything_that_was_asked_of_it() -> None:
    """Verdict, what was evaluated, pictures, samples, every miss, what got better."""
    page = Page(against_the_one_before(), DATASET).html()
    for said in (
        "✓ Passed",
        "78.00 % of 200 digits read right",
        EVALUATION.verdict.split("(")[0],
        "<dt>Model</dt><dd>sklearn_mnist:4</dd>",
        "<dt>Scoring digest</dt><dd>abc</dd>",
        "<dt>Model SHA-256</dt><dd>f00</dd>",
        "d" * 64,
        "Against sklearn_mnist:3, 2 rows got better and 0 worse",
        "41 eights were read as ones",
        "30 at random",
        "All 44 misses",
        "The service answers only labels, so how sure it was is not known.",
    ):
        assert said in page, said
    assert page.count('<button type="button" data-row=') == 44
    assert page.index("✓ Passed") < page.index("What was evaluated") < page.index("All 44 misses")


def test_every_miss_says_how_sure_the_service_was() -> None:
    """Where it did; the others say nothing of it."""
    first, second, *others = EVALUATION.misses
    sure = dataclasses.replace(EVALUATION, misses=((*first[:3], 0.833), second, *((*miss[:3], 0.5) for miss in others)))
    SCHEMA.validate(json.loads(json.dumps(sure.to_json())))
    page = Page(sure, DATASET).html()
    assert page.count("<small>50 %</small></button>") == 42
    assert page.count('data-row="48" data-truth="0" data-read="8" data-sure="83 %">') == 1
    assert "<span>0 → 8</span><small>83 %</small></button>" in page
    assert "<span>0 → 8</span></button>" in page
    assert "and how sure the service was of it" in page
    assert "answers only labels" not in page


def test_names_from_outside_stay_text() -> None:
    """A data set or model called like markup is shown, not run."""
    evil = "<script>alert(1)</script>|x\n`y` @team"
    evaluation = dataclasses.replace(EVALUATION, dataset=evil, subject={"model": evil}, uri='http://h/"><b>')
    page = Page(evaluation, DATASET)
    assert "<script>alert" not in page.html()
    assert '"><b>' not in page.html()
    summary = page.markdown()
    assert "<script>" not in summary.replace("\\<script\\>", "")
    assert "| Model | \\<script\\>alert(1)\\</script\\>\\|x \\`y\\` @\u200bteam |" in summary


def test_the_samples_are_the_same_for_the_same_data() -> None:
    """Two reports of one evaluation show the same thirty, each row once; of fewer images, all."""
    first, second = (Page(EVALUATION, DATASET).sampled for _ in range(2))
    assert first == second
    assert len(set(first)) == 30
    assert sorted(Page(evaluated([1, 2], [1, 1]), images_of([1, 2])).sampled) == [(0, 1, 1), (1, 2, 1)]


def test_misses_among_the_samples_are_red_and_inverted() -> None:
    """What was read right is ink on paper, what was read wrong is as the service saw it."""
    images = images_of([3, 8])
    page = Page(evaluated([3, 8], [3, 1]), images).html()
    right, miss = (
        base64.b64encode(pictures.thumbnail(image)).decode() for image in (255 - images.images[0], images.images[1])
    )
    assert f'<li><span>3</span><img width="28" height="28" loading="lazy" src="data:image/png;base64,{right}"' in page
    assert (
        f'<li class="miss"><span>1</span><img width="28" height="28" loading="lazy" src="data:image/png;base64,{miss}"'
        in page
    )


def test_the_matrix_picture_shows_only_shares_and_misreadings() -> None:
    """As the tutorial's: each row by its sum, so twice as many images are the same picture; what is right is black."""
    truth, read = [0] * 50 + [1] * 50 + [8] * 100, list(EVALUATION.predictions)
    assert pictures.matrix(evaluated(truth * 2, read * 2)) == pictures.matrix(EVALUATION)
    assert pictures.matrix(evaluated(truth, [1, *read[1:]])) != pictures.matrix(EVALUATION)
    for read, brightest in (([0, 1], 0), ([1, 0], 255)):
        drawn = np.asarray(Image.open(BytesIO(pictures.matrix(evaluated([0, 1], read)))).convert("L"))
        assert drawn[250:450, 300:700].max() == brightest


def test_a_sample_of_rows_shows_the_images_that_were_scored() -> None:
    """With some rows for all, row numbers are the data set's."""
    evaluation = evaluated([0, 0, 1, 1], [0, 1, 1, 1], dataset_rows=8)
    page = Page(evaluation, images_of([0, 5, 0, 5, 1, 5, 1, 5]))
    assert page.scored == [(0, 0, 0), (2, 0, 1), (4, 1, 1), (6, 1, 1)]
    assert "4 images of 8, spread evenly" in page.html()


def test_a_thumbnail_is_a_png_of_exactly_these_pixels() -> None:
    """Unfiltered lines in one zlib stream, which is what the page's script reads too."""
    image = DATASET.images[0]
    png = pictures.thumbnail(image)
    lines = np.frombuffer(zlib.decompress(png[41:-16]), np.uint8).reshape(28, 29)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert (lines[:, 0] == 0).all()
    assert (lines[:, 1:].ravel() == image).all()


def test_the_summary_fits_a_comment_and_folds_its_tables() -> None:
    """GitHub takes 65,536 characters; the verdict stands in the first lines."""
    summary = Page(against_the_one_before(), DATASET).markdown()
    lines = summary.splitlines()
    assert len(summary) < 10_000
    assert lines[0] == "### ✅ Passed: accuracy 0.7800 on 200 images of digits"
    assert "| minimumAccuracy | 0.75 | 0.78 | ✅ |" in lines
    assert "| **8** | · | 41 | 59 |" in lines
    assert summary.count("<details>") == summary.count("</details>") == 3
    assert Page(zeros_ones_and_eights(thresholds=Thresholds(1)), DATASET).markdown().startswith("### ❌ Failed")


def test_a_significant_loss_is_said_first_in_page_and_summary() -> None:
    """Passed, but neither green nor silent about it."""
    before = evaluated(TRUTH, TRUTH, subject={"model": "sklearn_mnist:3"})
    worse = dataclasses.replace(EVALUATION, comparison=compare(before, TRUTH, EVALUATION.predictions))
    page, summary = Page(worse, DATASET).html(), Page(worse, DATASET).markdown().splitlines()
    assert '<header class="worse">' in page
    assert "⚠ Passed, but worse" in page
    assert "✓ Passed<" not in page
    assert "<p>Accuracy fell from 1.0000 with sklearn_mnist:3 to 0.7800" in page
    assert summary[0] == "### ⚠️ Passed, but worse: accuracy 1.0000 → 0.7800 on 200 images of digits"
    assert summary[2].startswith("Accuracy fell from 1.0000 with sklearn")


def test_an_older_report_is_marked_once_and_a_new_one_is_not(tmp_path: Path) -> None:
    """The page and the summary say that they are of another change; marking where nothing lies is no error."""
    report.mark(tmp_path, "A <change> failed.")
    assert not list(tmp_path.iterdir())
    report.publish(EVALUATION, DATASET, tmp_path)
    for _ in range(2):
        report.mark(tmp_path, "A <change> failed.")
    said = "This report is of what was evaluated before."
    assert (tmp_path / report.PAGE_FILE).read_text().count(f"A &lt;change&gt; failed. {said}") == 1
    assert (tmp_path / report.SUMMARY_FILE).read_text().startswith(f"> ⚠️ A <change> failed. {said}\n\n### ")
    assert (tmp_path / report.SUMMARY_FILE).read_text().count(said) == 1
    assert report.read(tmp_path / report.JSON_FILE) == EVALUATION
    report.publish(EVALUATION, DATASET, tmp_path)
    assert said not in (tmp_path / report.PAGE_FILE).read_text() + (tmp_path / report.SUMMARY_FILE).read_text()


def test_page_json_and_summary_are_published_together(tmp_path: Path) -> None:
    """Three files of one evaluation; the JSON reads as it."""
    assert report.publish(EVALUATION, DATASET, tmp_path / "new") == tmp_path / "new" / "report.html"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "evaluation.json",
        "report.html",
        "summary.md",
    ]
    assert report.read(tmp_path / "new" / "evaluation.json") == EVALUATION


def test_a_full_disk_leaves_the_report_before(tmp_path: Path) -> None:
    """The page is too large for the disk: JSON and summary stay the old ones too, nothing is left next to them."""
    report.publish(EVALUATION, DATASET, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(ReportError, match=rf"^{re.escape(str(tmp_path))} cannot be written: File too large\.$"):
            report.publish(zeros_ones_and_eights(thresholds=Thresholds(1)), DATASET, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_page_needs_the_data_that_was_scored() -> None:
    """Images of other data would be shown as misses that never were."""
    with pytest.raises(
        ReportError,
        match=r"was made on digits with SHA-256 d{12}… \(200 rows\), and this is own.npz with e{12}… \(200 rows\)",
    ):
        report.publish(EVALUATION, images_of(TRUTH, "own.npz", "e" * 64), Path("nowhere"))


def test_only_the_pictures_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`report FILE --png DIR` writes PNGs and nothing else, `report FILE` the page next to the file."""
    data = load("digits", "test")
    evaluation = evaluated(data.labels.tolist(), [8] * data.rows, digest=data.digest, thresholds=Thresholds(0))
    report.write(evaluation, tmp_path / "evaluation.json")
    assert main(["report", str(tmp_path / "evaluation.json"), "--png", str(tmp_path / "png")]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(path.name for path in written) == ["confusion-matrix.png", "latency.png", "samples.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
    assert main(["report", str(tmp_path / "evaluation.json")]) == 0
    page = tmp_path / "report.html"
    assert capsys.readouterr().out == f"{page}\n"
    assert "All 407 misses" in page.read_text()


def test_a_model_that_reads_nothing_right_still_makes_a_page_that_opens() -> None:
    """Ten thousand misses are counted, two thousand shown, in less than 3 MB."""
    rows = 10_000
    truth = [at % 10 for at in range(rows)]
    evaluation = evaluated(truth, [(at + 1) % 10 for at in range(rows)])
    images = np.tile(load("digits", "test").images, (23, 1))[:rows]
    page = Page(evaluation, dataclasses.replace(images_of(truth), images=images)).html()
    assert "All 10,000 misses" in page
    assert "Here are the first 2,000." in page
    assert len(page.encode()) < 3_000_000


def test_dark_pictures_are_only_for_screens() -> None:
    """On paper the light ones are printed; both are PNGs."""
    page = Page(EVALUATION, DATASET).html()
    assert page.count('media="screen and (prefers-color-scheme: dark)"') == 2
    sources = [found for found in References(page).found if found.startswith("data:image/png;base64,")]
    assert all(base64.b64decode(source.partition(",")[2]).startswith(b"\x89PNG") for source in sources)
