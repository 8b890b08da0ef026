"""Scores images through a service's URL: batches, the key, and every answer checked before it counts.

The body is a byte for each pixel where the service takes that, otherwise the tutorial's JSON:
{"data": [[784 numbers from 0 to 1], …]}, with Authorization: Bearer <key>.
Requests go over a few connections in turn, because a connection stays with one of the service's workers.
Scoring changes nothing, so a request that found no server, or an overloaded one, is sent again, within bounds.
"""

from digits.cli.progress_bar import Progress

import itertools
import ssl
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Self

from digits import bounded_answer
from digits.evaluation.evaluation_errors import ServiceError
from digits.evaluation.scoring_answers import PROBABILITIES, labels_in, probabilities_in, said
from digits.evaluation.trust import explain, trusted

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

Body = Literal["uint8", "json", "float32"]

_BATCH_ROWS = 250  # 2 MB of JSON: a second of work at most, so progress moves and no time-out is near
_TIMEOUT_SECONDS = 60
_LARGEST_ANSWER = 4 * 2**20  # bytes: a batch's probabilities have 100 kB
CONNECTIONS = 8  # four reach both of two workers in 19 of 20 evaluations
_UINT8_TYPE, _FLOAT32_TYPE = "application/vnd.digits.uint8", "application/octet-stream"
# What a service says to bytes if it knows only JSON: 500 is the tutorial's, whose json.loads fails.
_KNOWS_NO_BYTES = (400, 415, 500)
_UNKNOWN_TYPE = 415
_OVERLOADED = (502, 503, 504)
_WAITS = (0.1, 0.2, 0.4, 0.8)  # seconds before a request is sent again
_MOST_RETRIES = 10  # in all: a service that loses every second request is not one to release
# As the service would compute it from the bytes: pixels that are the same number either way.
_NUMBERS = [repr(pixel / 255) for pixel in range(256)]


def score(
    uri: str, key: str | None, images: "NDArray[np.uint8]", progress: Progress = lambda _done, _total: None
) -> list[int]:
    """Return one label for each image, in their order; progress counts images. No key means none is sent."""
    with Client(uri, key) as client:
        return client.score(images, progress)


