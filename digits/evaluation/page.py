"""The report as a page for people and as a summary for a pull request: what is in them, and nothing of how they look.

The page is one file that asks for nothing outside; its looks are in templates/.
"""

import base64
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.evaluation import confusions, pictures
from digits.evaluation.comparison import Change
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.measured import Agreement
from digits.evaluation.scoring_answers import percent
from digits.evaluation.verdict import FORMS
from digits.rendering import render, text

if TYPE_CHECKING:
    from digits.datasets import Dataset

SAMPLES = 30
_SEED = 30
_MOST_MISSES = 2000  # 1 MB: a model that reads next to nothing right must not make a page that does not open
_MOST_CHANGES = 60


@dataclass(frozen=True)
class Digit:
    """One image with what it is and what was read, and where they matter what the release before read, and how sure."""

    row: int
    true: int
    read: int
    source: str
    before: int | None = None
    sure: str | None = None

    @property
    def is_miss(self) -> bool:
        """Whether it was read wrong."""
        return self.true != self.read


@dataclass(frozen=True)
class Page:
    """An evaluation with the images it was made on; the digests have to be the same."""

    evaluation: Evaluation
    dataset: "Dataset"

    @cached_property
    def scored(self) -> list[tuple[int, int, int]]:
        """Row of the data set, true label and what was read, of every image that was scored."""
        indices = self.evaluation.indices
        return list(zip(indices, self.dataset.labels[indices].tolist(), self.evaluation.predictions, strict=True))

    @cached_property
    def sampled(self) -> list[tuple[int, int, int]]:
        """Thirty of them, the same ones for the same data."""
        chosen = np.random.default_rng(_SEED).permutation(self.evaluation.rows)[:SAMPLES]
        return [self.scored[at] for at in chosen.tolist()]

    def html(self) -> str:
        """Return the page."""
        misses = [scored for scored in self.scored if scored[1] != scored[2]]
        sure = {row: percent(probability) for row, *_, probability in self.evaluation.misses if probability is not None}
        return render(
            "digits.evaluation",
            "report.html.j2",
            {"plural": confusions.plural, "parts": _parts},
            evaluation=self.evaluation,
            facts=self._facts(),
            worst_class=min(
                (score for score in self.evaluation.classes if score.images), key=lambda score: score.recall
            ),
            matrix={dark: _source(pictures.matrix(self.evaluation, dark=dark)) for dark in (False, True)},
            latency={dark: _source(pictures.latency(self.evaluation, dark=dark)) for dark in (False, True)},
            samples=[self._digit(*scored, inverted=scored[1] == scored[2]) for scored in self.sampled],
            misses=[self._digit(*scored, sure=sure.get(scored[0])) for scored in misses[:_MOST_MISSES]],
            is_sureness_known=bool(sure),
            misses_in_all=len(misses),
            changes=self._changes(),
        )

    def markdown(self) -> str:
        """Return the summary, which fits a pull request comment."""
        shown = {"evaluation": self.evaluation, "facts": self._facts()}
        return render("digits.evaluation", "summary.md.j2", {"text": text}, **shown)

    def png(self) -> dict[str, bytes]:
        """Return the pictures by their files' names."""
        rows, truth, read = zip(*self.sampled, strict=True)
        return {
            "confusion-matrix.png": pictures.matrix(self.evaluation),
            "samples.png": pictures.digits(self.dataset.images[list(rows)], truth, read),
            "latency.png": pictures.latency(self.evaluation),
        }

    def _digit(self, row: int, true: int, read: int, *, inverted: bool = False, **more: Any) -> Digit:
        """Return an image as the service saw it, white on black; inverted it is ink on paper."""
        image = self.dataset.images[row]
        return Digit(row, true, read, _source(pictures.thumbnail(255 - image if inverted else image)), **more)

    def _changes(self) -> dict[str, list[Digit]]:
        comparison = self.evaluation.comparison
        if comparison is None:
            return {}

        def digits(changes: list[Change]) -> list[Digit]:
            return [self._digit(row, true, now, before=before) for row, true, before, now in changes[:_MOST_CHANGES]]

        return {"worse": digits(comparison.worse), "better": digits(comparison.better)}

    def _facts(self) -> dict[str, str]:
        """Return what was evaluated, and how, by the words that stand in front of it."""
        evaluation = self.evaluation
        of = "" if evaluation.rows == evaluation.dataset_rows else f" of {evaluation.dataset_rows:,}, spread evenly"
        body = {"uint8": "a byte for each pixel", "json": "JSON"}.get(evaluation.body, evaluation.body)
        retries = f", {evaluation.retries} sent again" if evaluation.retries else ""
        speed = f"{evaluation.rows / evaluation.seconds:,.0f}" if evaluation.seconds else "countless"
        return {
            **{_words(name): value for name, value in evaluation.subject.items()},
            "Scoring URI": evaluation.uri,
            "Data": f"{evaluation.dataset}, {evaluation.rows:,} images{of}",
            "Data SHA-256": evaluation.digest,
            "Requests": f"{body}{retries}; {speed} images/s in batches",
            "Sent again": _sent_again(evaluation.agreement),
            "Time": evaluation.time,
        }


def _sent_again(agreement: Agreement) -> str:
    """Say how many answers were held against the first one, and in which forms."""
    differ = len(agreement.disagreements)
    outcome = f"{differ:,} differ" if differ else "all agree"
    forms = ", ".join(FORMS.get(form, form).removeprefix("as ") for form in agreement.forms)
    return f"{agreement.answers:,} rows in {forms}: {outcome}" if agreement.answers else "nothing"


def _words(name: str) -> str:
    """Return a camelCase name as words: scoringDigest is Scoring digest."""
    return " ".join(_parts(name)).capitalize().replace("sha256", "SHA-256")


def _source(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _parts(name: str) -> list[str]:
    """Return the words of a camelCase name, between which a narrow screen may break it."""
    return re.split(r"(?<=[a-z])(?=[A-Z])", name)
