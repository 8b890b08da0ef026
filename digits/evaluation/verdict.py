"""What is enough: thresholds, each held against its number; a failure names both and the worst confusions.

The names are those of the stack's settings, so that anyone who reads a failure finds what to change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digits.evaluation import confusions
from digits.evaluation.comparison import Comparison
from digits.evaluation.measured import Measured

_NAMES = {
    "minimumAccuracy": "minimum_accuracy",
    "minimumClassRecall": "minimum_class_recall",
    "maximumP95LatencyMs": "maximum_p95_latency_ms",
    "maximumDrop": "maximum_drop",
}
FORMS = {"uint8": "as uint8", "json": "as JSON", "float32": "as float32", "probabilities": "with probabilities"}

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
    measured: float | None  # None where there was nothing to measure
    passed: bool
    sentence: str

    @property
    def number(self) -> str:
        """What was measured, as it is shown."""
        return "not judged" if self.measured is None else f"{self.measured:.4g}"

    def to_json(self) -> dict[str, Any]:
        """Return what is written to a file."""
        return dict(vars(self))


def check(
    measured: Measured, thresholds: Thresholds, comparison: Comparison | None, other_data: str | None
) -> list[Check]:
    """Hold every threshold that is asked for against its number, and each answer against the first one.

    `other_data` says why there is no comparison if that is because the data changed: then no drop can be judged.
    """
    checks = [_accuracy(measured, thresholds.minimum_accuracy)]
    if thresholds.minimum_class_recall is not None:
        checks.append(_class_recall(measured, thresholds.minimum_class_recall))
    if thresholds.maximum_p95_latency_ms is not None:
        checks.append(_latency(measured, thresholds.maximum_p95_latency_ms))
    if thresholds.maximum_drop is not None and comparison is not None:
        checks.append(_drop(comparison, thresholds.maximum_drop))
    elif thresholds.maximum_drop is not None and other_data is not None:
        checks.append(_unjudged_drop(other_data, thresholds.maximum_drop))
    if measured.agreement.disagreements:
        checks.append(_agreement(measured))
    return checks


def _accuracy(measured: Measured, minimum: float) -> Check:
    low, high = measured.accuracy_interval
    found = (
        f"Accuracy {measured.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f}) on {measured.rows:,} images of "
        f"{measured.dataset} ({measured.correct:,} right)"
    )
    worst = measured.worst_confusions(_SHOWN)
    return _at_least("minimumAccuracy", minimum, measured.accuracy, found, worst)


def _class_recall(measured: Measured, minimum: float) -> Check:
    worst = min((score for score in measured.classes if score.images), key=lambda score: score.recall)
    found = f"Recall {worst.recall:.4f} of the {worst.images:,} {confusions.plural(worst.label)}, the worst class,"
    misread = measured.worst_confusions(_SHOWN, of=worst.label)
    return _at_least("minimumClassRecall", minimum, worst.recall, found, misread)


def _latency(measured: Measured, maximum: float) -> Check:
    p95 = measured.latency(95)
    passed = p95 <= maximum
    relation = "at most" if passed else "above"
    sentence = (
        f"p95 latency {p95:.1f} ms over {len(measured.latencies_ms):,} requests of one image is {relation} "
        f"the maximum of {maximum:g} ms{'' if passed else ' (maximumP95LatencyMs)'}."
    )
    return Check("maximumP95LatencyMs", maximum, p95, passed, sentence)


def _drop(comparison: Comparison, maximum: float) -> Check:
    """Let pass what chance may have made: only a loss that is significant and too large fails."""
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


def _unjudged_drop(other_data: str, maximum: float) -> Check:
    """Fail: a change of the data would otherwise let any loss pass."""
    sentence = (
        f"The drop cannot be judged (maximumDrop): {other_data}. Evaluate on the same rows, or leave maximumDrop out "
        f"for one release."
    )
    return Check("maximumDrop", maximum, None, passed=False, sentence=sentence)


def _agreement(measured: Measured) -> Check:
    """Fail: a service that answers one row with two labels was measured by only one of them."""
    agreement = measured.agreement
    row, form, rows, first, then = agreement.disagreements[0]
    count = len(agreement.disagreements)
    sentence = (
        f"The service contradicts itself (agreement): it read row {row:,} of {measured.dataset} as {first} "
        f"{_sending(measured.body, measured.rows)}, and as {then} {_sending(form, rows)}; "
        f"{count:,} of {agreement.answers:,} answers to rows that were sent again differ."
    )
    return Check("agreement", 0, count, passed=False, sentence=sentence)


def _sending(form: str, rows: int) -> str:
    """Say how a row was sent: as JSON by itself, as uint8 in a batch."""
    return f"{FORMS.get(form, form)} {'by itself' if rows == 1 else 'in a batch'}"


def _at_least(threshold: str, minimum: float, value: float, found: str, misread: list[str]) -> Check:
    passed = value >= minimum
    sentence = f"{found} is {'at least' if passed else 'below'} the minimum of {minimum:g}"
    if not passed:
        sentence += f" ({threshold})" + (f": {', '.join(misread)}" if misread else "")
    return Check(threshold, minimum, value, passed, f"{sentence}.")
