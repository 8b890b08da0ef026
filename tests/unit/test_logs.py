"""`make logs`: which service's log, and what is new in it."""

import json
from datetime import UTC, datetime
from itertools import islice

import pytest

from infra.azureml import MissingError
from infra.logs import find_service, follow, stamp

WORKSPACE = {"urn": "urn:pulumi:dev::digits::azure-native:machinelearningservices:Workspace::workspace", "id": "/ws"}
SERVICE = {"urn": "urn:pulumi:dev::digits::x::webservice", "inputs": {"name": "mine"}}


def exported(*resources: object) -> str:
    """Return what `pulumi stack export` prints."""
    return json.dumps({"deployment": {"resources": resources}})


def test_the_service_is_the_stacks_unless_it_is_named() -> None:
    """One that was never deployed has the default name."""
    assert find_service(exported(WORKSPACE, SERVICE), None) == ("/ws", "mine")
    assert find_service(exported(WORKSPACE, SERVICE), "other") == ("/ws", "other")
    assert find_service(exported(WORKSPACE), None) == ("/ws", "digits-dev")
    with pytest.raises(MissingError, match="make up"):
        find_service(exported(), None)


@pytest.mark.parametrize(
    ("logs", "lines"),
    [
        (["a\nb", "a\nb", "a\nb\nc\n", "a\nb\nc\nd"], "abcd"),  # it grows
        (["a\nb\nc", "b\nc\nd", "d\ne"], "abcde"),  # its beginning is lost
        (["a\na\nb", "a\nb\nb"], "aabb"),  # lines repeat
        (["a\nb", "x\ny", "x\ny\nz"], "abxyz"),  # it began anew
        (["", "a"], "a"),
    ],
)
def test_each_line_is_shown_once(logs: list[str], lines: str) -> None:
    """However the log grew between two looks."""
    remaining = iter(logs)
    shown = follow(lambda: next(remaining), lambda: None)
    assert "".join(islice(shown, len(lines))) == lines
    with pytest.raises(RuntimeError, match="StopIteration"):
        next(shown)


def test_each_line_begins_with_its_time() -> None:
    """Of the server's three forms; a line without one was written right after the line before it."""
    now = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
    lines = [
        "Initializing logger",
        "[2026-11-28 05:19:43 +0000] [19259] [INFO] Starting gunicorn",
        "2026-11-28 05:19:45,620 I [19269] azmlinfsrv - Starting up app insights client",
        "  a traceback's line of 2026-11-28 06:00:00",
        '{"time": "2026-11-28T05:20:00Z", "request": "1", "status": 200}',
    ]
    assert list(stamp(lines, lambda: now)) == [
        "2026-11-28 05:00:00 Initializing logger",
        *lines[1:3],
        f"2026-11-28 05:19:45 {lines[3]}",
        f"2026-11-28 05:20:00 {lines[4]}",
    ]


def test_a_stack_that_was_never_deployed_is_one_sentence() -> None:
    """The CLI exports nothing of it."""
    with pytest.raises(MissingError, match="Nothing is deployed"):
        find_service("", None)
