"""One emulator per stack: each has a subscription of its own, and reads those of its peers."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.integration.wire import Emulator, Workspace

_SCRIPTS = Path(__file__).parent / "scripts"
_STAGING = "00000000-0000-0000-0000-000000000002"
_PROD = "00000000-0000-0000-0000-000000000003"
_ARM = {"api-version": "2022-12-01"}


@dataclass(frozen=True)
class Pair:
    """Staging, and prod, which has staging for a peer and was started before it."""

    staging: Workspace
    prod: Workspace

    def read_peer(self, path: str = "", method: str = "GET") -> httpx.Response:
        """Ask prod's emulator for staging's workspace, or a path of ARM below it."""
        return self.prod.client.request(method, self.staging.id + path, params=_ARM)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give two emulators side by side, with a workspace of the same name in each."""
    folder = tmp_path_factory.mktemp("stacks")
    staging, prod = Emulator(folder / "staging"), Emulator(folder / "prod")
    try:
        prod.start("--subscription", _PROD, "--peer", str(staging.state))
        staging.start("--subscription", _STAGING)
        pair = Pair(Workspace(staging), Workspace(prod))
        pair.staging.register("shared", b"staged bytes", kvTags={"from": "staging"})
        pair.prod.register("shared", b"prod's bytes", kvTags={"from": "prod"})
        yield pair
        pair.staging.close()
        pair.prod.close()
    finally:
        staging.command("stop")
        prod.command("stop")


@pytest.fixture(scope="module")
def printed(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Give what the SDK prints in a shell of prod that reads staging's workspace."""
    done = pair.prod.emulator.run(_SCRIPTS / "peer.py", _STAGING, directory=tmp_path_factory.mktemp("peer"))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    return {name: values for name, *values in lines}


def test_a_peer_s_models_are_listed_and_downloaded(printed: dict[str, list[str]]) -> None:
    """The SDK names staging's subscription in a shell of prod, and gets staging's workspace, tags and bytes."""
    assert printed["workspace"] == ["digits-ws", _STAGING]
    assert printed["models"] == ["['shared:1']"]
    assert printed["model"] == ["{'from': 'staging'}"]
    assert printed["download"] == ["True"]
    assert (printed["environments"], printed["services"]) == (["[]"], ["[]"])


@pytest.mark.parametrize("attempt", ["register", "tag", "delete"])
def test_a_peer_s_subscription_is_only_read(printed: dict[str, list[str]], attempt: str) -> None:
    """A write ends with 403, which the SDK words in its own way, and changes nothing."""
    assert "invalid status code 'Forbidden'" in printed[attempt][0], printed[attempt]
    assert printed["after"] == ["['shared:1']", "{'from': 'staging'}"]


def test_a_write_to_a_peer_says_which_emulator_would_take_it(pair: Pair) -> None:
    """Over the wire: ARM's code, the action, and how to point a shell at the peer; keys are no reading either."""
    answer = pair.read_peer(method="DELETE")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    message = answer.json()["error"]["message"]
    assert "'Microsoft.MachineLearningServices/workspaces/delete'" in message
    assert f"env --state {pair.staging.emulator.state}" in message
    assert pair.prod.client.post(pair.staging.models("/services/any/listkeys")).status_code == 403
    uri = f"/azureml-blobs{pair.staging.id}/LocalUpload/tests/any"
    assert pair.prod.client.put(uri, content=b"bytes").status_code == 403
    assert pair.read_peer().status_code == 200


def test_each_emulator_has_its_own_subscription(pair: Pair) -> None:
    """Prod lists both and staging, which has no peer, its own alone; two workspaces of one name do not mix."""

    def listed(workspace: Workspace) -> list[str]:
        answer = workspace.client.get("/subscriptions", params=_ARM)
        return [found["subscriptionId"] for found in answer.raise_for_status().json()["value"]]

    assert listed(pair.prod) == [_PROD, _STAGING]
    assert listed(pair.staging) == [_STAGING]
    assert pair.prod.client.get(pair.prod.models("/models/shared:1")).json()["kvTags"] == {"from": "prod"}
    answer = pair.staging.client.get(pair.prod.id, params=_ARM)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SubscriptionNotFound")
    variables = pair.prod.emulator.variables()
    assert variables["AZUREML_EMULATOR_SUBSCRIPTION"] == _PROD


def test_a_peer_may_stop_and_come_back_elsewhere(pair: Pair) -> None:
    """While it is down a request for it is one sentence at once; on another port it is found again; `status` shows."""
    state = pair.staging.emulator.state
    assert f"peer {_STAGING}  runs  {state}" in pair.prod.emulator.command("status").stdout
    pair.staging.emulator.kill()
    answer = pair.read_peer()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "PeerNotRunning")
    assert answer.json()["error"]["message"].endswith(f"does not run: python -m emulator start --state {state}")
    listed = pair.prod.client.get("/subscriptions", params=_ARM).json()["value"]
    assert [found["subscriptionId"] for found in listed] == [_PROD, _STAGING]
    assert f"peer {_STAGING}  stopped  {state}" in pair.prod.emulator.command("status").stdout
    before = pair.staging.emulator.record["port"]
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before))
        other.listen()
        pair.staging.emulator.start()
    assert pair.staging.emulator.record["port"] != before
    discovery = pair.read_peer().json()["properties"]["discoveryUrl"]
    assert discovery.startswith(pair.prod.emulator.variables()["AZUREML_EMULATOR"])


def test_peers_are_remembered_and_a_peer_that_never_started_is_named(own_emulator: Emulator, tmp_path: Path) -> None:
    """A start without --peer has those of the last one; a subscription not found may be the missing one's."""
    missing = tmp_path / "missing"
    own_emulator.start("--peer", str(missing)).stop()
    own_emulator.start()
    assert f"peer never started  {missing}" in own_emulator.command("status").stdout
    with own_emulator.client() as client:
        answer = client.get(f"/subscriptions/{_STAGING}", params=_ARM)
    assert answer.status_code == 404
    assert f"The peer with the state folder {missing} was never started" in answer.json()["error"]["message"]


def test_a_subscription_is_chosen_once(own_emulator: Emulator, tmp_path: Path) -> None:
    """By the first start that succeeds; another id after it is one sentence, and so is a peer that is no other."""

    def refuse(*arguments: str) -> str:
        done = own_emulator.command("start", "--port", "0", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        return done.stderr

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert "is taken by another program" in refuse("--port", str(other.getsockname()[1]), "--subscription", _PROD)
    own_emulator.start("--subscription", _STAGING)
    assert f"with subscription {_STAGING}" in refuse("--subscription", _PROD)
    assert "with these peers: none" in refuse("--peer", str(tmp_path / "other"))
    own_emulator.start("--subscription", _STAGING.upper())  # runs already, with this one
    own_emulator.stop()
    assert f"belongs to subscription {_STAGING}, not {_PROD}" in refuse("--subscription", _PROD)
    assert "is this emulator's own state folder" in refuse("--peer", str(own_emulator.state))
    twin = tmp_path / "twin"
    twin.mkdir()
    (twin / "emulator.json").write_bytes((own_emulator.state / "emulator.json").read_bytes())
    assert f"has subscription {_STAGING} as well" in refuse("--peer", str(twin))
    assert own_emulator.start().record["subscription"] == _STAGING
