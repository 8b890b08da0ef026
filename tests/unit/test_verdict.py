"""The verdict: thresholds compared with their numbers, and a loss distinguished from noise."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.evaluation.comparison import compare, obstacle
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.reading import read_evaluation
from digits.evaluation.verdict import Thresholds
from tests.unit.evaluations import evaluated, zeros_ones_and_eights


def judged(**thresholds: float) -> Evaluation:
    """Return the 200 images under these thresholds, accuracy out of the way unless it is among them."""
    return zeros_ones_and_eights(thresholds=Thresholds(**{"minimum_accuracy": 0, **thresholds}))


def test_exactly_the_limit_passes() -> None:
    """A minimum is what is enough, a maximum what is still allowed."""
    for limits in ({"minimum_accuracy": 0.78}, {"minimum_class_recall": 0.59}, {"maximum_p95_latency_ms": 95}):
        assert judged(**limits).passed, limits
    for limits in ({"minimum_accuracy": 0.781}, {"minimum_class_recall": 0.591}, {"maximum_p95_latency_ms": 94.9}):
        assert not judged(**limits).passed, limits


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        (
            {"minimum_accuracy": 0.9},
            (
                "Accuracy 0.7800 (95 % interval 0.7176 to 0.8318) on 200 images of digits (156 right) is below the "
                "minimum of 0.9 (minimumAccuracy): 41 eights were read as ones, 2 zeros were read as eights, "
                "1 one was read as a zero."
            ),
        ),
        (
            {"minimum_class_recall": 0.8},
            (
                "Recall 0.5900 of the 100 eights, the worst class, is below the minimum of 0.8 (minimumClassRecall): "
                "41 eights were read as ones."
            ),
        ),
        (
            {"maximum_p95_latency_ms": 12.5},
            "p95 latency 95.0 ms over 100 requests of one image is above the maximum of 12.5 ms (maximumP95LatencyMs).",
        ),
    ],
)
def test_a_failure_names_threshold_number_and_worst_confusions(limits: dict[str, float], verdict: str) -> None:
    """It says which setting it was, how far away, and what to look at."""
    assert judged(**limits).verdict == verdict


def test_all_failures_are_reported_at_once() -> None:
    """A fix of one does not only then reveal the next."""
    evaluation = judged(minimum_accuracy=0.9, minimum_class_recall=0.8, maximum_p95_latency_ms=1)
    assert [check.passed for check in evaluation.checks] == [False] * 3
    for name in ("minimumAccuracy", "minimumClassRecall", "maximumP95LatencyMs"):
        assert name in evaluation.verdict


def test_a_class_without_images_has_no_recall_to_miss() -> None:
    """A label that was read but never true is nobody's worst class."""
    assert evaluated([0, 0, 1, 1], [0, 0, 1, 7], thresholds=Thresholds(0, minimum_class_recall=0.5)).passed


