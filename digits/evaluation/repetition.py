"""Sends rows again, singly and in each form that the service takes: each answer is held against the first one.

A fault that shows only in one form, in single rows, in one worker or after some requests is in no batch's labels.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digits.evaluation.measured import Agreement, Disagreement, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digits.evaluation.scoring_client import Client

_TIMED_REQUESTS = 100
_BATCH_ROWS = 50  # of each other form
_SINGLE_ROWS = 4  # of each other form, each over another connection


@dataclass
class Repetition:
    """Rows of one evaluation that are sent again: their numbers in the data set, and the labels from the first time."""

    client: "Client"
    images: "NDArray[np.uint8]"
    rows: "Sequence[int]"
    labels: "Sequence[int]"
    forms: list[str] = field(default_factory=list)
    answers: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def time_singles(self) -> list[float]:
        """Send up to a hundred rows singly, spread over all, and return the milliseconds of each."""
        # Each connection is opened by a request that is not timed.
        warm = self._spread(self.client.unopened)
        singles = self._spread(_TIMED_REQUESTS)
        taken = self.client.measure(self.images[warm + singles])
        self.forms.append(self.client.body)
        for at, (label, _) in zip(warm + singles, taken, strict=True):
            self._judge(self.client.body, [at], [label])
        return [milliseconds for _, milliseconds in taken[len(warm) :]]

    def ask_in_other_forms(self) -> None:
        """Send a batch and single rows in each other form that the service takes."""
        for form in self.client.other_forms():
            for chosen in [self._spread(_BATCH_ROWS), *([at] for at in self._spread(_SINGLE_ROWS))]:
                labels = self.client.score_as(form, self.images[chosen])
                if labels is None:
                    break
                self._judge(form, chosen, labels)
            else:
                self.forms.append(form)

    def ask_probabilities(self, chosen: list[int]) -> list[float | None]:
        """Return how probable the service calls the labels of these rows; None where it does not say."""
        found = self.client.probabilities(self.images[chosen], [self.labels[at] for at in chosen])
        self._judge("probabilities", chosen, [label for label, _ in found])
        return [probability for _, probability in found]

    def result(self) -> Agreement:
        """Return what was found."""
        return Agreement(tuple(self.forms), self.answers, tuple(self.disagreements))

    def _spread(self, most: int) -> list[int]:
        return spread(min(most, len(self.labels)), len(self.labels))

    def _judge(self, form: str, chosen: list[int], labels: list[int]) -> None:
        self.answers += len(chosen)
        self.disagreements += [
            (self.rows[at], form, len(chosen), self.labels[at], label)
            for at, label in zip(chosen, labels, strict=True)
            if label != self.labels[at]
        ]
