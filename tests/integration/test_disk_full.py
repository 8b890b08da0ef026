"""A full disk, made with a limit on the size of files: one sentence, nothing half-written, and life goes on."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator.aci.supervisor import Supervisor
from emulator.azureml import artifacts, blobs, models, service_requests, services
from emulator.azureml.operations import Operations
from emulator.service_kinds import Operation, Service
from emulator.store import Repository, Store
from tests.integration.wire import Emulator, Workspace, plain

_LIMIT = 300_000


@pytest.fixture
def small_disk(own_emulator: Emulator) -> Emulator:
    """Give an emulator that cannot write a file larger than the limit."""
    if shutil.which("prlimit") is None:
        pytest.fail("prlimit (package util-linux) is needed to make a small disk")
    own_emulator.start().stop()  # with certificates made
    return own_emulator.start(prefix=("prlimit", f"--fsize={_LIMIT}"))


def test_a_full_disk_is_one_sentence_and_the_emulator_lives_on(small_disk: Emulator) -> None:
    """An upload that finds no room is a 400 and leaves nothing; a smaller one works after it."""
    workspace = Workspace(small_disk)
    blobs = small_disk.state / "blobs"
    uri = plain(workspace.announce("large.bin"))
    answer = workspace.client.put(uri, content=bytes(_LIMIT + 1))
    assert answer.status_code == 400
    assert "disk is full" in answer.text
    assert list(blobs.iterdir()) == []
    for block in ("a", "b"):
        assert workspace.client.put(f"{uri}&comp=block&blockid={block}", content=bytes(_LIMIT)).status_code == 201
    blocks = "<BlockList><Latest>a</Latest><Latest>b</Latest></BlockList>"
    assert workspace.client.put(f"{uri}&comp=blocklist", content=blocks).status_code == 400
    assert list(blobs.iterdir()) == []
    body = {"name": "large", "artifacts": [{"prefix": "LocalUpload/tests/large.bin"}]}
    assert workspace.client.post(workspace.models("/assets"), json=body).status_code == 400
    assert workspace.register("small")["version"] == 1
    workspace.close()


def test_a_database_that_cannot_grow_keeps_what_it_has(small_disk: Emulator) -> None:
    """Registering until there is no room: the last one is refused whole, the others stay, reading goes on."""
    workspace = Workspace(small_disk)
    registered, refused = [], None
    model = workspace.register("filling")
    while refused is None:
        body = {"name": "filling", "url": model["url"], "mimeType": "application/json", "description": "x" * 20_000}
        answer = workspace.client.post(workspace.models("/models"), json=body)
        if answer.is_success:
            registered.append(answer.json()["id"])
        else:
            refused = answer
    assert registered
    assert refused.status_code == 400
    assert "disk is full" in refused.json()["message"]
    tags = [{"op": "replace", "path": "/kvTags", "value": {"a": "b"}}]
    assert workspace.client.patch(workspace.models(f"/models/{model['id']}"), json=tags).is_success
    for _ in range(2):
        found = workspace.client.get(workspace.models("/models")).json()["value"]
        assert [each["id"] for each in reversed(found)] == [model["id"], *registered]
        assert found[-1]["kvTags"] == {"a": "b"}
        workspace.close()
        small_disk.kill()
        small_disk.start()
        workspace.client = small_disk.client()
    workspace.close()


class _FullStore(Store):
    """A store whose disk takes nothing while `is_full`."""

    is_full = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin as sqlite does, which needs a journal file for the first change."""
        if self.is_full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        with super().transaction():
            yield


def test_an_operation_ends_with_a_sentence_although_the_disk_takes_no_word_of_it(tmp_path: Path) -> None:
    """Anyone who polls it reads it at once; it is written as soon as there is room."""
    store = _FullStore(tmp_path)
    storage = blobs.Blobs(store, b"key")
    files = artifacts.Artifacts(store, storage)
    registry = models.Models(store, files)
    operations = Operations(store, storage)
    supervisor = Supervisor(store, files, registry, operations)
    request = service_requests.read_request({"computeType": "ACI", "name": "svc"}, "eastus")
    store.services.put("/ws/svc", services.new_service(request, port=1))
    operation = operations.create("/ws", "svc", {})
    store.is_full = True
    supervisor.recover()
    try:
        _wait_until(lambda: operations.get("/ws", operation["id"])["state"] == "Failed")
        error = operations.get("/ws", operation["id"])["error"]
        assert error is not None
        assert "disk is full" in error["message"]
        assert read_state(store.operations, operation["id"]) == "NotStarted"
        store.is_full = False
        _wait_until(lambda: read_state(store.services, "svc") == "Failed")
        assert read_state(store.operations, operation["id"]) == "Failed"
    finally:
        supervisor.stop()


def read_state(kept: Repository[Operation] | Repository[Service], name: str) -> str | None:
    """Return the state that the disk has."""
    document = kept.get(f"/ws/{name}")
    return document and document["state"]


def _wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)
