"""What is enough: thresholds, each held against its number; a failure names both and the worst confusions.

The names are those of the stack's settings, so that anyone who reads a failure finds what to change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digits.evaluation import confusions

if TYPE_CHECKING:
    from digits.evaluation.evaluation_record import Evaluation

_NAMES = {
    "minimumAccuracy": "minimum_accuracy",
    "minimumClassRecall": "minimum_class_recall",
    "maximumP95LatencyMs": "maximum_p95_latency_ms",
    "maximumDrop": "maximum_drop",
}
_SHOWN = 3  # confusions in a failure's sentence


@dataclass(frozen=True)
class Thresholds:
    """Accuracy, recall and drop are fractions, latency is milliseconds; what is None is not asked for."""

    minimum_accuracy: float = 0.9
    minimum_class_recall: float | None = None
    maximum_p95_latency_ms: float | None = None
    maximum_drop: float | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Thresholds":
        """Return the thresholds among these settings; other keys are let be."""
        given = {ours: document.get(theirs) for theirs, ours in _NAMES.items()}
        return cls(**{name: float(value) for name, value in given.items() if value is not None})

    def to_json(self) -> dict[str, float | None]:
        """Return the thresholds by the names of the settings."""
        return {theirs: getattr(self, ours) for theirs, ours in _NAMES.items()}


@dataclass(frozen=True)
class Check:
    """One threshold held against its number; the sentence says how it went."""

    threshold: str
    limit: float
    measured: float
    passed: bool
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Return what is written to a file."""
        return dict(vars(self))


def check(evaluation: "Evaluation") -> list[Check]:
    """Hold every threshold that is asked for against the evaluation."""
    thresholds = evaluation.thresholds
    checks = [_accuracy(evaluation, thresholds.minimum_accuracy)]
    if thresholds.minimum_class_recall is not None:
        checks.append(_class_recall(evaluation, thresholds.minimum_class_recall))
    if thresholds.maximum_p95_latency_ms is not None:
        checks.append(_latency(evaluation, thresholds.maximum_p95_latency_ms))
    if thresholds.maximum_drop is not None and evaluation.comparison is not None:
        checks.append(_drop(evaluation, thresholds.maximum_drop))
    return checks


def _accuracy(evaluation: "Evaluation", minimum: float) -> Check:
    low, high = evaluation.accuracy_interval
    measured = (
        f"Accuracy {evaluation.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f}) on {evaluation.rows:,} images of "
        f"{evaluation.dataset} ({evaluation.correct:,} right)"
    )
    worst = evaluation.worst_confusions(_SHOWN)
    return _at_least("minimumAccuracy", minimum, evaluation.accuracy, measured, worst)


def _class_recall(evaluation: "Evaluation", minimum: float) -> Check:
    worst = min((score for score in evaluation.classes if score.images), key=lambda score: score.recall)
    measured = f"Recall {worst.recall:.4f} of the {worst.images:,} {confusions.plural(worst.label)}, the worst class,"
    misread = evaluation.worst_confusions(_SHOWN, of=worst.label)
    return _at_least("minimumClassRecall", minimum, worst.recall, measured, misread)


def _latency(evaluation: "Evaluation", maximum: float) -> Check:
    p95 = evaluation.latency(95)
    passed = p95 <= maximum
    relation = "at most" if passed else "above"
    sentence = (
        f"p95 latency {p95:.1f} ms over {len(evaluation.latencies_ms):,} requests of one image is {relation} "
        f"the maximum of {maximum:g} ms{'' if passed else ' (maximumP95LatencyMs)'}."
    )
    return Check("maximumP95LatencyMs", maximum, p95, passed, sentence)


def _drop(evaluation: "Evaluation", maximum: float) -> Check:
    """Let pass what chance may have made: only a loss that is significant and too large is one."""
    comparison = evaluation.comparison
    assert comparison is not None  # noqa: S101 - the caller asked
    passed = comparison.drop <= maximum or not comparison.is_significant
    if passed:
        return Check("maximumDrop", maximum, comparison.drop, passed, comparison.sentence)
    now = confusions.describe(((true, now) for _, true, _, now in comparison.worse), _SHOWN)
    sentence = (
        f"Accuracy fell by {comparison.drop:.4f} from {comparison.accuracy:.4f} with {comparison.before}, more than "
        f"the maximum of {maximum:g} (maximumDrop; {len(comparison.worse):,} rows got worse, "
        f"{len(comparison.better):,} better, p = {comparison.p_value:.2g}): newly, {', '.join(now)}."
    )
    return Check("maximumDrop", maximum, comparison.drop, passed, sentence)


def _at_least(threshold: str, minimum: float, value: float, measured: str, misread: list[str]) -> Check:
    passed = value >= minimum
    sentence = f"{measured} is {'at least' if passed else 'below'} the minimum of {minimum:g}"
    if not passed:
        sentence += f" ({threshold})" + (f": {', '.join(misread)}" if misread else "")
    return Check(threshold, minimum, value, passed, f"{sentence}.")
