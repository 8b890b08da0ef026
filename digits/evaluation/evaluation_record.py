"""An evaluation as it is kept: what was measured is stored, the verdict follows from it.

The JSON is published as docs/evaluation.schema.json; a change to either is a change for whoever reads it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from digits.evaluation import confusions
from digits.evaluation.comparison import Comparison
from digits.evaluation.verdict import Check, Thresholds, check


@dataclass(frozen=True)
class ClassScore:
    """How well one label is read: of how many images, and the usual three fractions."""

    label: int
    images: int
    precision: float
    recall: float
    f1: float


Outcome = Literal["passed", "worse", "failed"]
Miss = tuple[int, int, int, float | None]  # row of the data set, true label, what was read, how probable it was called


@dataclass(frozen=True)
class Evaluation:
    """One evaluation: the service, the data, what it read, how long it took, and what would be enough.

    `subject` is what its owner wants to find again in the record: which model, which release. `predictions` are in the
    order of `indices`, which are rows of the data set. Latencies are of requests with one image each.
    """

    uri: str
    dataset: str
    digest: str
    dataset_rows: int
    labels: tuple[int, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    classes: tuple[ClassScore, ...]
    accuracy_interval: tuple[float, float]
    predictions: tuple[int, ...]
    misses: tuple[Miss, ...]
    latencies_ms: tuple[float, ...]
    seconds: float
    body: str
    retries: int
    time: str
    thresholds: Thresholds
    comparison: Comparison | None = None
    not_compared: str | None = None
    subject: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many images were scored."""
        return len(self.predictions)

    @property
    def indices(self) -> list[int]:
        """Which rows of the data set they are."""
        return spread(self.rows, self.dataset_rows)

    @property
    def correct(self) -> int:
        """How many were read right."""
        return sum(row[at] for at, row in enumerate(self.confusion_matrix))

    @property
    def accuracy(self) -> float:
        """The fraction read right."""
        return self.correct / self.rows

    @cached_property
    def checks(self) -> list[Check]:
        """Every threshold that is asked for, held against its number."""
        return check(self)

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
        """The evaluation in brief: a loss, the accuracy or every threshold missed, and what was not compared."""
        sentences = [check.sentence for check in self.checks if not check.passed] or [self.checks[0].sentence]
        if self.passed and self.loss:
            sentences = [self.loss, _permission(self.thresholds), *sentences]
        elif self.passed and self.comparison:
            sentences.append(self.comparison.sentence)
        if self.not_compared:
            sentences.append(f"Not compared with the release before: {self.not_compared}.")
        return " ".join(sentences)

    def latency(self, percent: int) -> float:
        """Return the milliseconds within which this many per cent of the requests were answered."""
        return sorted(self.latencies_ms)[-(-percent * len(self.latencies_ms) // 100) - 1]

    def worst_confusions(self, most: int = 3, of: int | None = None) -> list[str]:
        """Return the most frequent misreadings, of one true label or all, such as "41 eights were read as ones"."""
        counts = {
            (true, read): count
            for true, row in zip(self.labels, self.confusion_matrix, strict=True)
            for read, count in zip(self.labels, row, strict=True)
            if count and true != read and of in (None, true)
        }
        return confusions.describe(Counter(counts), most)

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
            "labels": list(self.labels),
            "confusionMatrix": [list(row) for row in self.confusion_matrix],
            "classes": [vars(score) for score in self.classes],
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
            "misses": [list(miss) for miss in self.misses],
            "predictions": list(self.predictions),
        }

    @classmethod
    def from_json(cls, document: Any) -> "Evaluation":  # noqa: ANN401 - whatever the file held
        """Return the evaluation that `to_json` described; raises ReportError."""
        from digits.evaluation.reading import read_evaluation  # noqa: PLC0415 - which makes this class

        return read_evaluation(document)


def spread(rows: int, of: int) -> list[int]:
    """Return which rows are taken when some stand for all: evenly over the data set."""
    return [at * of // rows for at in range(rows)]


def _permission(thresholds: Thresholds) -> str:
    """Say why a loss passes, by the name of the setting that would refuse it."""
    if thresholds.maximum_drop is None:
        return "No threshold forbids it, because maximumDrop is not set."
    return f"It is within the maximum of {thresholds.maximum_drop:g} (maximumDrop)."
