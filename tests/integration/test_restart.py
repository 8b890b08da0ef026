"""What was acknowledged survives kill -9, and web services come back as they were."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import trustme

from tests.integration.wire import Emulator, Workspace, entry_script


@pytest.fixture
def own_workspace(own_emulator: Emulator) -> Iterator[Workspace]:
    """Give a workspace on an emulator of the test's own."""
    workspace = Workspace(own_emulator.start())
    yield workspace
    workspace.close()


def _again(workspace: Workspace) -> Workspace:
    """Start the emulator again and return the workspace on it."""
    port = workspace.emulator.record["port"]
    workspace.close()
    workspace.emulator.start()
    assert workspace.emulator.record["port"] == port
    workspace.client = workspace.emulator.client()
    return workspace


def _score(service: dict[str, Any], key: str) -> object:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(service["scoringUri"], content='"hello"', headers=headers).raise_for_status().json()


def test_everything_acknowledged_is_there_after_kill_9(own_workspace: Workspace) -> None:
    """Models, tags, files; services on the same URI with the same keys, on the old ports of the emulator."""
    own_workspace.register("kept", kvTags={"a": "b"})
    own_workspace.run(own_workspace.deploy("kept-svc", entry_script("echo"), authEnabled=True))
    before, keys = own_workspace.service("kept-svc"), own_workspace.keys("kept-svc")
    own_workspace.emulator.kill()

    workspace = _again(own_workspace)
    after = workspace.settle("kept-svc")
    assert (after["state"], after["scoringUri"]) == ("Healthy", before["scoringUri"])
    assert workspace.keys("kept-svc") == keys
    assert _score(after, keys["primaryKey"]) == "hello"
    assert workspace.client.get(workspace.models("/models/kept:1")).json()["kvTags"] == {"a": "b"}
    assert workspace.register("kept")["version"] == 2


def test_a_deployment_that_was_killed_goes_on_after_the_restart(own_workspace: Workspace, tmp_path: Path) -> None:
    """The operation that the client polls is finished by the next emulator; what waited behind it, too."""
    gate = tmp_path / "gate"
    operation = own_workspace.deploy("slow", {**entry_script("gated"), "gate.txt": str(gate)})
    behind = own_workspace.client.patch(
        own_workspace.models("/services/slow"), json=[{"op": "replace", "path": "/kvTags", "value": {"a": "b"}}]
    )
    while "Checking the status of deployment" not in own_workspace.client.get(operation, params={"offset": 0}).text:
        pass
    own_workspace.emulator.kill()

    workspace = _again(own_workspace)
    assert workspace.service("slow")["state"] == "Transitioning"
    gate.touch()
    workspace.run(operation)
    workspace.run(behind.headers["Operation-Location"])
    service = workspace.service("slow")
    assert (service["state"], service["kvTags"]) == ("Healthy", {"a": "b"})
    assert httpx.post(service["scoringUri"], content='"again"').json() == '"again"'


def test_an_update_that_was_killed_goes_on_and_nothing_is_left_over(own_workspace: Workspace) -> None:
    """One folder for one service, whatever was cut short."""
    own_workspace.run(own_workspace.deploy("svc", entry_script("mortal")))
    operation = own_workspace.deploy("svc", entry_script("echo"), overwrite=True)
    own_workspace.emulator.kill()

    workspace = _again(own_workspace)
    workspace.run(operation)
    assert httpx.post(workspace.service("svc")["scoringUri"], content='"new"').json() == "new"
    assert len(list((workspace.emulator.state / "services").iterdir())) == 1


def test_a_port_taken_meanwhile_is_said_and_taken_back(own_workspace: Workspace) -> None:
    """The service waits for its port with a sentence in its error, and is back by itself once it is free."""
    own_workspace.run(own_workspace.deploy("displaced", entry_script("echo")))
    before = own_workspace.service("displaced")
    own_workspace.emulator.stop()
    port = httpx.URL(before["scoringUri"]).port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        workspace = _again(own_workspace)
        displaced = workspace.settle("displaced")
        assert (displaced["state"], displaced["scoringUri"]) == ("Failed", before["scoringUri"])
        assert f"cannot have port {port}" in displaced["error"]["message"]

    back = _wait_for_state(workspace, "displaced", "Healthy")
    assert back["scoringUri"] == before["scoringUri"]
    assert "error" not in back
    assert httpx.post(back["scoringUri"], content='"back"').json() == "back"


def test_a_container_whose_master_was_killed_is_started_again(own_workspace: Workspace) -> None:
    """Its workers, which the kill leaves without a master, may hold the port for a moment."""
    own_workspace.run(own_workspace.deploy("beheaded", entry_script("echo")))
    service = own_workspace.service("beheaded")
    for _ in range(2):
        killed = _find_masters(own_workspace)
        killed[0].kill()
        end = time.monotonic() + 90
        while not (found := _find_masters(own_workspace)) or found == killed:
            assert time.monotonic() < end, own_workspace.emulator.log
            time.sleep(0.05)
        assert _wait_for_state(own_workspace, "beheaded", "Healthy")["scoringUri"] == service["scoringUri"]
    assert httpx.post(service["scoringUri"], content='"again"').json() == "again"


def test_a_restart_in_which_the_emulator_itself_fails_is_tried_again(own_workspace: Workspace) -> None:
    """Meanwhile the service is Transitioning, without an error, also if an earlier restart had Failed."""
    issued = trustme.CA().issue_cert("localhost")
    chain, key = issued.cert_chain_pems[0].bytes().decode(), issued.private_key_pem.bytes().decode()
    operation = own_workspace.deploy(
        "retried", entry_script("echo"), sslEnabled=True, sslCertificate=chain, sslKey=key, cname="localhost"
    )
    own_workspace.run(operation)
    own_workspace.emulator.stop()
    (folder,) = (own_workspace.emulator.state / "services").iterdir()
    obstacle = folder / "certificate.pem"
    obstacle.unlink()
    obstacle.mkdir()  # where a file is written

    workspace = _again(own_workspace)
    _wait_for_log(workspace, "The restart of")
    shown = workspace.service("retried")
    assert (shown["state"], "error" in shown) == ("Transitioning", False)
    assert "The emulator itself failed" in workspace.emulator.log
    obstacle.rmdir()
    assert workspace.settle("retried")["state"] == "Healthy"


def _find_masters(workspace: Workspace) -> list[psutil.Process]:
    """Return the gunicorn masters of the emulator's services, those that end just now left out."""
    found = []
    for child in psutil.Process(workspace.emulator.record["pid"]).children():
        with suppress(psutil.NoSuchProcess):
            if "gunicorn" in " ".join(child.cmdline()):
                found.append(child)
    return found


def _wait_for_state(workspace: Workspace, name: str, state: str) -> dict[str, Any]:
    end = time.monotonic() + 90
    while (service := workspace.service(name))["state"] != state:
        assert time.monotonic() < end, service
        time.sleep(0.02)
    return service


def _wait_for_log(workspace: Workspace, text: str) -> None:
    end = time.monotonic() + 60
    while text not in workspace.emulator.log:
        assert time.monotonic() < end, workspace.emulator.log
        time.sleep(0.05)
