"""`make logs`: which service's log, and what is new in it."""

import json
from itertools import islice

import pytest

from infra.azureml import MissingError
from infra.logs import find_service, follow

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