class Client:
    """A few connections to one service: `body` is what it takes, settled by its first answer; `retries` counts."""

    def __init__(self, uri: str, key: str | None, body: Body = "uint8") -> None:
        import httpx  # a quarter of a second that importers of the program's modules need not pay

        self.uri = uri
        self.body: Body = body
        self.retries = self._requests = 0
        self._is_settled = self._is_json_asked_for = body == "json"
        try:
            url = httpx.URL(uri)
        except httpx.InvalidURL as error:
            raise _no_uri(uri) from error
        if url.scheme not in ("http", "https") or not url.host:
            raise _no_uri(uri)
        if url.userinfo:
            raise ServiceError(
                f"The scoring URI of {url.host} holds a user or a password: take it out, there is a key."
            )
        # A proxy that the environment names cannot reach a service on this machine.
        is_here = url.host in ("127.0.0.1", "localhost", "::1")
        headers = _authorization(key)
        try:
            # Loading authorities takes as long as scoring some hundred rows, and http verifies nothing.
            verify = trusted() if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.connections = [
                httpx.Client(headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=not is_here, verify=verify)
                for _ in range(CONNECTIONS)
            ]
        except (httpx.InvalidURL, ValueError, OSError) as error:
            raise ServiceError(
                f"No connection to {url.host} can be prepared: {error}. Look at the proxy and certificate variables."
            ) from error
        self._next = itertools.cycle(self.connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self.connections:
            connection.close()

    def score(self, images: "NDArray[np.uint8]", progress: Progress = lambda _done, _total: None) -> list[int]:
        """Return one label for each image, in their order; progress counts images."""
        labels: list[int] = []
        progress(0, len(images))
        for first in range(0, len(images), _BATCH_ROWS):
            batch = images[first : first + _BATCH_ROWS]
            labels += labels_in(self._answer(batch), len(batch), self.uri)
            progress(len(labels), len(images))
        return labels

    def probabilities(self, images: "NDArray[np.uint8]", labels: Sequence[int]) -> list[tuple[int, float | None]]:
        """Return the label of each image by now, and how probable the service finds the one that it gave before.

        The probability is None if the service does not say, or gives another label by now.
        """
        found: list[tuple[int, float | None]] = []
        for first in range(0, len(images), _BATCH_ROWS):
            batch = slice(first, first + _BATCH_ROWS)
            response = self._answer(images[batch], PROBABILITIES)
            found += probabilities_in(response, labels[batch], self.uri)
            if all(probability is None for _, probability in found):
                break  # it knows only labels
        return found + [(label, None) for label in labels[len(found) :]]

    def measure(self, images: "NDArray[np.uint8]") -> list[tuple[int, float]]:
        """Return the label of each image in a request of its own, and the milliseconds that it took."""
        taken = []
        for at in range(len(images)):
            response = self._answer(images[at : at + 1])
            (label,) = labels_in(response, 1, self.uri)
            taken.append((label, response.elapsed.total_seconds() * 1000))
        return taken

    def other_forms(self) -> tuple[Body, ...]:
        """Return the forms besides `body` in which a request may hold its rows; none if JSON was asked for."""
        if self._is_json_asked_for:
            return ()
        return ("json", "float32") if self.body == "uint8" else ("float32",)

    def score_as(self, form: Body, images: "NDArray[np.uint8]") -> list[int] | None:
        """Return the labels of images that are sent in one request of this form; None if the service has no such form.

        Every service takes JSON. A service that takes bytes says 415 to a form of them that it does not take.
        """
        response = self._send(images, form)
        refusals = _KNOWS_NO_BYTES if self.body == "json" else (_UNKNOWN_TYPE,)
        if form != "json" and response.status_code in refusals:
            return None
        return labels_in(response, len(images), self.uri)

    def _answer(self, batch: "NDArray[np.uint8]", accept: str = "*/*") -> "httpx.Response":
        """Return the answer to these rows, in JSON from the first one on that was refused as bytes."""
        response = self._send(batch, self.body, accept)
        if not self._is_settled and response.status_code in _KNOWS_NO_BYTES:
            self.body = "json"
            response = self._send(batch, self.body, accept)
        self._is_settled = True
        return response

    @property
    def unopened(self) -> int:
        """How many connections no request has opened yet."""
        return max(0, CONNECTIONS - self._requests)

    def _send(self, batch: "NDArray[np.uint8]", form: Body, accept: str = "*/*") -> "httpx.Response":
        """Return the first answer that is neither a lost connection nor an overloaded server's, or the last one."""
        import httpx

        content_type, content = _encode(batch, form)
        headers = {"Content-Type": content_type, "Accept": accept}
        for wait in (*_WAITS, None):
            try:
                self._requests += 1
                response = bounded_answer.request(
                    next(self._next),
                    "POST",
                    self.uri,
                    largest=_LARGEST_ANSWER,
                    seconds=_TIMEOUT_SECONDS,
                    headers=headers,
                    content=content,
                )
                if response.status_code not in _OVERLOADED:
                    return response
                problem = f"The service at {self.uri} answered {response.status_code}: {said(response)}"
            except bounded_answer.AnswerError as error:
                raise ServiceError(
                    f"The service at {self.uri} {error} for {len(batch)} rows: "
                    f"have score.py answer with one label for each row, and look at the service's log."
                ) from error
            except httpx.TimeoutException as error:
                raise ServiceError(
                    f"The service at {self.uri} took longer than {_TIMEOUT_SECONDS} s for {len(batch)} rows: "
                    f"look at its log."
                ) from error
            except httpx.RequestError as error:
                if why := explain(error, self.uri):
                    raise ServiceError(why) from error
                reason = str(error).rstrip(".") or type(error).__name__
                problem = f"No service answers at {self.uri} ({reason}): is it deployed and running?"
            if wait is None or self.retries == _MOST_RETRIES:
                break
            self.retries += 1
            time.sleep(wait)
        tries = f" It was asked again {self.retries} times." if self.retries > len(_WAITS) else ""
        raise ServiceError(problem + tries)


def _encode(batch: "NDArray[np.uint8]", body: Body) -> tuple[str, bytes]:
    if body == "uint8":
        return _UINT8_TYPE, batch.tobytes()
    if body == "float32":
        return _FLOAT32_TYPE, (batch / 255).astype("<f4").tobytes()
    rows = ",".join(f"[{','.join([_NUMBERS[pixel] for pixel in row])}]" for row in batch.tolist())
    return "application/json", f'{{"data":[{rows}]}}'.encode()


def _authorization(key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    # Checked here: the HTTP library's own complaint would quote the key.
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ServiceError("The key of the service is empty or holds characters that no key has: copy it again.")
    return {"Authorization": f"Bearer {key}"}


def _no_uri(uri: str) -> ServiceError:
    return ServiceError(f"{uri!r} is not a scoring URI: it looks like http://127.0.0.1:8000/score.")
