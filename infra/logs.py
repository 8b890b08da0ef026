"""The container log of the stack's web service, also of one whose first deployment failed.

Each line begins with its time. What writes none of its own has that of the line before, right after which it was
written; the entry script's requests have it inside.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from infra import azureml

_SECONDS_BETWEEN_LOOKS = 1
_TIME = re.compile(r'^(?:\[|\{"time": ")?(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)')


def find_service(exported: str, name: str | None) -> tuple[str, str]:
    """Return workspace and name of the named service, or of the one in the exported state."""
    if not exported.strip():
        raise azureml.MissingError("Nothing is deployed in this stack: run `make up` first.")
    resources: dict[str, Any] = {
        resource["urn"].rsplit("::", 1)[-1]: resource
        for resource in json.loads(exported)["deployment"].get("resources", [])
    }
    if "workspace" not in resources:
        raise azureml.MissingError("Nothing is deployed in this stack: run `make up` first.")
    workspace = resources["workspace"]
    stack = workspace["urn"].split(":")[2]
    deployed = resources.get("webservice", {}).get("inputs", {}).get("name")
    return workspace["id"], name or deployed or f"digits-{stack}"


def follow(read: Callable[[], str], wait: Callable[[], None]) -> Iterator[str]:
    """Yield the log, then what is new in it, for ever; a log that began anew is yielded whole."""
    shown: list[str] = []
    while True:
        lines = read().splitlines()
        # Only the log's last lines can be asked for, so the first of those seen may be gone by now.
        kept = next((at for at in range(len(shown) + 1) if lines[: len(shown) - at] == shown[at:]), len(shown))
        yield from lines[len(shown) - kept :]
        shown = lines
        wait()


def stamp(lines: Iterable[str], now: Callable[[], datetime]) -> Iterator[str]:
    """Yield the lines, each with its time before it; `now` is that of a line before the first that tells it."""
    last = ""
    for line in lines:
        found = _TIME.search(line)
        last = f"{found['day']} {found['time']}" if found else last or now().strftime("%Y-%m-%d %H:%M:%S")
        yield line if found and not line.startswith("{") else f"{last} {line}"


def read(workspace: str, name: str, *, is_followed: bool) -> Iterator[str]:
    """Yield the log's lines, each with its time; a log that is followed does not end."""
    if is_followed:
        lines = follow(lambda: azureml.service_log(workspace, name), lambda: time.sleep(_SECONDS_BETWEEN_LOOKS))
    else:
        lines = iter(azureml.service_log(workspace, name).splitlines())
    yield from stamp(lines, lambda: datetime.now(UTC))
