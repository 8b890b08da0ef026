"""The engine's events: what `pulumi` says, as JSON lines, of a refresh or a preview that changes nothing.

Plain `--json` shows a refresh as it began, not what it found; the lines of the streamed form hold both.
"""

from digits.cli import children

import json
import os
from dataclasses import dataclass
from subprocess import PIPE
from typing import Any

_STREAMED = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
_ERROR_CHARACTERS = 1000


class EngineError(Exception):
    """The engine could not look."""


@dataclass(frozen=True)
class Step:
    """What the engine would do to a resource ("same", "update", "delete", …), with the state before and after.

    A secret value is "[secret]" in both, whatever it is.
    """

    operation: str
    urn: str
    type: str
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def resource(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]


def refresh(stack: str) -> list[Step]:
    """Compare the state with what is deployed; change neither. Raises EngineError."""
    events = _run("refresh", "--preview-only", "--expect-no-changes", "--stack", stack)
    return _steps(events, "resOutputsEvent")


def preview(stack: str) -> list[Step]:
    """Return what `up --refresh` would do, replacements as one step "replace". Raises EngineError."""
    events = _run("preview", "--refresh", "--stack", stack)
    left_out = ("refresh", "create-replacement", "delete-replaced")
    return [step for step in _steps(events, "resourcePreEvent") if step.operation not in left_out]


def _run(*arguments: str) -> list[dict[str, Any]]:
    """Return the events of a command; that it found changes is no error, so its exit code tells nothing."""
    command = ["pulumi", *arguments, "--json", "--non-interactive", "--color=never"]
    try:
        done = children.run(command, env=os.environ | _STREAMED, stdout=PIPE, stderr=PIPE)
    except FileNotFoundError:
        raise EngineError('There is no pulumi on PATH: run `make drift`, or `eval "$(make -s env)"` first.') from None
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    # What comes after the summary is about plugins that end.
    end = next((at for at, event in enumerate(events) if "summaryEvent" in event), None)
    diagnostics = [event["diagnosticEvent"] for event in events[:end] if "diagnosticEvent" in event]
    problems = [diagnostic["message"] for diagnostic in diagnostics if diagnostic["severity"] == "error"]
    if problems or end is None:
        said = " ".join((problems or [done.stderr or done.stdout])[0].split()).removeprefix("error: ")
        raise EngineError(f"`{' '.join(command[:-3])}` failed: {said[:_ERROR_CHARACTERS]}")
    return events[:end]


def _steps(events: list[dict[str, Any]], kind: str) -> list[Step]:
    steps = []
    for event in events:
        found = event.get(kind, {}).get("metadata")
        if found and not found["type"].startswith("pulumi:"):  # the stack itself, and the providers
            before, after = (_state(found.get(side)) for side in ("old", "new"))
            steps.append(Step(found["op"], found["urn"], found["type"], before, after))
    return steps


def _state(state: dict[str, Any] | None) -> dict[str, Any]:
    return dict((state or {}).get("outputs") or {})
