"""Written evaluations and a stack's outputs, read back: people edit such files, and a killed run leaves half of one."""

from collections import Counter
from typing import Any

from digits.evaluation.comparison import Comparison
from digits.evaluation.evaluation_errors import ReportError
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.measured import Agreement, ClassScore
from digits.evaluation.verdict import Thresholds
from digits.fields import FieldError, Fields, Reader, each, number, optional, row, text, texts, truth, whole

_COUNT = whole(0)
_FRACTION = number(0, 1)


def read_evaluation(document: object) -> Evaluation:
    """Return the evaluation that its `to_json` described; raises ReportError."""
    try:
        evaluation = _evaluation(Fields(document))
    except FieldError as error:
        raise ReportError(f"{error}.") from error
    _require_consistent(evaluation)
    return evaluation


def read_thresholds(fields: Fields) -> Thresholds:
    """Return the thresholds among these fields; raises FieldError."""
    limits = dict.fromkeys(Thresholds().to_json(), optional(_FRACTION)) | {
        "maximumP95LatencyMs": optional(number(0)),
    }
    return Thresholds.from_json({name: fields.take(name, read, None) for name, read in limits.items()})


def _evaluation(fields: Fields) -> Evaluation:
    take, dataset = fields.take, fields.inner("dataset")
    predictions = take("predictions", each(whole(), 1))
    dataset_rows = dataset.take("rows", whole(1))
    at = whole(0, dataset_rows - 1)
    interval: Any = take("accuracyInterval", row(_FRACTION, _FRACTION))
    misses: Any = take("misses", each(row(at, whole(), whole(), optional(_FRACTION))))
    return Evaluation(
        uri=take("uri", text),
        dataset=dataset.take("name", text),
        digest=dataset.take("digest", text),
        dataset_rows=dataset_rows,
        labels=take("labels", each(whole(), 1)),
        confusion_matrix=take("confusionMatrix", each(each(_COUNT), 1)),
        classes=take("classes", each(_class_score)),
        accuracy_interval=interval,
        predictions=predictions,
        misses=misses,
        agreement=_agreement(fields.inner("agreement"), at),
        latencies_ms=fields.inner("latency").take("milliseconds", each(number(0), 1)),
        seconds=take("seconds", number(0)),
        body=take("body", text),
        retries=take("retries", _COUNT),
        time=take("time", text),
        thresholds=read_thresholds(fields.inner("thresholds")),
        comparison=_comparison(fields, len(predictions), dataset_rows),
        not_compared=take("notCompared", optional(text)),
        is_other_data=take("isOtherData", truth),
        subject=take("subject", texts),
    )


def _agreement(fields: Fields, at: Reader[int]) -> Agreement:
    disagreements: Any = fields.take("disagreements", each(row(at, text, whole(1), whole(), whole())))
    return Agreement(fields.take("forms", each(text)), fields.take("answers", _COUNT), disagreements)


def _class_score(value: object) -> ClassScore:
    take = Fields(value).take
    fractions = (take(name, _FRACTION) for name in ("precision", "recall", "f1"))
    return ClassScore(take("label", whole()), take("images", _COUNT), *fractions)


def _comparison(fields: Fields, rows: int, dataset_rows: int) -> Comparison | None:
    if fields.take("comparison", lambda value: value is None):
        return None
    take = fields.inner("comparison").take
    changes: Any = take("changes", each(row(whole(0, dataset_rows - 1), whole(), whole(), whole())))
    return Comparison(
        take("before", text), take("time", text), take("accuracy", _FRACTION), take("pValue", _FRACTION), changes, rows
    )


def _require_consistent(evaluation: Evaluation) -> None:
    """Refuse numbers that contradict each other: what follows from them would be nobody's measurement."""
    labels, matrix = evaluation.labels, evaluation.confusion_matrix
    if {len(labels)} != {len({*labels}), len(matrix), *map(len, matrix)}:
        raise ReportError("its confusion matrix is not square, with a row and a column for each label.")
    read = dict(zip(labels, map(sum, zip(*matrix, strict=True)), strict=True))
    if {label: count for label, count in read.items() if count} != Counter(evaluation.predictions):
        raise ReportError("its confusion matrix counts other rows than its predictions.")
    if [(score.label, score.images) for score in evaluation.classes] != list(
        zip(labels, map(sum, matrix), strict=True)
    ):
        raise ReportError("its classes are not those of its confusion matrix.")
    if evaluation.rows > evaluation.dataset_rows:
        raise ReportError("it counts more rows than its data set has.")
