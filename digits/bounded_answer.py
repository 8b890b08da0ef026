"""An HTTP answer of bounded size and duration, from a server that may send without end.

AnswerError    the answer is too large, or takes too long
"""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class AnswerError(Exception):
    """The answer is too large, or takes too long; a sentence without its subject and its full stop."""


def request(
    client: "httpx.Client", method: str, url: str, *, largest: int, seconds: float, **options: Any
) -> "httpx.Response":
    """Send a request and return its answer with its body, at most `largest` bytes once it is expanded.

    Raises AnswerError, and what the client raises.
    """
    import httpx  # a quarter of a second that importers need not pay

    began = time.perf_counter()
    content = bytearray()
    with client.stream(method, url, **options) as streamed:
        for chunk in streamed.iter_bytes():
            content += chunk
            if len(content) > largest:
                raise AnswerError(f"answered with more than {largest / 2**20:g} MiB")
            if time.perf_counter() - began > seconds:
                raise AnswerError(f"took longer than {seconds:g} s")
    elapsed = timedelta(seconds=time.perf_counter() - began)
    headers = [(name, value) for name, value in streamed.headers.multi_items() if name != "content-encoding"]
    answer = httpx.Response(
        streamed.status_code,
        headers=headers,
        content=bytes(content),
        request=streamed.request,
        history=streamed.history,
    )
    answer.elapsed = elapsed
    return answer
