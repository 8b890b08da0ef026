"""A full disk, made with a limit on the size of files: one sentence, nothing half-written, and life goes on."""

import shutil

import pytest

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
