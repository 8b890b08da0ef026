"""The evaluation: what follows from its counts, what is left of it in a file, and the command line around it."""

import dataclasses
import json
import math
import resource
import shutil
import struct
from io import StringIO
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from digits.__main__ import main
from digits.datasets import load
from digits.evaluation import report, terminal
from digits.evaluation.comparison import compare
from digits.evaluation.evaluation_errors import ReportError
from digits.evaluation.measured import Agreement
from digits.evaluation.reading import read_evaluation
from digits.evaluation.verdict import Thresholds
from tests.unit.evaluations import evaluated, zeros_ones_and_eights

ROOT = Path(__file__).parents[2]
EVALUATION = zeros_ones_and_eights()
FAILED = zeros_ones_and_eights(thresholds=Thresholds(minimum_accuracy=1))


def test_the_numbers_follow_from_the_matrix() -> None:
    """Rows are the sum, right ones the diagonal; scikit-learn's scores go by label."""
    assert (EVALUATION.rows, EVALUATION.correct, EVALUATION.accuracy) == (200, 156, 0.78)
    assert EVALUATION.confusion_matrix == ((48, 0, 2), (1, 49, 0), (0, 41, 59))
    eights = EVALUATION.classes[2]
    assert (eights.label, eights.images, eights.precision, eights.recall) == (8, 100, 0.967213, 0.59)


def test_the_record_says_how_fast_it_was() -> None:
    """Rows a second of the batches, three percentiles of single requests, and what had to be sent again."""
    document = dataclasses.replace(EVALUATION, retries=2).to_json()
    assert (document["rowsPerSecond"], document["seconds"], document["retries"]) == (160, 1.25, 2)
    assert {name: document["latency"][name] for name in ("p50", "p95", "p99")} == {"p50": 50, "p95": 95, "p99": 99}


def test_the_interval_is_wilson_s() -> None:
    """Held against his formula: 156 of 200 at 95 %."""
    share, rows, z = 0.78, 200, 1.959964
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z * math.sqrt(share * (1 - share) / rows + (z / (2 * rows)) ** 2) / (1 + z**2 / rows)
    assert EVALUATION.accuracy_interval == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_the_worst_confusions_come_first_and_read_as_sentences() -> None:
    """The most frequent misreading leads; one of a kind is singular."""
    assert EVALUATION.worst_confusions() == [
        "41 eights were read as ones",
        "2 zeros were read as eights",
        "1 one was read as a zero",
    ]
    assert EVALUATION.worst_confusions(1) == ["41 eights were read as ones"]
    assert EVALUATION.worst_confusions(of=0) == ["2 zeros were read as eights"]


LABELS = st.lists(st.tuples(st.integers(0, 12), st.integers(-3, 12), st.integers(0, 9)), min_size=1, max_size=40)


