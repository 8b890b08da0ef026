"""A file from the first mirror that has it whole: what was cut off goes on where it ended, what is wrong is dropped."""

from digits.cli.progress_bar import Progress

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from digits.datasets.dataset import DatasetError

if TYPE_CHECKING:
    import httpx

_LARGEST = 32 * 2**20  # the largest MNIST file has 10 MB
_TIMEOUT_SECONDS = 20
_PART, _NO_SUCH_PART = 206, 416  # HTTP's answers to a Range
_CUTS = 5  # on one mirror, before the next takes over


def download(file: str, mirrors: Sequence[str], check: Callable[[bytes, str], None], show: Progress) -> bytes:
    """Return the file that `check` (its content, its URL) accepts; the error gives each mirror's reason."""
    import httpx  # most readers of the data have it already

    content, reasons = bytearray(), []
    for mirror in mirrors:
        reason = ""
        for _ in range(_CUTS):
            had = len(content)
            try:
                _fetch_rest(mirror + file, content, show)
                check(bytes(content), mirror + file)
                return bytes(content)
            except DatasetError as error:
                reason = str(error)
                content.clear()
                if not had:  # all of it came from here; otherwise the wrong part may have come from elsewhere
                    break
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reason = (str(error) or type(error).__name__).splitlines()[0]  # httpx adds a line with a link
                if len(content) <= had:
                    break
        reasons.append(f"{mirror}: {reason.rstrip('.')}")
    raise DatasetError(
        f"{file} could not be downloaded ({'; '.join(reasons)}): "
        f"fetch the MNIST files by other means and give their directory."
    )


def _fetch_rest(url: str, content: bytearray, show: Progress) -> None:
    """Append what is missing, or start over where the server does not give a part."""
    import httpx

    headers = {"Range": f"bytes={len(content)}-"} if content else {}
    with httpx.stream("GET", url, headers=headers, timeout=_TIMEOUT_SECONDS, follow_redirects=True) as response:
        if response.status_code == _NO_SUCH_PART or (response.is_success and not _is_the_rest(response, len(content))):
            content.clear()
        response.raise_for_status()
        total = len(content) + int(response.headers.get("Content-Length", 0))
        for chunk in response.iter_raw():
            content += chunk
            show(len(content), max(total, len(content)))
            if len(content) > _LARGEST:
                raise DatasetError(f"{url} is larger than any of the MNIST files.")


def _is_the_rest(response: "httpx.Response", start: int) -> bool:
    return response.status_code == _PART and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
