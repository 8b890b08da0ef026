"""A stack's report as a comment or an issue that is updated in place.

The first line of a comment or issue names its report, in an HTML comment that readers do not see.
Only what a bot wrote is taken for ours: anybody may write the same first line.

ReportError     the file is not there
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from digits.github.api import Repository

_LIMIT = 65_536  # characters of a comment or an issue
_CUT = "\n\nCut here, where GitHub's limit is: the whole report is in the run's summary.\n"


class ReportError(Exception):
    """The file is not there."""


def read(file: Path) -> str:
    """Return a report's text, whose first line names the file where it names nothing else."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ReportError(f"{file} is not there: the step before should have written it.") from None
    first = text.partition("\n")[0].strip()
    return text if first.startswith("<!--") and first.endswith("-->") else f"<!-- {file.as_posix()} -->\n{text}"


def comment(repository: Repository, number: int, text: str) -> str:
    """Write the comment of a pull request, or update the one that is there; return its address."""
    found = _find(repository.list(f"issues/{number}/comments"), text)
    if found is None:
        made: dict[str, Any] = repository.send("POST", f"issues/{number}/comments", json={"body": _fit(text)})
        return str(made["html_url"])
    if found["body"] != _fit(text):
        repository.send("PATCH", f"issues/comments/{found['id']}", json={"body": _fit(text)})
    return str(found["html_url"])


def open_issue(repository: Repository, title: str, text: str) -> str:
    """Open the report's issue, or update the open one; return its address."""
    found = _find_issue(repository, text)
    if found is None:
        made: dict[str, Any] = repository.send("POST", "issues", json={"title": title, "body": _fit(text)})
        return str(made["html_url"])
    if found["body"] != _fit(text):
        repository.send("PATCH", f"issues/{found['number']}", json={"body": _fit(text)})
    return str(found["html_url"])


def close_issue(repository: Repository, text: str) -> str | None:
    """Close the report's issue with the report as its last word; return its address, or None where none is open."""
    found = _find_issue(repository, text)
    if found is None:
        return None
    repository.send("POST", f"issues/{found['number']}/comments", json={"body": _fit(text)})
    repository.send("PATCH", f"issues/{found['number']}", json={"state": "closed"})
    return str(found["html_url"])


def _find_issue(repository: Repository, text: str) -> dict[str, Any] | None:
    # GitHub lists pull requests among the issues.
    return _find((item for item in repository.list("issues", state="open") if "pull_request" not in item), text)


def _find(items: Iterable[dict[str, Any]], text: str) -> dict[str, Any] | None:
    marker = text.partition("\n")[0].strip()
    return next((item for item in items if _is_ours(item, marker)), None)


def _is_ours(item: dict[str, Any], marker: str) -> bool:
    first = (item["body"] or "").partition("\n")[0].strip()  # GitHub ends lines with \r\n where a browser wrote them
    return first == marker and (item["user"] or {}).get("type") == "Bot"


def _fit(text: str) -> str:
    return text if len(text) <= _LIMIT else text[: _LIMIT - len(_CUT)] + _CUT