@settings(deadline=None)
@given(LABELS, st.none() | st.floats(0, 1), st.sampled_from([None, "other data"]))
def test_what_was_written_is_what_is_read(
    rows: list[tuple[int, int, int]], threshold: float | None, not_compared: str | None
) -> None:
    """An evaluation survives its JSON, whatever was read and compared."""
    truth, now, before = (list(column) for column in zip(*rows, strict=True))
    evaluation = evaluated(
        truth,
        now,
        thresholds=Thresholds(0.5, minimum_class_recall=threshold, maximum_drop=threshold),
        comparison=None if not_compared else compare(evaluated(truth, before), truth, now),
        not_compared=not_compared,
        is_other_data=not_compared is not None,
        agreement=Agreement(("uint8", "json"), 3, ((0, "json", 1, 0, 1),) if threshold else ()),
        subject={"model": "sklearn_mnist:3"},
    )
    evaluation = dataclasses.replace(
        evaluation, misses=tuple((*miss[:3], sure) for miss, sure in zip(evaluation.misses, cycle([threshold, None])))
    )
    assert read_evaluation(json.loads(json.dumps(evaluation.to_json()))) == evaluation


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"uri": ...}, "it lacks uri."),
        ({"dataset": "digits"}, 'dataset is "digits", not an object.'),
        ({"dataset": {"name": "digits"}}, "dataset lacks rows."),
        ({"labels": ["a"]}, 'labels[0] is "a", not a whole number.'),
        ({"labels": [0, 1, 1]}, "not square"),
        ({"labels": [0, 1, 7]}, "counts other rows than its predictions"),
        ({"classes": [{"label": 0}]}, "classes[0] lacks images."),
        ({"classes": []}, "its classes are not those of its confusion matrix"),
        ({"thresholds": {"minimumAccuracy": "0.9"}}, 'thresholds.minimumAccuracy is "0.9", not a number from 0 to 1.'),
        ({"seconds": float("nan")}, "seconds is NaN, not a number of 0 or more."),
        ({"retries": True}, "retries is true, not a whole number of 0 or more."),
        ({"confusionMatrix": [[1, 2], [3]]}, "not square"),
        ({"confusionMatrix": []}, "confusionMatrix is [], not a list of at least 1."),
        ({"confusionMatrix": [[0] * 3] * 3}, "counts other rows than its predictions"),
        ({"predictions": []}, "predictions is [], not a list of at least 1."),
        ({"agreement": {}}, "agreement lacks disagreements."),
        ({"isOtherData": 1}, "isOtherData is 1, not true or false."),
        ({"misses": ...}, "it lacks misses."),
        ({"misses": [[1, 2, 3]]}, "misses[0] is [1, 2, 3], not a list of 4."),
        ({"misses": [[1, 2, 3, "sure"]]}, 'misses[0][3] is "sure", not a number from 0 to 1.'),
    ],
)
def test_a_file_that_is_no_evaluation_is_one_sentence(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    """The file is named, and what it lacks."""
    document = {**EVALUATION.to_json(), **change}
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({name: value for name, value in document.items() if value is not ...}))
    with pytest.raises(ReportError) as raised:
        report.read(path)
    assert sentence in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """A file is replaced whole or stays; nothing half-written is left next to it."""
    path = tmp_path / "evaluation.json"
    report.write(EVALUATION, path)
    with pytest.raises(ReportError, match="cannot be written: Not a directory"):
        report.write(EVALUATION, path / "below a file" / "evaluation.json")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # a disk that takes no more
    try:
        with pytest.raises(ReportError, match="cannot be written: File too large"):
            report.write(FAILED, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert report.read(path) == EVALUATION
    assert list(tmp_path.iterdir()) == [path]


def test_the_summary_is_plain_without_a_terminal_and_fits_80_columns() -> None:
    """CI logs get no escape codes, and the matrix keeps its columns."""
    output = StringIO()
    terminal.show(EVALUATION, Console(file=output, width=80))
    lines = output.getvalue().splitlines()
    assert lines[0] == f"PASSED  {EVALUATION.verdict}"
    assert lines[1].split() == ["read", "→", "0", "1", "8"]
    assert lines[4].split() == ["8", "·", "41", "59"]
    assert lines[8] == "  one image: p50 50.0 ms, p95 95.0 ms, p99 99.0 ms"
    assert "\x1b" not in output.getvalue()


def test_a_significant_loss_is_not_green_on_the_terminal() -> None:
    """It passed, and the mark says in yellow that it is worse."""
    output = StringIO()
    read = [0] * 8 + [1] * 52
    before = evaluated([1] * 60, [1] * 60, subject={"model": "sklearn_mnist:1"})
    worse = evaluated([1] * 60, read, comparison=compare(before, [1] * 60, read))
    terminal.show(worse, Console(file=output, width=80, force_terminal=True, color_system="standard", no_color=False))
    headline = output.getvalue().splitlines()[0]
    assert headline.startswith("\x1b[1;33mPASSED, BUT WORSE\x1b[0m  Accuracy fell from 1.0000 with sklearn_mnist:1")


def test_the_exit_code_of_a_written_evaluation_is_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 passed, 1 failed, 2 not an evaluation: one sentence, no traceback."""
    passed, failed, other = (tmp_path / name for name in ("passed", "failed", "other"))
    report.write(EVALUATION, passed)
    report.write(FAILED, failed)
    other.write_text("[]")
    assert [main(["show", str(path)]) for path in (passed, failed, other, tmp_path / "none")] == [0, 1, 2, 2]
    errors = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in errors] == ["error", "error"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--minimum-accuracy", "95"], "95 is not a fraction from 0 to 1: write 0.95"),
        (["--minimum-accuracy", "-1"], "-1 is not a fraction from 0 to 1"),
        (["--minimum-class-recall", "most"], "most is not a number"),
        (["--maximum-p95-latency-ms", "0"], "0 is not a time in milliseconds"),
        (["--maximum-drop", "nan"], "nan is not a fraction from 0 to 1"),
        (["--rows", "0"], "0 is not a number of rows"),
        (["--rows", "ten"], "ten is not a number of rows"),
        (["--dataset", "mnits"], "there is no data set 'mnits': choose digits or mnist, or name a .npz or .csv"),
    ],
)
def test_a_wrong_option_is_answered_with_the_right_one(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A percentage, no rows, a typo: exit 2 before anything is loaded."""
    assert main(["evaluate", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_data_that_is_not_what_its_name_says_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other files under MNIST's names: one sentence with both digests, nothing is asked and no report is begun."""
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">HBBIII", 0, 8, 3, 1, 28, 28) + bytes(784))
    data = ["--dataset", "mnist", "--directory", str(tmp_path)]
    assert main(["evaluate", "--uri", "http://127.0.0.1:9/score", *data, "--report", str(tmp_path / "report")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"error: {tmp_path}/t10k-images-idx3-ubyte is not MNIST's t10k-images-idx3-ubyte: ")
    assert not (tmp_path / "report").exists()


def test_a_full_disk_is_exit_2_and_leaves_the_report_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence on stderr; the page that is there is the one that was."""
    data = load("digits", "test")
    evaluation = evaluated(data.labels.tolist(), [8] * data.rows, digest=data.digest)
    report.write(evaluation, tmp_path / "evaluation.json")
    (tmp_path / "report.html").write_text("the one before")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        assert main(["report", str(tmp_path / "evaluation.json")]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert capsys.readouterr().err == f"error: {tmp_path} cannot be written: File too large.\n"
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_a_uri_the_dev_stack_is_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And one that was never deployed is said to be so, before anything is started."""
    monkeypatch.delenv("SCORING_URI", raising=False)
    monkeypatch.setenv("AZUREML_EMULATOR_STATE", str(tmp_path / "none"))
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate"]) == 2
    assert capsys.readouterr().err == "error: Nothing is deployed in stack 'dev': run `make up` first.\n"


@pytest.mark.parametrize("uri", ["nonsense", "ftp://127.0.0.1/score", "http://", "http://:80:80/"])
def test_a_uri_that_is_none_is_shown_one(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is sent."""
    assert main(["evaluate", "--uri", uri]) == 2
    assert "is not a scoring URI: it looks like http://127.0.0.1:8000/score." in capsys.readouterr().err


def test_a_password_in_the_uri_reaches_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    """The URI is written into reports, so it must not hold one."""
    assert main(["evaluate", "--uri", "http://user:hunter2@127.0.0.1/score"]) == 2
    said = capsys.readouterr().err
    assert "holds a user or a password" in said
    assert "hunter2" not in said


def test_the_matrix_and_the_predictions_are_on_lines_that_can_be_read(tmp_path: Path) -> None:
    """A row of the matrix is a line, and so are ten thousand predictions."""
    path = tmp_path / "evaluation.json"
    report.write(dataclasses.replace(EVALUATION, dataset="a [1,  2].csv"), path)
    lines = path.read_text().splitlines()
    assert "    [0, 41, 59]" in lines
    assert lines[-2].startswith('  "predictions": [0, 0, ')
    assert report.read(path).dataset == "a [1,  2].csv"
