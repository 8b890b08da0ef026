"""An evaluation as it is kept: what was measured is stored, the verdict follows from it.

The JSON is published as docs/evaluation.schema.json; a change to either is a change for its readers.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from digits.evaluation.comparison import Comparison
from digits.evaluation.measured import Measured
from digits.evaluation.verdict import Check, Thresholds, check

Outcome = Literal["passed", "worse", "failed"]


@dataclass(frozen=True, kw_only=True)
class Evaluation(Measured):
    """What was measured, what would be enough, and how it compares with the release before.

    `is_other_data` says that there is no comparison because the data or its rows changed since that release.
    """

    thresholds: Thresholds
    comparison: Comparison | None = None
    not_compared: str | None = None
    is_other_data: bool = False

    @cached_property
    def checks(self) -> list[Check]:
        """Every threshold that is asked for, held against its number."""
        return check(self, self.thresholds, self.comparison, self.not_compared if self.is_other_data else None)

    @property
    def passed(self) -> bool:
        """Whether all of it is enough."""
        return all(check.passed for check in self.checks)

    @property
    def is_worse(self) -> bool:
        """Whether it is significantly worse than the release before, whatever the thresholds let pass."""
        return self.comparison is not None and self.comparison.is_loss

    @property
    def loss(self) -> str | None:
        """The loss in one sentence, if it is one."""
        return self.comparison.loss if self.comparison and self.is_worse else None

    @property
    def outcome(self) -> Outcome:
        """The headline's first word: a loss that no threshold forbids has passed, but is not simply good."""
        return ("worse" if self.is_worse else "passed") if self.passed else "failed"

    @property
    def verdict(self) -> str:
        """The evaluation in brief: a loss, the accuracy or every threshold missed, and what limits the evidence."""
        sentences = [check.sentence for check in self.checks if not check.passed] or [self.checks[0].sentence]
        if self.passed and self.loss:
            sentences = [self.loss, _permission(self.thresholds), *sentences]
        elif self.passed and self.comparison:
            sentences.append(self.comparison.sentence)
        if self.passed:
            sentences += [f"The evidence is weak: {weakness}." for weakness in self.weaknesses]
        if self.not_compared:
            sentences.append(f"Not compared with the release before: {self.not_compared}.")
        return " ".join(sentences)

    def to_json(self) -> dict[str, Any]:
        """Return what is written to a file: the measurements, and for other readers what follows from them."""
        return {
            "schemaVersion": 1,
            "passed": self.passed,
            "verdict": self.verdict,
            "accuracy": self.accuracy,
            "accuracyInterval": list(self.accuracy_interval),
            "minimumAccuracy": self.thresholds.minimum_accuracy,
            "thresholds": self.thresholds.to_json(),
            "checks": [check.to_json() for check in self.checks],
            "rows": self.rows,
            "correct": self.correct,
            "worstConfusions": self.worst_confusions(),
            "dataset": {"name": self.dataset, "digest": self.digest, "rows": self.dataset_rows},
            "weaknesses": self.weaknesses,
            "labels": list(self.labels),
            "confusionMatrix": [list(row) for row in self.confusion_matrix],
            "classes": [vars(score) for score in self.classes],
            "agreement": {
                "forms": list(self.agreement.forms),
                "answers": self.agreement.answers,
                "disagreements": [list(each) for each in self.agreement.disagreements],
            },
            "latency": {
                **{f"p{percent}": self.latency(percent) for percent in (50, 95, 99)},
                "milliseconds": list(self.latencies_ms),
            },
            "uri": self.uri,
            "body": self.body,
            "retries": self.retries,
            "seconds": self.seconds,
            "rowsPerSecond": round(self.rows / self.seconds) if self.seconds else None,
            "time": self.time,
            "subject": dict(self.subject),
            "comparison": self.comparison.to_json() if self.comparison else None,
            "notCompared": self.not_compared,
            "isOtherData": self.is_other_data,
            "misses": [list(miss) for miss in self.misses],
            "predictions": list(self.predictions),
        }


def _permission(thresholds: Thresholds) -> str:
    """Say why a loss passes, by the name of the setting that would refuse it."""
    if thresholds.maximum_drop is None:
        return "No threshold forbids it, because maximumDrop is not set."
    return f"It is within the maximum of {thresholds.maximum_drop:g} (maximumDrop)."
