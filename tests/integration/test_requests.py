"""What any request meets: unknown routes, bodies that are no JSON, discovery, the request log."""

import json
import time

import httpx
import pytest

from tests.integration.wire import Workspace, entry_script


def test_an_unknown_route_answers_501_and_names_itself(workspace: Workspace) -> None:
    """The answer and `status` name the method and the path, so that what is missing can be asked for."""
    path = f"/history/v1.0{workspace.id}/experiments/first"
    answer = workspace.client.get(path)
    assert answer.status_code == 501
    assert f"GET {path}" in answer.json()["error"]["message"]
    assert f"GET {path}" in workspace.emulator.command("status").stdout


def test_an_unknown_method_on_a_known_route_answers_501_too(workspace: Workspace) -> None:
    """There is no 405: what Azure has there and we do not is named as well."""
    path = workspace.models("/models")
    answer = workspace.client.put(path, json={})
    assert (answer.status_code, answer.json()["statusCode"]) == (501, 501)
    assert f"PUT {path}" in answer.json()["message"]


def test_a_body_that_is_no_json_is_400(workspace: Workspace) -> None:
    """The caller's mistake is reported to the caller, and not logged as ours."""
    for content in (b"{", b"[]", b'"text"'):
        answer = workspace.client.post(workspace.models("/models"), content=content)
        assert answer.status_code == 400
        assert "JSON" in answer.json()["message"]


@pytest.mark.parametrize(
    "value",
    ["NaN", "-Infinity", "1e999", '"\\ud800"', "[" * 5000 + "]" * 5000, "5", '["a"]', "{}", "true"],
    ids=["nan", "infinity", "too large", "half a pair", "deep", "a number", "a list", "an object", "true"],
)
def test_a_refused_value_is_not_stored(workspace: Workspace, value: str) -> None:
    """Lists and later reads still work after it, for models, web services, environments and resources."""
    model, service = workspace.register("with-values"), workspace.request("with-values", entry_script("echo"))
    fields = {"name": "with-values", "url": model["url"], "mimeType": "application/json", "description": "…"}
    bodies = {
        workspace.models("/models"): fields,
        workspace.models("/services"): {**service, "description": "…"},
        workspace.models("/services") + "?keys": {**service, "keys": {"primaryKey": "…", "secondaryKey": "key"}},
        workspace.models("/services") + "?image": {**service, "environmentImageRequest": "…"},
    }
    for path, body in bodies.items():
        content = json.dumps(body).replace('"\\u2026"', value)
        assert content != json.dumps(body)
        answer = workspace.client.post(path, content=content)
        assert 400 <= answer.status_code < 500 or answer.status_code == 501, (path, answer.text)
        assert "emulator itself failed" not in answer.text, (path, answer.text)
    patch = f'[{{"op": "replace", "path": "/description", "value": {value}}}]'
    path = workspace.models(f"/models/{model['id']}")
    assert workspace.client.patch(path, content=patch).status_code == 400
    group = workspace.id.partition("/providers/")[0]
    if value not in {"5", "true", '["a"]', "{}"}:  # which ARM keeps as sent
        answer = workspace.client.put(
            f"{group}?api-version=2022-09-01", content=f'{{"location": "eastus", "tags": {{"a": {value}}}}}'
        )
        assert answer.status_code == 400, answer.text
    for listed in ("/models", "/services"):
        assert workspace.client.get(workspace.models(listed)).status_code == 200


def test_control_characters_of_a_path_reach_no_terminal(workspace: Workspace) -> None:
    """The log and `status` quote them, so that a request moves nobody's cursor."""
    workspace.client.get(f"/history/v1.0{workspace.id}/%1b[2Jcleared%0aline")
    printed = workspace.emulator.command("status").stdout
    assert "%1B[2Jclearedline" in printed
    assert "\x1b[2J" not in printed + workspace.emulator.log


def test_a_workspace_that_is_not_there_is_404(workspace: Workspace) -> None:
    """The services know no workspace that ARM does not know."""
    answer = workspace.client.get(workspace.models("/models").replace("digits-ws", "other-ws"))
    assert answer.status_code == 404
    assert answer.json()["statusCode"] == 404


def test_discovery_needs_no_token_and_leads_back_here(workspace: Workspace) -> None:
    """The SDK asks without a token and wants an address for each service."""
    resource = workspace.client.get(workspace.id, params={"api-version": "2022-05-01"}).json()
    with workspace.emulator.client() as client:
        del client.headers["Authorization"]
        services = client.get(resource["properties"]["discoveryUrl"]).json()
    assert set(services) == {"api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio"}
    assert set(services.values()) == {workspace.emulator.variables()["AZUREML_EMULATOR"]}


def test_the_request_log_has_no_query(workspace: Workspace) -> None:
    """A query may hold a signature that opens a blob."""
    artifact = workspace.upload("logged.txt", b"text", container="log")
    deadline = time.monotonic() + 10
    while artifact not in workspace.emulator.log and time.monotonic() < deadline:
        time.sleep(0.05)  # a request is logged once its answer is on its way
    assert artifact in workspace.emulator.log
    assert "sig=" not in workspace.emulator.log


def test_deleting_a_workspace_drops_what_is_in_it(workspace: Workspace) -> None:
    """Web services end, models and files go with the workspace; another one of the same name begins empty."""
    other = Workspace(workspace.emulator, "passing-ws")
    blobs, services = workspace.emulator.state / "blobs", workspace.emulator.state / "services"
    folders = set(services.iterdir()) if services.exists() else set()
    other.run(other.deploy("passing", entry_script("echo"), [other.register("short-lived")["id"]]))
    uri = other.service("passing")["scoringUri"]
    before = set(blobs.iterdir())
    assert other.client.delete(other.id, params={"api-version": "2022-05-01"}).is_success
    assert set(blobs.iterdir()) < before
    assert set(services.iterdir()) == folders
    with pytest.raises(httpx.ConnectError):
        httpx.get(uri)
    assert other.client.get(other.models("/models")).status_code == 404
    other.close()
    again = Workspace(workspace.emulator, "passing-ws")
    assert again.client.get(again.models("/models")).json() == {"value": []}
    assert again.client.get(again.models("/services")).json() == {"value": []}
    again.close()
