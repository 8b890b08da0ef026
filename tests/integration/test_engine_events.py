"""The engine's events on their way to a command: over a local connection, never into a file or onto the terminal."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from digits.engine import automation
from digits.engine.invocation import EngineError

SECRET = "hunter2"
# A CLI that notes its arguments and sends what its folder holds, a line an event, as the real one does.
_CLI = f"""#!{sys.executable}
import json
import sys
from pathlib import Path

import grpc
from pulumi.runtime.proto import events_pb2, events_pb2_grpc

folder = Path(__file__).parent
with folder.joinpath("calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
address = sys.argv[sys.argv.index("--event-log") + 1].removeprefix("tcp://")
events = (events_pb2.EventRequest(event=line) for line in folder.joinpath("events").read_text().splitlines())
with grpc.insecure_channel(address) as channel:
    events_pb2_grpc.EventsStub(channel).StreamEvents(events)
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a CLI that is the only one on PATH."""
    program = tmp_path / "pulumi"
    program.write_text(_CLI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def send(cli: Path, *events: Mapping[str, object]) -> None:
    """Let the CLI send these events."""
    (cli / "events").write_text("".join(json.dumps({"sequence": 1, **event}) + "\n" for event in events))


def read_calls(cli: Path) -> list[list[str]]:
    """Return the arguments of each call."""
    return [json.loads(line) for line in (cli / "calls").read_text().splitlines()]


DEBUG = {"diagnosticEvent": {"severity": "debug", "message": SECRET}}
SUMMARY: dict[str, object] = {"summaryEvent": {"resourceChanges": {}}}


def test_events_come_over_a_local_connection_and_their_secrets_are_dropped(cli: Path) -> None:
    """The engine writes its debug events, which hold secrets, to a file unless it gets an address."""
    warning = {"diagnosticEvent": {"severity": "warning", "message": "warning: the disk is slow"}}
    send(cli, DEBUG, warning, SUMMARY)
    for ask in (automation.preview, automation.refresh):
        found = ask("dev")
        assert found.warnings == ("the disk is slow",)
        assert SECRET not in repr(found)
    for given in read_calls(cli):
        assert given[given.index("--event-log") + 1].startswith("tcp://127.0.0.1:")


def test_an_event_that_cannot_be_read_is_an_error_that_does_not_show_it(
    cli: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A newer CLI may send steps that the SDK does not know; left out, a change would go unnoticed."""
    state = {"type": "t", "urn": "u", "inputs": {"password": SECRET}}
    unknown = {"resourcePreEvent": {"metadata": {"op": "teleport", "urn": "u", "type": "t", "new": state}}}
    send(cli, unknown, SUMMARY)
    with pytest.raises(EngineError, match="use the CLI that make finds") as refused:
        automation.preview("dev")
    assert SECRET not in f"{refused.value}{capfd.readouterr()}"


def test_a_preview_does_not_change_the_selected_stack(cli: Path) -> None:
    """`pulumi stack select` is the user's own choice; the stack is named in each call instead."""
    send(cli, SUMMARY)
    automation.preview("staging", ["--policy-pack=x"])
    (given,) = read_calls(cli)
    assert given[0] == "preview"
    assert "--policy-pack=x" in given
    assert given[given.index("--stack") + 1] == "staging"


def test_a_cli_that_previews_nothing_is_an_error(cli: Path) -> None:
    """As after `-- --help`: no change would be a wrong answer."""
    send(cli)
    with pytest.raises(EngineError, match="previewed nothing"):
        automation.preview("dev", ["--help"])
