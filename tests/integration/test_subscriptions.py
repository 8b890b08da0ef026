"""One emulator holds several subscriptions, as one Resource Manager does."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.wire import SUBSCRIPTION, Emulator, Workspace, entry_script

_SCRIPTS = Path(__file__).parent / "scripts"
_STAGING = "00000000-0000-0000-0000-000000000002"
_PROD = "00000000-0000-0000-0000-000000000003"
_UNKNOWN = "00000000-0000-0000-0000-000000000009"
_ARM = {"api-version": "2022-12-01"}


@pytest.fixture(scope="module")
def holder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Give an emulator with two subscriptions, the second added while it runs."""
    emulator = Emulator(tmp_path_factory.mktemp("subscriptions") / "state")
    try:
        emulator.start("--subscription", _STAGING)
        added = emulator.command("start", "--subscription", _PROD, "--subscription", _STAGING)
        assert added.stdout.splitlines()[1:] == [f"Subscription {_PROD} was added to it."], added.stdout + added.stderr
        yield emulator
    finally:
        emulator.command("stop")


@pytest.fixture(scope="module")
def staging(holder: Emulator) -> Iterator[Workspace]:
    """Give staging's workspace, which has the same group and name as prod's."""
    workspace = Workspace(holder, subscription=_STAGING, suffix="staging")
    workspace.register("shared", b"staged bytes", kvTags={"from": "staging"})
    yield workspace
    workspace.close()


@pytest.fixture(scope="module")
def prod(holder: Emulator) -> Iterator[Workspace]:
    """Give prod's workspace."""
    workspace = Workspace(holder, subscription=_PROD, suffix="prod")
    workspace.register("shared", b"prod's bytes", kvTags={"from": "prod"})
    yield workspace
    workspace.close()


def list_subscriptions(emulator: Emulator) -> list[str]:
    """Return the ids that ARM lists."""
    with emulator.client() as client:
        answer = client.get("/subscriptions", params=_ARM).raise_for_status().json()
    return [found["subscriptionId"] for found in answer["value"]]


def test_a_subscription_exists_once_it_was_asked_for(holder: Emulator) -> None:
    """Any other is Azure's 404, and the way to add it; what is no id is a 400; a restart keeps them."""
    assert list_subscriptions(holder) == [_STAGING, _PROD]
    with holder.client() as client:
        known = client.get(f"/subscriptions/{_PROD.upper()}", params=_ARM).json()
        unknown = client.put(f"/subscriptions/{_UNKNOWN}/resourceGroups/x", params=_ARM, json={"location": "eastus"})
        malformed = client.get("/subscriptions/prod/resourceGroups", params=_ARM)
    assert known["subscriptionId"] == _PROD
    error = unknown.json()["error"]
    assert (unknown.status_code, error["code"]) == (404, "SubscriptionNotFound")
    assert error["message"].startswith(f"The subscription '{_UNKNOWN}' could not be found.")
    assert f"start --subscription {_UNKNOWN}" in error["message"]
    assert (malformed.status_code, malformed.json()["error"]["code"]) == (400, "InvalidSubscriptionId")
    holder.stop()
    holder.start()
    assert list_subscriptions(holder) == [_STAGING, _PROD]


def test_no_web_page_adds_a_subscription(holder: Emulator) -> None:
    """It takes a token, as every write does; what is no id is refused."""
    path = f"/emulator/subscriptions/{_UNKNOWN}"
    with holder.client() as client:
        assert client.put(path, headers={"Authorization": ""}).status_code == 401
        assert client.put("/emulator/subscriptions/prod").status_code == 400
    assert _UNKNOWN not in list_subscriptions(holder)


