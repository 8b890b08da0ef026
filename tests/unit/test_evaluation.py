"""The evaluation: what follows from its counts, and what is left of it in a file."""

import dataclasses
import json
import resource
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evaluation import report
from evaluation.__main__ import main
from evaluation.errors import ReportError
from evaluation.smoke import Evaluation

EVALUATION = Evaluation(
    uri="http://127.0.0.1:8000/score",
    dataset="digits",
    digest="d" * 64,
    labels=(0, 1, 8),
    confusion_matrix=((48, 0, 2), (1, 49, 0), (0, 41, 59)),
    minimum_accuracy=0.75,
    seconds=1.25,
    time="2026-01-01T00:00:00+00:00",
)


def test_the_numbers_follow_from_the_matrix() -> None:
    """Rows are the sum, right ones the diagonal."""
    assert (EVALUATION.rows, EVALUATION.correct, EVALUATION.accuracy) == (200, 156, 0.78)


def test_exactly_the_minimum_passes() -> None:
    """The minimum is what is enough, not what has to be exceeded."""
    assert dataclasses.replace(EVALUATION, minimum_accuracy=0.78).passed
    assert not dataclasses.replace(EVALUATION, minimum_accuracy=0.781).passed


def test_the_worst_confusions_come_first_and_read_as_sentences() -> None:
    """The most frequent misreading leads; one of a kind is singular."""
    assert EVALUATION.worst_confusions() == [
        "41 eights were read as ones",
        "2 zeros were read as eights",
        "1 one was read as a zero",
    ]
    assert EVALUATION.worst_confusions(1) == ["41 eights were read as ones"]


def test_a_failed_verdict_names_both_numbers() -> None:
    """Whoever reads it knows how far away it was."""
    failed = dataclasses.replace(EVALUATION, minimum_accuracy=0.9)
    assert failed.verdict == "Accuracy 0.7800 on 200 images of digits (156 right) is below the minimum of 0.9."


@given(
    st.integers(1, 4).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(0, 10**6), min_size=size, max_size=size), min_size=size, max_size=size
        )
    ),
    st.floats(0, 1),
)
def test_what_was_written_is_what_is_read(matrix: list[list[int]], minimum_accuracy: float) -> None:
    """An evaluation survives its JSON, whatever its counts."""
    matrix[0][0] += 1
    evaluation = dataclasses.replace(
        EVALUATION,
        labels=tuple(range(len(matrix))),
        confusion_matrix=tuple(map(tuple, matrix)),
        minimum_accuracy=minimum_accuracy,
    )
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"uri": ...}, "lacks 'uri'"),
        ({"dataset": "digits"}, "or has it in another form"),
        ({"labels": ["a"]}, "or has it in another form"),
        ({"confusionMatrix": [[1, 2], [3]]}, "not square, or empty"),
        ({"confusionMatrix": []}, "not square, or empty"),
        ({"confusionMatrix": [[0] * 3] * 3}, "not square, or empty"),
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


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """A file is replaced whole or stays; nothing half-written lies beside it."""
    path = tmp_path / "evaluation.json"
    report.write(EVALUATION, path)
    with pytest.raises(ReportError, match="cannot be written: Not a directory"):
        report.write(EVALUATION, path / "below a file" / "evaluation.json")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # a disk that takes no more
    try:
        with pytest.raises(ReportError, match="cannot be written: File too large"):
            report.write(dataclasses.replace(EVALUATION, minimum_accuracy=1), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert report.read(path) == EVALUATION
    assert list(tmp_path.iterdir()) == [path]


def test_the_summary_is_plain_without_a_terminal_and_fits_80_columns() -> None:
    """CI logs get no escape codes, and the matrix keeps its columns."""
    output = StringIO()
    report.show(EVALUATION, Console(file=output, width=80))
    lines = output.getvalue().splitlines()
    assert lines[0] == f"PASSED  {EVALUATION.verdict}"
    assert lines[1].split() == ["read", "→", "0", "1", "8"]
    assert lines[4].split() == ["8", "·", "41", "59"]
    assert "\x1b" not in output.getvalue()


def test_the_exit_code_of_a_written_evaluation_is_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 passed, 1 failed, 2 not an evaluation: one sentence, no traceback."""
    passed, failed, other = (tmp_path / name for name in ("passed", "failed", "other"))
    report.write(EVALUATION, passed)
    report.write(dataclasses.replace(EVALUATION, minimum_accuracy=1), failed)
    other.write_text("[]")
    assert [main(["show", str(path)]) for path in (passed, failed, other, tmp_path / "none")] == [0, 1, 2, 2]
    errors = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in errors] == ["Not evaluated", "Not evaluated"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--minimum-accuracy", "95"], "95 is not a fraction from 0 to 1: write 0.95"),
        (["--minimum-accuracy", "-1"], "-1 is not a fraction from 0 to 1"),
        (["--rows", "0"], "0 is not a number of rows"),
        (["--dataset", "mnits"], "invalid choice: 'mnits'"),
    ],
)
def test_a_wrong_option_is_answered_with_the_right_one(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A percentage, no rows, a typo: exit 2 before anything is loaded."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert sentence in capsys.readouterr().err


def test_without_a_uri_it_says_where_one_comes_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option and the variable are both named."""
    monkeypatch.delenv("SCORING_URI", raising=False)
    assert main([]) == 2
    assert "--uri or in SCORING_URI" in capsys.readouterr().err
