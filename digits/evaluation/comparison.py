"""Whether a release is better or worse than the one before, row by row, on the same images.

McNemar's exact test asks of the rows that changed whether as many got better as worse; the rest say nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from digits.evaluation.measured import Measured

SIGNIFICANT = 0.05

Change = tuple[int, int, int, int]  # row of the data set, true label, read before, read now


@dataclass(frozen=True)
class Comparison:
    """The rows that are right now and were wrong before, or the other way round, and what the test makes of them."""

    before: str  # what its owner called it: a model and its version
    time: str
    accuracy: float
    p_value: float
    changes: tuple[Change, ...]
    rows: int

    @property
    def better(self) -> list[Change]:
        """The rows that were wrong before."""
        return [change for change in self.changes if change[3] == change[1]]

    @property
    def worse(self) -> list[Change]:
        """The rows that were right before."""
        return [change for change in self.changes if change[3] != change[1]]

    @property
    def drop(self) -> float:
        """How much accuracy was lost; negative where it was won."""
        return (len(self.worse) - len(self.better)) / self.rows

    @property
    def is_significant(self) -> bool:
        """Whether chance would hardly make such a difference."""
        return self.p_value < SIGNIFICANT

    @property
    def is_loss(self) -> bool:
        """Whether more rows got worse than better, and more than chance would make."""
        return self.is_significant and self.drop > 0

    @property
    def loss(self) -> str:
        """A loss in one sentence, which a headline begins with."""
        return (
            f"Accuracy fell from {self.accuracy:.4f} with {self.before} to {self.accuracy - self.drop:.4f}: "
            f"{len(self.worse):,} rows got worse and {len(self.better):,} better (p = {self.p_value:.2g}, significant)."
        )

    @property
    def sentence(self) -> str:
        """What changed, in one sentence."""
        kind = "significant" if self.is_significant else "no more than chance"
        return (
            f"Against {self.before}, {len(self.better):,} rows got better and {len(self.worse):,} worse "
            f"(p = {self.p_value:.2g}, {kind})."
        )

    def to_json(self) -> dict[str, Any]:
        """Return what is written to a file."""
        return {
            "before": self.before,
            "time": self.time,
            "accuracy": self.accuracy,
            "drop": self.drop,
            "pValue": self.p_value,
            "better": len(self.better),
            "worse": len(self.worse),
            "changes": [list(change) for change in self.changes],
        }


def obstacle(before: Measured, digest: str, rows: Sequence[int]) -> str | None:
    """Say why an evaluation cannot be compared with one on these rows of the data with this digest, if it cannot."""
    if before.digest != digest:
        return f"{before.name} was evaluated on other data: {before.dataset}, SHA-256 {before.digest[:12]}…"
    if before.indices != list(rows):
        return f"{before.name} was evaluated on {before.rows:,} rows of this data, other ones than now"
    return None


def compare(before: Measured, truth: Sequence[int], predictions: Sequence[int]) -> Comparison:
    """Compare predictions with the earlier ones for the same rows."""
    from scipy.stats import binomtest  # slow to import, and most importers compare nothing

    rows = zip(before.indices, truth, before.predictions, predictions, strict=True)
    changes = tuple((row, true, then, now) for row, true, then, now in rows if (true == then) != (true == now))
    worse = sum(now != true for _, true, _, now in changes)
    p_value = float(binomtest(worse, len(changes)).pvalue) if changes else 1.0
    return Comparison(before.name, before.time, before.accuracy, p_value, changes, before.rows)
