"""The measured numbers of one evaluation: the modules that judge them import this one, and it imports none of those."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from digits.evaluation import confusions


@dataclass(frozen=True)
class ClassScore:
    """How well one label is read: of how many images, and the usual three fractions."""

    label: int
    images: int
    precision: float
    recall: float
    f1: float


Miss = tuple[int, int, int, float | None]  # row of the data set, true label, what was read, how probable it was called
Disagreement = tuple[int, str, int, int, int]  # row of the data set, form, rows in the request, label first, label then


@dataclass(frozen=True)
class Agreement:
    """How many rows were sent again, in which forms, and which of them were then answered with another label."""

    forms: tuple[str, ...] = ()
    answers: int = 0
    disagreements: tuple[Disagreement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The service, the data, what it read, and how long it took.

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
    agreement: Agreement = Agreement()
    latencies_ms: tuple[float, ...]
    seconds: float
    body: str
    retries: int
    time: str
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

    @property
    def name(self) -> str:
        """What a sentence about a later evaluation calls this one: its model, or its time."""
        return self.subject.get("model") or f"the evaluation of {self.time}"

    @property
    def weaknesses(self) -> list[str]:
        """Why the data says little of the service, whatever the accuracy is."""
        true = [score for score in self.classes if score.images]
        if len(true) > 1:
            return []
        return [f"all {self.rows:,} images have the label {true[0].label}, so a constant answer passes"]

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


def spread(rows: int, of: int) -> list[int]:
    """Return which rows are taken when some stand for all: evenly over the data set."""
    return [at * of // rows for at in range(rows)]