def test_a_percentile_is_a_request_that_was_measured() -> None:
    """Of a hundred the 95th, of one the one; never a number between two."""
    assert [zeros_ones_and_eights().latency(percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert zeros_ones_and_eights(latencies_ms=(7.0,)).latency(95) == 7.0
    assert [zeros_ones_and_eights(latencies_ms=(3.0, 1.0, 2.0)).latency(percent) for percent in (50, 95)] == [2, 3]


def compared(better: int, worse: int, same: int, maximum_drop: float | None) -> Evaluation:
    """Return an evaluation of as many images as changed and stayed, against the one before."""
    truth = [8] * (better + worse + same)
    then = evaluated(truth, [1] * better + [8] * (worse + same), subject={"model": "sklearn_mnist:3"})
    now = [8] * better + [1] * worse + [8] * same
    thresholds = Thresholds(0, maximum_drop=maximum_drop)
    return evaluated(truth, now, comparison=compare(then, truth, now), thresholds=thresholds)


def test_a_real_loss_blocks() -> None:
    """Thirty rows worse and five better is no chance, and more than was allowed."""
    evaluation = compared(better=5, worse=30, same=965, maximum_drop=0.01)
    assert evaluation.verdict == (
        "Accuracy fell by 0.0250 from 0.9950 with sklearn_mnist:3, more than the maximum of 0.01 (maximumDrop; "
        "30 rows got worse, 5 better, p = 2.2e-05): newly, 30 eights were read as ones."
    )


def test_noise_does_not_block() -> None:
    """Four rows worse of ten is more than was allowed and still no evidence."""
    evaluation = compared(better=0, worse=4, same=6, maximum_drop=0.01)
    assert evaluation.passed
    assert "0 rows got better and 4 worse (p = 0.12, no more than chance)" in evaluation.verdict


def test_a_significant_loss_within_the_maximum_does_not_block() -> None:
    """Who allows a loss of three per cent gets it."""
    evaluation = compared(better=5, worse=30, same=965, maximum_drop=0.03)
    assert evaluation.passed
    assert evaluation.outcome == "worse"
    assert evaluation.verdict.startswith(
        "Accuracy fell from 0.9950 with sklearn_mnist:3 to 0.9700: 30 rows got worse and 5 better "
        "(p = 2.2e-05, significant). It is within the maximum of 0.03 (maximumDrop). Accuracy 0.9700 "
    )


def test_a_significant_loss_is_the_headline_if_no_threshold_forbids_it() -> None:
    """Eight rows of sixty are no chance: it passes, and the first sentence says the loss and the setting."""
    evaluation = compared(better=0, worse=8, same=52, maximum_drop=None)
    assert (evaluation.passed, evaluation.outcome) == (True, "worse")
    assert evaluation.verdict.startswith(
        "Accuracy fell from 1.0000 with sklearn_mnist:3 to 0.8667: 8 rows got worse and 0 better "
        "(p = 0.0078, significant). No threshold forbids it, because maximumDrop is not set. Accuracy 0.8667 "
    )
    again = read_evaluation(json.loads(json.dumps(evaluation.to_json())))
    assert again.outcome == "worse", "the written record says it too"


@pytest.mark.parametrize(("better", "worse"), [(8, 0), (0, 4), (0, 0)])
def test_a_gain_or_a_chance_is_no_loss(better: int, worse: int) -> None:
    """The mark stays plain where nothing significant was lost."""
    assert compared(better, worse, 52, maximum_drop=None).outcome == "passed"


def test_what_fails_is_failed_however_it_compares() -> None:
    """A loss that a threshold forbids is not marked as passed."""
    assert compared(better=5, worse=30, same=965, maximum_drop=0.01).outcome == "failed"


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_gain_never_blocks(better: int, worse: int) -> None:
    """However many rows changed: at least as many better as worse is no drop."""
    assert compared(max(better, worse), min(better, worse), 10, maximum_drop=0).passed


def test_a_first_release_has_nothing_to_fall_from() -> None:
    """A maximum drop without a release before is not a failure, and no check that pretends to have been made."""
    evaluation = judged(maximum_drop=0)
    assert evaluation.passed
    assert [check.threshold for check in evaluation.checks] == ["minimumAccuracy"]


def test_other_rows_are_not_compared_and_the_verdict_says_so() -> None:
    """Other data, or other rows of it: the two accuracies say nothing of each other."""
    before = zeros_ones_and_eights(subject={"model": "sklearn_mnist:3"})
    assert obstacle(before, before.digest, before.indices) is None
    other_data = obstacle(before, "e" * 64, before.indices)
    assert other_data == "sklearn_mnist:3 was evaluated on other data: digits, SHA-256 dddddddddddd…"
    assert "200 rows of this data, other ones than now" in str(obstacle(before, before.digest, [0, 1]))
    verdict = dataclasses.replace(before, not_compared=other_data).verdict
    assert verdict.endswith(f"Not compared with the release before: {other_data}.")
