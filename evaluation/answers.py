"""What a service answered: labels, or one sentence about what it said instead."""

from typing import TYPE_CHECKING

from evaluation.errors import ServiceError

if TYPE_CHECKING:
    import httpx

_QUOTED = 200
_LARGEST_LABEL = 2**31 - 1


def labels_in(response: "httpx.Response", rows: int, uri: str) -> list[int]:
    """Return the labels in the answer to this many rows; anything else raises a ServiceError that quotes it."""
    if response.status_code in (401, 403):
        raise ServiceError(
            f"The service at {uri} refuses the key ({response.status_code}): "
            f"take the present one, keys change when they are regenerated."
        )
    if response.status_code != 200:  # noqa: PLR2004 - HTTP's own
        raise ServiceError(f"The service at {uri} answered {response.status_code}: {said(response)}")
    try:
        labels = response.json()
    except (ValueError, RecursionError):
        raise ServiceError(f"The service at {uri} answered something other than JSON: {said(response)}") from None
    if not isinstance(labels, list) or not all(map(_is_label, labels)):
        raise ServiceError(f"The service at {uri} answered something other than a list of labels: {said(response)}")
    if len(labels) != rows:
        raise ServiceError(f"The service at {uri} answered {len(labels)} labels for {rows} rows: score.py drops some.")
    return labels


def _is_label(value: object) -> bool:
    return type(value) is int and abs(value) <= _LARGEST_LABEL


def said(response: "httpx.Response") -> str:
    """Return the beginning of an answer on one line: the service's own sentence where it has one."""
    try:
        body = response.json()
        text = body["message"] if isinstance(body, dict) and isinstance(body.get("message"), str) else response.text
    except (ValueError, RecursionError):
        text = response.text
    text = " ".join(text.split())
    return (text if len(text) <= _QUOTED else text[:_QUOTED] + "…") or "nothing at all."
