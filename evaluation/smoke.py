"""The verdict on a live service: which labelled digits it reads right, and whether that is enough.

An Evaluation holds what was counted; what follows from the counts (accuracy, verdict, worst confusions) is computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from evaluation.errors import EvaluationError, ReportError
from evaluation.progress import Progress

if TYPE_CHECKING:
    from evaluation.datasets import Dataset

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Evaluation:
    """One evaluation: the service, the data, the counts, the threshold, when and how long.

    `subject` is what its owner wants to find again in the record: which model, which release.
    """

    uri: str
    dataset: str
    digest: str
    labels: tuple[int, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    minimum_accuracy: float
    seconds: float
    time: str
    subject: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many images were scored."""
        return sum(map(sum, self.confusion_matrix))

    @property
    def correct(self) -> int:
        """How many were read right."""
        return sum(row[at] for at, row in enumerate(self.confusion_matrix))

    @property
    def accuracy(self) -> float:
        """The fraction read right."""
        return self.correct / self.rows

    @property
    def passed(self) -> bool:
        """Whether the accuracy is enough."""
        return self.accuracy >= self.minimum_accuracy

    @property
    def verdict(self) -> str:
        """The evaluation in one sentence."""
        relation = "at least" if self.passed else "below"
        return (
            f"Accuracy {self.accuracy:.4f} on {self.rows:,} images of {self.dataset} ({self.correct:,} right) "
            f"is {relation} the minimum of {self.minimum_accuracy:g}."
        )

    def worst_confusions(self, most: int = 3) -> list[str]:
        """Return the most frequent misreadings, such as "41 eights were read as ones"."""
        misread = [
            (count, true, read)
            for true, row in zip(self.labels, self.confusion_matrix, strict=True)
            for read, count in zip(self.labels, row, strict=True)
            if count and true != read
        ]
        misread.sort(key=lambda confusion: (-confusion[0], confusion[1:]))
        return [_sentence(*confusion) for confusion in misread[:most]]

    def to_json(self) -> dict[str, Any]:
        """Return what is written to a file: the counts, and for other readers what follows from them."""
        return {
            "passed": self.passed,
            "verdict": self.verdict,
            "accuracy": self.accuracy,
            "minimumAccuracy": self.minimum_accuracy,
            "rows": self.rows,
            "correct": self.correct,
            "worstConfusions": self.worst_confusions(),
            "dataset": {"name": self.dataset, "digest": self.digest},
            "labels": list(self.labels),
            "confusionMatrix": [list(row) for row in self.confusion_matrix],
            "uri": self.uri,
            "seconds": round(self.seconds, 3),
            "time": self.time,
            "subject": dict(self.subject),
        }

    @classmethod
    def from_json(cls, document: Any) -> "Evaluation":  # noqa: ANN401 - whatever the file held
        """Return the evaluation that `to_json` described."""
        try:
            evaluation = cls(
                uri=str(document["uri"]),
                dataset=str(document["dataset"]["name"]),
                digest=str(document["dataset"]["digest"]),
                labels=tuple(int(label) for label in document["labels"]),
                confusion_matrix=tuple(tuple(int(count) for count in row) for row in document["confusionMatrix"]),
                minimum_accuracy=float(document["minimumAccuracy"]),
                seconds=float(document["seconds"]),
                time=str(document["time"]),
                subject={str(name): str(value) for name, value in document.get("subject", {}).items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReportError(f"it lacks {error} or has it in another form.") from error
        sides = {len(evaluation.labels), len(evaluation.confusion_matrix), *map(len, evaluation.confusion_matrix)}
        if len(sides) != 1 or evaluation.rows == 0:
            raise ReportError("its confusion matrix is not square, or empty.")
        return evaluation


def evaluate(  # noqa: PLR0913 - what is asked, of whom, with what, and how much is enough
    uri: str,
    key: str | None,
    dataset: "Dataset",
    *,
    rows: int | None = None,
    minimum_accuracy: float = 0.9,
    subject: Mapping[str, str] | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Evaluation:
    """Score the data set, or `rows` images spread evenly over it, and return what was counted, good or bad."""
    import numpy as np  # noqa: PLC0415 - with scikit-learn a second of imports, which a preview need not pay
    from sklearn.metrics import confusion_matrix  # noqa: PLC0415

    from evaluation.client import score  # noqa: PLC0415

    rows = dataset.rows if rows is None else min(rows, dataset.rows)
    if rows < 1:
        raise EvaluationError(f"{rows} rows cannot be evaluated: choose at least 1.")
    chosen = np.arange(rows) * dataset.rows // rows
    truth = dataset.labels[chosen].astype(int)
    started = perf_counter()
    predictions = score(uri, key, dataset.images[chosen], progress)
    seconds = perf_counter() - started
    labels = sorted({*range(len(_DIGITS)), *predictions})
    counts = confusion_matrix(truth, predictions, labels=labels)
    return Evaluation(
        uri=uri,
        dataset=dataset.name,
        digest=dataset.digest,
        labels=tuple(labels),
        confusion_matrix=tuple(tuple(row) for row in counts.tolist()),
        minimum_accuracy=minimum_accuracy,
        seconds=seconds,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        subject=subject or {},
    )


def _sentence(count: int, true: int, read: int) -> str:
    if count == 1:
        article = "an" if read == _DIGITS.index("eight") else "a"
        return f"1 {_word(true)} was read as {article} {_word(read)}"
    return f"{count} {_plural(true)} were read as {_plural(read)}"


def _word(label: int) -> str:
    return _DIGITS[label] if 0 <= label < len(_DIGITS) else str(label)


def _plural(label: int) -> str:
    word = _word(label)
    return f"{word}es" if word.endswith("x") else f"{word}s"