def test_a_model_is_copied_into_another_subscription(staging: Workspace, prod: Workspace, tmp_path: Path) -> None:
    """One shell and one login open both workspaces; bytes and tags arrive, and nothing else does."""
    done = staging.emulator.run(_SCRIPTS / "copying.py", _STAGING, _PROD, _UNKNOWN, directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    assert printed["copied"] == "shared:2\t{'from': 'staging'}"
    assert printed["bytes"] == "True"
    assert (printed["source"], printed["target"]) == ("['shared:1']", "['shared:1', 'shared:2']")
    assert printed["workspaces"] == "['digits-ws']"
    assert _UNKNOWN in printed["unknown"]
    assert prod.client.get(prod.models("/models/shared:1")).json()["kvTags"] == {"from": "prod"}


def test_a_list_shows_one_subscription(staging: Workspace, prod: Workspace) -> None:
    """Groups, resources and workspaces of another subscription are not in it."""
    for workspace in (staging, prod):
        place = f"/subscriptions/{workspace.subscription}"
        for path in ("resourceGroups", "resources", "providers/Microsoft.MachineLearningServices/workspaces"):
            found = workspace.client.get(f"{place}/{path}", params=_ARM).raise_for_status().json()["value"]
            assert found
            assert all(each["id"].startswith(f"{place}/") for each in found)


def test_what_one_subscription_deletes_the_other_keeps(staging: Workspace, prod: Workspace) -> None:
    """Web services of one name run in both; with staging's group gone, prod's answers and `status` shows only it."""
    for workspace in (staging, prod):
        workspace.run(workspace.deploy("same", entry_script("echo")))
    emulator = staging.emulator
    ambiguous = emulator.command("logs", "same")
    assert (ambiguous.returncode, "There are 2 web services 'same': write" in ambiguous.stderr) == (2, True)
    assert emulator.command("logs", f"{_PROD}/digits/digits-ws/same").returncode == 0
    staging.client.delete(staging.group, params=_ARM).raise_for_status()
    found = json.loads(emulator.command("status", "--json").stdout)
    assert found["subscriptions"] == [_STAGING, _PROD]
    assert [(each["subscription"], each["state"]) for each in found["services"]] == [(_PROD, "Healthy")]
    assert found["resourceGroups"] == [{"subscription": _PROD, "resourceGroup": "digits"}]
    assert prod.client.get(prod.models("/models/shared:1")).status_code == 200

    kept = emulator.command("stop", "--if-empty")
    assert kept.stdout.startswith(f"The emulator goes on, because it still holds digits in subscription {_PROD};")
    prod.client.delete(prod.group, params=_ARM).raise_for_status()
    assert emulator.command("stop", "--if-empty").stdout == "The emulator stopped.\n"
    emulator.start()


def test_a_first_workspace_needs_a_subscription_where_there_are_two(holder: Emulator) -> None:
    """None is chosen silently."""
    arguments = ("workspace", "first-ws", "--resource-group", "first")
    refused = holder.command(*arguments)
    assert refused.returncode == 2
    assert f"has 2 subscriptions: name one with --subscription: {_STAGING}, {_PROD}." in refused.stderr
    assert holder.command(*arguments, "--subscription", _PROD).returncode == 0
    with holder.client() as client:
        path = f"/subscriptions/{_PROD}/resourceGroups/first"
        assert client.head(path, params=_ARM).status_code == 204


def test_a_state_of_one_subscription_is_taken_over(own_emulator: Emulator) -> None:
    """What was written before there were several lies in a subscription that exists; others come to it."""
    Workspace(own_emulator.start("--subscription", _STAGING), subscription=_STAGING).close()
    own_emulator.stop()
    with sqlite3.connect(own_emulator.state / "emulator.sqlite") as database:
        database.execute("DELETE FROM documents WHERE kind = 'subscription'")
    database.close()
    record = {**own_emulator.record, "subscription": _STAGING, "peers": ["/nowhere"]}
    (own_emulator.state / "emulator.json").write_text(json.dumps(record))
    own_emulator.start("--subscription", _PROD)
    assert own_emulator.record["port"] == record["port"]
    assert list_subscriptions(own_emulator) == [_STAGING, _PROD]


def test_a_first_start_without_a_subscription_has_the_default_one(own_emulator: Emulator) -> None:
    """The one of the dev stack and of the examples; what is no id is one sentence."""
    refused = own_emulator.command("start", "--subscription", "prod")
    assert (refused.returncode, "'prod' is no subscription" in refused.stderr) == (2, True)
    assert list_subscriptions(own_emulator.start()) == [SUBSCRIPTION]
