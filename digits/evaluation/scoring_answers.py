"""What a service answered: labels and how sure it is of them, or one sentence about what it said instead."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from digits.datasets.labels import describe, whole_number
from digits.evaluation.evaluation_errors import ServiceError

if TYPE_CHECKING:
    import httpx

PROBABILITIES = "application/vnd.digits.probabilities+json"

_QUOTED = 200
_LARGEST_LABEL = 2**31 - 1


def labels_in(response: "httpx.Response", rows: int, uri: str) -> list[int]:
    """Return the labels in the answer to this many rows; anything else raises a ServiceError that quotes it."""
    if response.status_code in (401, 403):
        refused = f"({response.status_code})"
        if response.request.headers.get("Authorization"):
            raise ServiceError(
                f"The service at {uri} refuses the key {refused}: "
                f"take the present one, keys change when they are regenerated."
            )
        raise ServiceError(f"The service at {uri} wants a key {refused}, and none was sent: set SCORING_KEY.")
    if response.status_code != HTTPStatus.OK:
        raise ServiceError(f"The service at {uri} answered {response.status_code}: {said(response)}")
    try:
        labels = response.json()
    except (ValueError, RecursionError):
        raise ServiceError(f"The service at {uri} answered something other than JSON: {said(response)}") from None
    if not isinstance(labels, list):
        raise ServiceError(f"The service at {uri} answered something other than a list of labels: {said(response)}")
    if len(labels) != rows:
        raise ServiceError(f"The service at {uri} answered {len(labels)} labels for {rows} rows: score.py drops some.")
    return _numbers(labels, uri)


def _numbers(labels: list[Any], uri: str) -> list[int]:
    """Return labels by their value, whatever their type; raises a ServiceError where that is not beyond doubt."""
    texts = sum(isinstance(label, str) for label in labels)
    if 0 < texts < len(labels):
        raise ServiceError(
            f"The service at {uri} answered {texts:,} of {len(labels):,} labels as text and the others not: "
            f"have score.py answer all of them in one type."
        )
    numbers = []
    for row, label in enumerate(labels):
        number = whole_number(label)
        if number is None or abs(number) > _LARGEST_LABEL:
            raise ServiceError(
                f"The service at {uri} answered row {row} with {describe(label)}, but the labels of the data are whole "
                f"numbers: train the model on such labels, or have score.py answer with them."
            )
        numbers.append(number)
    return numbers


def probabilities_in(response: "httpx.Response", labels: Sequence[int], uri: str) -> list[tuple[int, float | None]]:
    """Return the label of each row by now, and how probable the given one is; None if it is not said, or another."""
    media_type = response.headers.get("Content-Type", "")
    if response.status_code != HTTPStatus.OK or not media_type.startswith((PROBABILITIES, "application/json")):
        return [(label, None) for label in labels]
    if not media_type.startswith(PROBABILITIES):
        return [(label, None) for label in labels_in(response, len(labels), uri)]
    found: list[tuple[int | None, float | None]]
    try:
        answer = response.json()
        columns = {number: at for at, number in enumerate(map(whole_number, answer["classes"]))}
        rows = zip(labels, map(whole_number, answer["labels"]), answer["probabilities"], strict=True)
        found = [(now, float(row[columns[label]]) if now == label else None) for label, now, row in rows]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        found = [(None, None)]
    known = [(now, each) for now, each in found if now is not None and (each is None or 0 <= each <= 1)]
    if len(known) < len(found):
        raise ServiceError(f"The service at {uri} answered something other than probabilities: {said(response)}")
    return known


def percent(probability: float) -> str:
    """Return a probability as it is read: 83 %."""
    return f"{100 * probability:.0f} %"


def said(response: "httpx.Response") -> str:
    """Return the beginning of an answer on one line: the service's own sentence where it has one."""
    try:
        body = response.json()
        text = body["message"] if isinstance(body, dict) and isinstance(body.get("message"), str) else response.text
    except (ValueError, RecursionError):
        text = response.text
    text = " ".join(text.split())
    return (text if len(text) <= _QUOTED else text[:_QUOTED] + "…") or "nothing at all."
