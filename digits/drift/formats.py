"""The formats of the answer: text for a terminal, Markdown for an issue or a job's summary, JSON for programs."""

import json
from dataclasses import asdict
from typing import Any

from digits.drift.findings import WORDS, Change, Drift, Finding
from digits.rendering import code

_SHOWN_CHARACTERS = 64  # a SHA-256
_NEXT = {
    "same": "takes it into the state and changes nothing",
    "update": "updates it",
    "create": "makes it again",
    "replace": "replaces it",
    "delete": "deletes it: the program no longer declares it",
    "read": "reads it again: it is not this stack's to change",
}
_HOW = {
    "keysRegenerated": " The new keys come into the stack's outputs; the old ones do not come back.",
    "bytesReplaced": " Our bytes become the next version.",
    "definitionChanged": " Ours becomes another version, because Azure ML never changes one.",
}
_NOT_OURS = "The next `up` does not change it; each look names it until its owner removes it or gives it another model."


def to_text(drift: Drift) -> str:
    """Return the answer for a terminal."""
    lines = [_verdict(drift)]
    for finding in drift.findings:
        lines += ["", f"{finding.title}: {_happened(finding)}"]
        lines += [f"    {_describe(change)}" for change in finding.changes]
        lines += [f"  {_next(drift, finding)}"]
    return "\n".join([*lines, *_plan(drift)])


def to_markdown(drift: Drift) -> str:
    """Return the answer for an issue or a job's summary."""
    lines = [f"**{_verdict(drift)}**"]
    for finding in drift.findings:
        lines += ["", f"### {finding.title}: {_happened(finding)}", ""]
        if finding.changes:
            lines += ["| property | expected | found |", "|---|---|---|"]
            lines += [f"| {' | '.join(map(_cell, (c.property, c.expected, c.found)))} |" for c in finding.changes]
            lines += [""]
        lines += [_next(drift, finding)]
    return "\n".join([*lines, *_plan(drift)])


def to_json(drift: Drift) -> str:
    """Return one object: drift (whether), stack, findings with their changes, next (operation by resource), unknown."""
    return json.dumps({"drift": bool(drift.findings), **asdict(drift)}, indent=2)


def _verdict(drift: Drift) -> str:
    if not drift.findings:
        return f"Stack {drift.stack} has not drifted: all {drift.resources} resources are as they were deployed."
    count = len(drift.findings)
    return f"Stack {drift.stack} has drifted: {count} {'thing is' if count == 1 else 'things are'} not as deployed."


def _happened(finding: Finding) -> str:
    return ", ".join(WORDS[happened] for happened in finding.happened)


def _next(drift: Drift, finding: Finding) -> str:
    if finding.resource is None:
        return _NOT_OURS
    if drift.unknown is not None:
        return "The next `up` could not be previewed."
    how = "".join(_HOW.get(happened, "") for happened in finding.happened)
    return f"The next `up` {_NEXT[drift.next.get(finding.resource, 'same')]}.{how}"


def _plan(drift: Drift) -> list[str]:
    """Return all operations of the next `up`: repairs, their consequences, and local changes."""
    if all(finding.resource is None for finding in drift.findings):
        return []
    if drift.unknown is not None:
        return ["", f"The next `up` could not be previewed: {drift.unknown}"]
    steps = [
        f"{operation} {resource}" for resource, operation in drift.next.items() if operation not in ("same", "read")
    ]
    return ["", f"`make up STACK={drift.stack}` would now {', '.join(steps) or 'change nothing'}."]


def _describe(change: Change) -> str:
    return f"{change.property}: expected {_show(change.expected)}, found {_show(change.found)}"


def _show(value: Any) -> str:
    """Return the value on one line; a value that others wrote must not move the terminal's cursor."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _cell(value: Any) -> str:
    return _show(value) if value is None else code(_show(value))
