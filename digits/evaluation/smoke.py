"""Evaluates a live service: scores labelled digits through its URL and counts what comes back."""

from digits.cli.progress_bar import Progress

from collections.abc import Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from digits.evaluation.comparison import compare, obstacle
from digits.evaluation.evaluation_errors import EvaluationError, ServiceError
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.evidence import require_different
from digits.evaluation.measured import ClassScore, spread
from digits.evaluation.repetition import Repetition
from digits.evaluation.verdict import Thresholds

if TYPE_CHECKING:
    from digits.datasets import Dataset
    from digits.evaluation.scoring_client import Body

__all__ = ["Evaluation", "Thresholds", "evaluate", "metrics"]

_MOST_LABELS = 256  # a service that answers more kinds is no classifier of this data, and its matrix fills the memory


def evaluate(  # noqa: PLR0913 - what is asked, of whom, with what, and how much is enough
    uri: str,
    key: str | None,
    dataset: "Dataset",
    *,
    thresholds: Thresholds = Thresholds(),  # noqa: B008 - frozen
    rows: int | None = None,
    previous: Evaluation | None = None,
    subject: Mapping[str, str] | None = None,
    body: "Body" = "uint8",
    progress: Progress = lambda _done, _total: None,
) -> Evaluation:
    """Score the data set, or `rows` images spread evenly over it, and return what was measured, good or bad.

    Rows are scored in batches. Latency is then taken from up to a hundred requests with one image each, and some rows
    are sent in each other form. The service is asked only for the misses how sure it was. Every label counts: one that
    is another one for the same row is a failure.
    """
    from digits.evaluation.scoring_client import Client  # with numpy half a second, which a preview need not pay

    rows = dataset.rows if rows is None else min(rows, dataset.rows)
    if rows < 1:
        raise EvaluationError(f"{rows} rows cannot be evaluated: choose at least 1.")
    chosen = spread(rows, dataset.rows)
    images, truth = dataset.images[chosen], dataset.labels[chosen].tolist()
    require_different(images, dataset.name)
    with Client(uri, key, body) as client:
        started = perf_counter()
        predictions = client.score(images, progress)
        seconds = perf_counter() - started
        repetition = Repetition(client, images, chosen, predictions)
        latencies = repetition.time_singles()
        repetition.ask_in_other_forms()
        wrong = [at for at in range(rows) if predictions[at] != truth[at]]
        sure = repetition.ask_probabilities(wrong)
    labels = sorted({*dataset.labels.tolist(), *predictions})
    if len(set(predictions)) > _MOST_LABELS:
        raise ServiceError(
            f"The service at {uri} answered {len(set(predictions)):,} different labels: it reads no digits."
        )
    why_not = obstacle(previous, dataset.digest, chosen) if previous else None
    return Evaluation(
        uri=uri,
        dataset=dataset.name,
        digest=dataset.digest,
        dataset_rows=dataset.rows,
        labels=tuple(labels),
        predictions=tuple(predictions),
        misses=tuple(
            (chosen[at], truth[at], predictions[at], None if probability is None else round(probability, 3))
            for at, probability in zip(wrong, sure, strict=True)
        ),
        agreement=repetition.result(),
        latencies_ms=tuple(round(taken, 3) for taken in latencies),
        seconds=round(seconds, 4),
        body=client.body,
        retries=client.retries,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        thresholds=thresholds,
        comparison=compare(previous, truth, predictions) if previous and not why_not else None,
        not_compared=why_not,
        is_other_data=why_not is not None,
        subject=subject or {},
        **metrics(truth, predictions, labels),
    )


def metrics(truth: list[int], predictions: list[int], labels: list[int]) -> dict[str, Any]:
    """Return confusion matrix, scores of each class, and Wilson's 95 % interval of the accuracy."""
    import numpy as np  # with scikit-learn a second of imports, see above
    from scipy.stats import binomtest
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    # Of a single label scikit-learn makes the same, and a warning.
    counts = confusion_matrix(truth, predictions, labels=labels) if len(labels) > 1 else np.array([[len(truth)]])
    scores = precision_recall_fscore_support(truth, predictions, labels=labels, zero_division=0)
    interval = binomtest(int(counts.trace()), len(truth)).proportion_ci(method="wilson")
    return {
        "confusion_matrix": tuple(tuple(row) for row in counts.tolist()),
        "classes": tuple(
            ClassScore(label, int(images), *(round(score, 6) for score in (precision, recall, f1)))
            for label, precision, recall, f1, images in zip(
                labels, *(column.tolist() for column in scores), strict=True
            )
        ),
        "accuracy_interval": (round(float(interval.low), 6), round(float(interval.high), 6)),
    }
