"""Scores images through a service's URL: batches, the key, and every answer checked before it counts.

The request is the tutorial's: {"data": [[784 numbers from 0 to 1], …]} with Authorization: Bearer <key>.
"""

from typing import TYPE_CHECKING

from evaluation.errors import ServiceError
from evaluation.progress import Progress

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

_BATCH_ROWS = 250  # 2 MB of JSON: a second of work at most, so progress moves and no time-out is near
_TIMEOUT_SECONDS = 60
_QUOTED = 200


def score(
    uri: str, key: str | None, images: "NDArray[np.uint8]", progress: Progress = lambda _done, _total: None
) -> list[int]:
    """Return one label for each image, in their order; progress counts images. No key means none is sent."""
    import httpx  # noqa: PLC0415 - a quarter of a second that importers of the program's modules need not pay

    labels: list[int] = []
    progress(0, len(images))
    try:
        # A proxy that the environment names cannot reach a service on this machine.
        is_here = httpx.URL(uri).host in ("127.0.0.1", "localhost")
        with httpx.Client(headers=_authorization(key), timeout=_TIMEOUT_SECONDS, trust_env=not is_here) as client:
            for first in range(0, len(images), _BATCH_ROWS):
                batch = images[first : first + _BATCH_ROWS]
                response = client.post(uri, json={"data": (batch / 255).tolist()})
                labels += _labels(response, len(batch), uri)
                progress(len(labels), len(images))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ServiceError(f"{uri!r} is not a scoring URI: it looks like http://127.0.0.1:8000/score.") from error
    except httpx.TimeoutException as error:
        raise ServiceError(
            f"The service at {uri} took longer than {_TIMEOUT_SECONDS} s for {_BATCH_ROWS} rows: look at its log."
        ) from error
    except httpx.TransportError as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise ServiceError(f"No service answers at {uri} ({reason}): is it deployed and running?") from error
    return labels


def _authorization(key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    # Checked here: the HTTP library's own complaint would quote the key.
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ServiceError("The key of the service is empty or holds characters that no key has: copy it again.")
    return {"Authorization": f"Bearer {key}"}


def _labels(response: "httpx.Response", rows: int, uri: str) -> list[int]:
    """Return the labels in the answer to this many rows."""
    if response.status_code in (401, 403):
        raise ServiceError(
            f"The service at {uri} refuses the key ({response.status_code}): "
            f"take the present one, keys change when they are regenerated."
        )
    if response.status_code != 200:  # noqa: PLR2004 - HTTP's own
        raise ServiceError(f"The service at {uri} answered {response.status_code}: {_said(response)}")
    try:
        labels = response.json()
    except ValueError:
        raise ServiceError(f"The service at {uri} answered something other than JSON: {_said(response)}") from None
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise ServiceError(f"The service at {uri} answered something other than a list of labels: {_said(response)}")
    if len(labels) != rows:
        raise ServiceError(f"The service at {uri} answered {len(labels)} labels for {rows} rows: score.py drops some.")
    return labels


def _said(response: "httpx.Response") -> str:
    """Return the beginning of an answer on one line: the service's own sentence where it has one."""
    try:
        body = response.json()
        text = body["message"] if isinstance(body, dict) and isinstance(body.get("message"), str) else response.text
    except ValueError:
        text = response.text
    text = " ".join(text.split())
    return (text if len(text) <= _QUOTED else text[:_QUOTED] + "…") or "nothing at all."
