"""What runs in a web service, as the program writes it on the service: in a tag, where Azure lets it change."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.azureml import FINGERPRINT_TAG
from infra.webservice import fingerprint
from tests.integration.wire import CONDA, Workspace, entry_script

_SCRIPT = Path(__file__).parent / "scripts" / "fingerprint.py"
_TAGS = {"data": "MNIST"}

Json = dict[str, Any]
Ask = Callable[..., Json]


@pytest.fixture(scope="module")
def inputs(workspace: Workspace) -> Json:
    """Give the inputs of a web service as the program has them, its model and environment registered."""
    model = workspace.register("fingerprinted")
    body = {"Name": "fingerprinted", "python": {"condaDependencies": CONDA}, "EnvironmentVariables": {}, "Docker": {}}
    url = f"/environment/v1.0{workspace.id}/environments/fingerprinted/versions/1"
    workspace.client.put(url, json=body).raise_for_status()
    return {
        "workspaceId": workspace.id,
        "name": "fingerprinted",
        "owner": "digits/dev",
        "description": "Digits",
        "tags": _TAGS,
        "modelId": model["id"],
        "modelSha256": "a" * 64,
        "environmentName": "fingerprinted",
        "environmentVersion": "1",
        "scoringDigest": "b" * 64,
        "entryScript": "score.py",
        "cpuCores": 0.1,
        "memoryGb": 0.5,
        "authEnabled": False,
        "appInsightsEnabled": False,
        "dnsNameLabel": "",
        "readyTimeoutSeconds": 120,
        "primaryKey": "",
        "secondaryKey": "",
        **dict.fromkeys(("sslCname", "sslCertificateFile", "sslCertificateSha256", "sslKeyFile"), ""),
        "sslEnabled": False,
    }


@pytest.fixture(scope="module")
def earlier(workspace: Workspace, inputs: Json) -> Iterator[Json]:
    """Give a web service that an earlier version of the program deployed, with its fingerprint among the properties."""
    written = {"stack": "digits/dev", "fingerprint": fingerprint(inputs)}
    workspace.run(
        workspace.deploy("fingerprinted", entry_script("echo"), [inputs["modelId"]], kvTags=_TAGS, properties=written)
    )
    yield workspace.service("fingerprinted")
    workspace.client.delete(workspace.models("/services/fingerprinted"))


@pytest.fixture(scope="module")
def ask(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Give a function that lets the program adopt, deploy or only read the service."""

    def run(what: str, inputs: Json) -> Json:
        done = workspace.emulator.run(_SCRIPT, what, json.dumps(inputs), directory=tmp_path_factory.mktemp("program"))
        assert done.returncode == 0, done.stderr
        found: Json = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


@pytest.fixture(scope="module")
def adopted(ask: Ask, inputs: Json, earlier: Json) -> Json:  # noqa: ARG001 - comes before
    """Give what the program finds once it took over the earlier version's service."""
    return ask("adopt", inputs)


@pytest.fixture(scope="module")
def deployed(ask: Ask, inputs: Json, adopted: Json) -> Json:  # noqa: ARG001 - comes before
    """Give what the program finds after it deployed another combination into the same service."""
    return ask("deploy", {**inputs, "scoringDigest": "c" * 64})


def _retag(workspace: Workspace, tags: dict[str, str]) -> None:
    patch = [{"op": "replace", "path": "/kvTags", "value": tags}]
    workspace.client.patch(workspace.models("/services/fingerprinted"), json=patch).raise_for_status()


def test_what_an_earlier_version_deployed_is_adopted_without_a_deployment(
    workspace: Workspace, inputs: Json, earlier: Json, adopted: Json
) -> None:
    """Its property counts where there is no tag yet, and the tag is there afterwards."""
    assert adopted["fingerprint"] == fingerprint(inputs)
    service = workspace.service("fingerprinted")
    assert service["kvTags"] == {**_TAGS, FINGERPRINT_TAG: fingerprint(inputs)}
    assert service["operationId"] == earlier["operationId"]


def test_the_tag_is_not_seen_among_the_user_s_tags(inputs: Json, adopted: Json) -> None:
    """Neither the program's own comparison nor a refresh finds a tag that the stack file does not have."""
    assert adopted["tags"] == _TAGS
    assert adopted["read"]["tags"] == _TAGS
    assert adopted["read"]["scoringDigest"] == inputs["scoringDigest"]


def test_another_deployment_has_another_fingerprint_under_append_only_properties(
    workspace: Workspace, inputs: Json, deployed: Json
) -> None:
    """The property of before cannot change, and nobody reads it any more."""
    changed = {**inputs, "scoringDigest": "c" * 64}
    assert deployed["fingerprint"] == fingerprint(changed) != fingerprint(inputs)
    assert deployed["stack"] == "digits/dev"
    assert workspace.service("fingerprinted")["properties"]["fingerprint"] == fingerprint(inputs)


def test_without_the_tag_nobody_claims_to_know_what_runs(
    workspace: Workspace,
    ask: Ask,
    inputs: Json,
    deployed: Json,  # noqa: ARG001 - comes before
) -> None:
    """An older combination is not taken for the live one because its fingerprint still stands among the properties."""
    _retag(workspace, _TAGS)
    found = ask("read", inputs)
    assert found["fingerprint"] == ""
    assert found["read"]["scoringDigest"] == f"unknown: no tag {FINGERPRINT_TAG}"
