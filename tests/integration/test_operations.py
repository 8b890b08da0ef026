"""Operations: what asking for their state answers, and when."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.wire import Emulator, Workspace, entry_script


def test_the_answer_waits_until_the_operation_is_done(workspace: Workspace) -> None:
    """The first answer is the last one: an SDK that sleeps between two questions need not sleep."""
    operation = workspace.deploy("awaited", entry_script("slow_start"))
    done = workspace.client.get(operation).json()
    assert done["state"] == "Succeeded"
    assert done["operationDetails"]["subOperationType"] == "DeployService"
    workspace.client.delete(workspace.models("/services/awaited"))


def test_the_log_streams_from_an_offset_in_the_sdk_s_form(workspace: Workspace) -> None:
    """Records "time|message#", phases and container lines, each once."""
    operation = workspace.deploy("streamed", entry_script("slow_start"))
    log, state = "", "Running"
    while state in {"NotStarted", "Running"}:
        answer = workspace.client.get(operation, params={"offset": len(log)}).json()
        log, state = log + answer["streamingOperationLog"], answer["state"]
    records = [record.split("|") for record in log.removesuffix("#").split("#")]
    assert all(len(record) == 2 and len(record[0]) == 14 for record in records)
    messages = [message for _, message in records]
    assert messages[0] == "Registering the environment."
    assert "Checking the status of deployment streamed." in messages
    assert sum("loading begins" in message for message in messages) == 1
    workspace.client.delete(workspace.models("/services/streamed"))


def test_many_who_wait_do_not_keep_others_waiting(workspace: Workspace, tmp_path: Path) -> None:
    """A held answer holds no thread: a hundred of them, and the next request is answered while they wait."""
    gate = tmp_path / "open"
    operation = workspace.deploy("popular", {**entry_script("gated"), "gate.txt": str(gate)})
    with workspace.emulator.client() as client, ThreadPoolExecutor(100) as waiting:
        held = [waiting.submit(workspace.wait, operation, client) for _ in range(100)]
        assert workspace.service("popular")["state"] == "Transitioning"
        assert not any(answer.done() for answer in held)
        gate.touch()
        assert {answer.result()["state"] for answer in held} == {"Succeeded"}
    workspace.client.delete(workspace.models("/services/popular"))


def test_an_operation_that_is_not_there_is_404(workspace: Workspace) -> None:
    """At once."""
    answer = workspace.client.get(workspace.models("/operations/nothing"))
    assert (answer.status_code, answer.json()["statusCode"]) == (404, 404)


def test_anyone_who_waits_is_answered_when_the_emulator_stops(own_emulator: Emulator) -> None:
    """The operation goes on with the next start; the log has no traceback."""
    workspace = Workspace(own_emulator.start())
    operation = workspace.deploy("stopped", entry_script("slow_start"))
    while "loading begins" not in workspace.client.get(operation, params={"offset": 0}).text:
        pass
    with ThreadPoolExecutor(1) as waiting:
        answer = waiting.submit(workspace.client.get, operation)
        time.sleep(0.5)
        own_emulator.stop()
        assert answer.result().json()["state"] == "Running"
    workspace.close()
    assert "Traceback" not in own_emulator.log
