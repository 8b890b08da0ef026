"""Web services: deployed, changed in place, crashed, deleted; and what the container finds inside."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.integration.wire import CONDA, Workspace, entry_script

_ECHO = entry_script("echo")


@pytest.fixture(scope="module")
def echo(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Give a service with keys that answers with what it was sent."""
    workspace.run(workspace.deploy("echo", _ECHO, authEnabled=True, kvTags={"kind": "echo"}))
    yield workspace.service("echo")
    workspace.client.delete(workspace.models("/services/echo"))


def _score(service: dict[str, Any], key: str | None = None, text: str = '"hello"') -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.post(service["scoringUri"], content=text, headers=headers, timeout=30)


def _patch(workspace: Workspace, name: str, **fields: object) -> httpx.Response:
    patch = [{"op": "replace", "path": f"/{field}", "value": value} for field, value in fields.items()]
    return workspace.client.patch(workspace.models(f"/services/{name}"), json=patch)


# --- what a service is


def test_a_key_opens_the_service_and_nothing_else_does(workspace: Workspace, echo: dict[str, Any]) -> None:
    """Both keys are good; a wrong one and none are 401."""
    keys = workspace.keys("echo")
    assert [len(key) for key in keys.values()] == [32, 32]
    for key in keys.values():
        assert _score(echo, key).json() == "hello"
    assert _score(echo, "wrong").status_code == 401
    assert _score(echo).status_code == 401


def test_a_regenerated_key_takes_the_old_one_s_place_at_once(workspace: Workspace, echo: dict[str, Any]) -> None:
    """The other key stays; a key can be chosen."""
    before = workspace.keys("echo")
    url = workspace.models("/services/echo/regenerateKeys")
    answer = workspace.client.post(url, json={"keyType": "Primary", "keyValue": None})
    workspace.run(answer.headers["Operation-Location"])
    after = workspace.keys("echo")
    assert after["secondaryKey"] == before["secondaryKey"]
    assert _score(echo, before["primaryKey"]).status_code == 401
    assert _score(echo, after["primaryKey"]).status_code == 200
    workspace.client.post(url, json={"keyType": "Secondary", "keyValue": "chosen"})
    assert _score(echo, "chosen").status_code == 200
    assert workspace.client.post(url, json={"keyType": "Third"}).status_code == 400


def test_no_key_is_in_a_log_or_in_the_status(workspace: Workspace, echo: dict[str, Any]) -> None:
    """Not in the emulator's log, the container's, the operation's, the service as it is read, or `status`."""
    keys = workspace.keys("echo")
    for key in keys.values():
        assert _score(echo, key).status_code == 200
    log = workspace.client.get(workspace.models("/services/echo/logs")).json()["content"]
    operation = workspace.client.get(workspace.models(f"/operations/{echo['operationId']}")).text
    command = workspace.emulator.command("status", "--json").stdout
    shown = "".join((log, operation, command, workspace.emulator.log, str(workspace.service("echo"))))
    assert "echo is ready" in shown
    assert not any(key in shown for key in keys.values())


def test_a_service_without_keys_asked_for_is_open(workspace: Workspace) -> None:
    """The tutorial's default: no authentication."""
    workspace.run(workspace.deploy("open-service", _ECHO))
    service = workspace.service("open-service")
    assert service["authEnabled"] is False
    assert _score(service).status_code == 200
    changed = _patch(workspace, "open-service", authEnabled=True)
    workspace.run(changed.headers["Operation-Location"])
    assert _score(service).status_code == 401
    assert _score(service, workspace.keys("open-service")["primaryKey"]).status_code == 200


def test_application_insights_can_be_switched_on_and_collects_nothing(
    workspace: Workspace, echo: dict[str, Any]
) -> None:
    """The service says what was asked for; its container knows no place to send to."""
    assert echo["appInsightsEnabled"] is False
    workspace.run(workspace.deploy("telemetry", _ECHO, appInsightsEnabled=True))
    assert workspace.service("telemetry")["appInsightsEnabled"] is True
    _patch(workspace, "telemetry", appInsightsEnabled=False)
    assert workspace.service("telemetry")["appInsightsEnabled"] is False


def test_no_quota_is_checked(workspace: Workspace) -> None:
    """What the machine cannot give shows when the container runs."""
    body = {"containerResourceRequirements": {"cpu": 1000, "memoryInGB": 1000}}
    assert workspace.client.post(workspace.models("/services/validate/resource"), json=body).json() == {}


@pytest.mark.parametrize("size", [{"cpu": 3.9, "memoryInGB": 1}, {"cpu": 1, "memoryInGB": 15.5}])
def test_a_size_that_fits_no_container_group_is_refused(workspace: Workspace, size: dict[str, float]) -> None:
    """Azure's own two containers take 0.2 cores and 1 GB of the 4 cores and 16 GB."""
    body = workspace.request("huge", _ECHO, containerResourceRequirements=size)
    answer = workspace.client.post(workspace.models("/services"), json=body)
    assert answer.status_code == 400
    assert "at most 3.8 cores and 15 GB" in answer.json()["message"]


@pytest.mark.parametrize("name", ["ab", "a" * 33, "1digits", "Digits", "digits_1", "digits-", "-digits", None])
def test_a_name_that_azure_would_refuse_is_refused(workspace: Workspace, name: str | None) -> None:
    """3 to 32 characters; lower-case letters, digits and dashes; a letter first, no dash last."""
    answer = workspace.client.post(workspace.models("/services"), json={"name": name, "computeType": "ACI"})
    assert answer.status_code == 400
    assert "between 3 and 32 characters" in answer.json()["message"]


def test_a_name_that_is_taken_is_refused_without_overwrite(workspace: Workspace, echo: dict[str, Any]) -> None:
    """In Azure's words, by the check before and by the deployment itself."""
    said = workspace.client.post(workspace.models(f"/services/validate/name/{echo['name']}"), json={}).json()
    assert "already exists" in said["error"]["message"]
    answer = workspace.client.post(workspace.models("/services"), json=workspace.request("echo", _ECHO))
    assert answer.status_code == 409
    assert workspace.client.post(workspace.models("/services/validate/name/free-name"), json={}).json() == {}


@pytest.mark.parametrize("fields", [{"computeType": "AKS"}, {"environmentImageRequest": {"modelIds": ["m:1"]}}])
def test_other_kinds_of_deployment_answer_501(workspace: Workspace, fields: dict[str, Any]) -> None:
    """Other compute types, and deployments without an environment."""
    body = {**workspace.request("other-kind", _ECHO), **fields}
    assert workspace.client.post(workspace.models("/services"), json=body).status_code == 501


def test_an_environment_that_needs_an_image_answers_501(workspace: Workspace) -> None:
    """There is no Docker here."""
    body = workspace.request("user-managed", _ECHO)
    body["environmentImageRequest"]["environment"]["python"]["userManagedDependencies"] = True
    answer = workspace.client.post(workspace.models("/services"), json=body)
    assert answer.status_code == 501
    assert "Docker" in answer.json()["message"]


def test_a_property_is_added_and_never_changed_or_removed(workspace: Workspace, echo: dict[str, Any]) -> None:
    """Neither by a patch, which is refused, nor by a deployment over the service."""
    url = workspace.models(f"/services/{echo['name']}")

    def patch(op: str, path: str, value: object = None) -> httpx.Response:
        return workspace.client.patch(url, json=[{"op": op, "path": f"/properties/{path}", "value": value}])

    assert patch("add", "origin", "here").json()["properties"]["origin"] == "here"
    for answer in (patch("add", "origin", "there"), patch("replace", "origin", "there"), patch("remove", "origin")):
        assert answer.status_code == 400
        assert "immutable" in answer.json()["message"]
    request = workspace.request("echo", _ECHO, authEnabled=True, kvTags={"kind": "echo"}, overwrite=True)
    answer = workspace.client.post(workspace.models("/services"), json=request | {"properties": {"origin": "there"}})
    workspace.run(answer.headers["Operation-Location"])
    assert workspace.service("echo")["properties"] == {"origin": "here"}


def test_what_the_sdk_says_of_the_repository_stays_as_it_was_first_said(
    workspace: Workspace, echo: dict[str, Any]
) -> None:
    """It comes along with each update, from whatever commit: no reason to refuse the update."""
    name = "azureml.git.commit"
    for commit in ("first", "second"):
        path = f"/properties/{name}"
        patch = [
            {"op": "add", "path": path, "value": commit},
            {"op": "replace", "path": "/description", "value": commit},
        ]
        answer = workspace.client.patch(workspace.models(f"/services/{echo['name']}"), json=patch)
        assert (answer.status_code, answer.json()["description"]) == (200, commit)
        assert answer.json()["properties"][name] == "first"


def test_services_are_listed_by_type_model_and_tags(workspace: Workspace, echo: dict[str, Any]) -> None:
    """As Webservice.list asks for them."""

    def find(**query: str) -> list[str]:
        found = workspace.client.get(workspace.models("/services"), params={"expand": "true", **query}).json()
        assert "nextLink" not in found
        return [service["name"] for service in found["value"]]

    assert echo["name"] in find()
    assert echo["name"] in find(computeType="ACI", tags="kind=echo")
    assert find(tags="kind=other") == []
    assert find(computeType="AKS") == []
    assert find(modelName="no-model") == []


# --- what the container finds inside


def test_the_container_finds_one_model_in_its_own_folder(workspace: Workspace) -> None:
    """AZUREML_MODEL_DIR is azureml-models/<name>/<version> for one model, and variables of the environment are set."""
    model = workspace.register("placed", b"the only model")
    body = workspace.request("one-model", entry_script("where"), [model["id"]])
    body["environmentImageRequest"]["environment"]["environmentVariables"]["COLOR"] = "blue"
    answer = workspace.client.post(workspace.models("/services"), json=body)
    workspace.run(answer.headers["Operation-Location"])
    assert _score(workspace.service("one-model")).json() == {
        "model_dir": f"azureml-models/placed/{model['version']}",
        "files": {"placed.pkl": "the only model"},
        "color": "blue",
    }
    assert workspace.client.delete(workspace.models(f"/models/{model['id']}")).status_code == 412
    workspace.client.delete(workspace.models("/services/one-model"))
    assert workspace.client.delete(workspace.models(f"/models/{model['id']}")).status_code == 200


def test_the_container_finds_several_models_side_by_side(workspace: Workspace) -> None:
    """AZUREML_MODEL_DIR is azureml-models for several, with <name>/<version> below."""
    models = [workspace.register("first", b"1")["id"], workspace.register("second", b"2")["id"]]
    workspace.run(workspace.deploy("two-models", entry_script("where"), models))
    found = _score(workspace.service("two-models")).json()
    assert found["model_dir"] == "azureml-models"
    assert found["files"] == {"first/1/first.pkl": "1", "second/1/second.pkl": "2"}
    workspace.client.delete(workspace.models("/services/two-models"))


def test_an_entry_script_without_a_source_directory_is_run(workspace: Workspace) -> None:
    """The SDK then uploads the file as it is."""
    body = workspace.request("script-single", {})
    script = workspace.upload("single.py", entry_script("echo")["score.py"].encode())
    request = body["environmentImageRequest"]
    request["assets"] = [{"id": "single.py", "url": f"aml://artifact/{script}"}]
    request["environment"]["environmentVariables"] = {"AZUREML_ENTRY_SCRIPT": "single.py"}
    answer = workspace.client.post(workspace.models("/services"), json=body)
    workspace.run(answer.headers["Operation-Location"])
    assert _score(workspace.service("script-single")).json() == "hello"
    workspace.client.delete(workspace.models("/services/script-single"))


@pytest.mark.parametrize("script", ["../score.py", "/etc/score.py", "source", "elsewhere/score.py"])
def test_an_entry_script_outside_the_source_directory_is_refused(workspace: Workspace, script: str) -> None:
    """What is run is what was uploaded."""
    name = f"outside-{abs(hash(script)) % 10_000}"
    body = workspace.request(name, _ECHO)
    body["environmentImageRequest"]["environment"]["environmentVariables"]["AZUREML_ENTRY_SCRIPT"] = script
    answer = workspace.client.post(workspace.models("/services"), json=body)
    done = workspace.wait(answer.headers["Operation-Location"])
    assert done["error"]["code"] == "BadRequest"
    assert "source directory" in done["error"]["message"]
    workspace.client.delete(workspace.models(f"/services/{name}"))


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"A=B": "c"}, "The environment variable 'A=B' cannot be set"),
        ({"": "c"}, "The environment variable '' cannot be set"),
        ({"A": "b\0c"}, "The environment variable 'A' cannot be set"),
    ],
)
def test_a_variable_that_no_process_can_have_is_refused(
    workspace: Workspace, variables: dict[str, str], sentence: str
) -> None:
    """In a sentence that names it."""
    body = workspace.request("odd-variable", _ECHO)
    body["environmentImageRequest"]["environment"]["environmentVariables"] |= variables
    done = workspace.wait(workspace.client.post(workspace.models("/services"), json=body).headers["Operation-Location"])
    assert sentence in done["error"]["message"]
    workspace.client.delete(workspace.models("/services/odd-variable"))


def test_a_private_wheel_that_nobody_uploaded_is_named(workspace: Workspace) -> None:
    """Before uv would ask a server for it in vain."""
    base = str(workspace.client.base_url).rstrip("/")
    wheel = f"{base}/azureml-blobs{workspace.id.lower()}/Environment/azureml-private-packages/none-1-py3-none-any.whl"
    body = workspace.request("no-wheel", _ECHO)
    conda = {"dependencies": [{"pip": [wheel]}]}
    body["environmentImageRequest"]["environment"]["python"] = {"condaDependencies": conda}
    done = workspace.wait(workspace.client.post(workspace.models("/services"), json=body).headers["Operation-Location"])
    assert "The wheel none-1-py3-none-any.whl is not in the storage of workspace digits-ws" in done["error"]["message"]
    workspace.client.delete(workspace.models("/services/no-wheel"))


def test_an_environment_that_cannot_be_solved_is_reported_in_few_lines(workspace: Workspace) -> None:
    """azureml-defaults next to a numpy that it does not take: the sentence names both, the details are short."""
    body = workspace.request("unsolvable", _ECHO)
    conda = {"dependencies": [{"pip": ["azureml-defaults", "numpy==2.4.6"]}]}
    body["environmentImageRequest"]["environment"]["python"] = {"condaDependencies": conda}
    done = workspace.wait(workspace.client.post(workspace.models("/services"), json=body).headers["Operation-Location"])
    assert "you require" in done["error"]["message"]
    assert "numpy==2.4.6" in done["error"]["message"]
    assert len(str(done["error"])) < 6_000
    workspace.client.delete(workspace.models("/services/unsolvable"))


# --- changes


def test_an_update_keeps_uri_and_keys(workspace: Workspace) -> None:
    """New code under the same address; only tags need no operation."""
    workspace.run(workspace.deploy("updated", entry_script("mortal"), authEnabled=True))
    before, keys = workspace.service("updated"), workspace.keys("updated")
    tagged = _patch(workspace, "updated", kvTags={"a": "b"})
    assert (tagged.status_code, tagged.json()["kvTags"], tagged.json()["state"]) == (200, {"a": "b"}, "Healthy")
    changed = _patch(workspace, "updated", environmentImageRequest=workspace.image_request(_ECHO, []))
    assert changed.status_code == 202
    workspace.run(changed.headers["Operation-Location"])
    replaced = workspace.deploy("updated", _ECHO, authEnabled=True, overwrite=True, description="replaced")
    workspace.run(replaced)
    after = workspace.service("updated")
    assert (after["scoringUri"], workspace.keys("updated")) == (before["scoringUri"], keys)
    assert (after["createdTime"], after["description"]) == (before["createdTime"], "replaced")
    assert _score(after, keys["primaryKey"]).json() == "hello"
    assert len(list((workspace.emulator.state / "services").iterdir())) == _running_services(workspace)


def _running_services(workspace: Workspace) -> int:
    return len(workspace.client.get(workspace.models("/services")).json()["value"])


def test_an_environment_that_cannot_be_built_leaves_the_old_container_answering(
    workspace: Workspace, echo: dict[str, Any]
) -> None:
    """An update builds first; its failure names the package and changes nothing."""
    request = workspace.image_request(_ECHO, [])
    conda = {**CONDA, "dependencies": ["python=3.11", {"pip": ["scikit-learn==0.0.0.999"]}]}
    request["environment"]["python"] = {"condaDependencies": conda}
    changed = _patch(workspace, "echo", environmentImageRequest=request, kvTags={"kind": "never"})
    done = workspace.wait(changed.headers["Operation-Location"])
    assert (done["state"], done["error"]["code"]) == ("Failed", "EnvironmentBuildFailed")
    assert "scikit-learn" in done["error"]["message"]
    assert done["operationDetails"]["subOperationType"] == "BuildEnvironment"
    assert "Registering the environment." in workspace.client.get(done["operationLog"]).text
    service = workspace.service("echo")
    assert (service["state"], service["kvTags"]) == ("Healthy", echo["kvTags"])
    assert service["error"]["code"] == "EnvironmentBuildFailed"
    assert _score(service, workspace.keys("echo")["primaryKey"]).status_code == 200


def test_changes_that_come_while_one_is_under_way_are_made_after_it(workspace: Workspace) -> None:
    """No change is lost, and none is refused."""
    first = workspace.deploy("queued", entry_script("slow_start"))
    second = _patch(workspace, "queued", kvTags={"came": "second"})
    third = workspace.deploy("queued", _ECHO, overwrite=True, kvTags={"came": "third"})
    assert second.status_code == 202
    workspace.run(third)
    workspace.run(first)
    workspace.run(second.headers["Operation-Location"])
    service = workspace.service("queued")
    assert (service["kvTags"], service["state"]) == ({"came": "third"}, "Healthy")
    assert _score(service).json() == "hello"


def test_several_services_are_deployed_at_the_same_time(workspace: Workspace) -> None:
    """Each has its own port and answers for itself."""
    names = [f"at-once-{number}" for number in range(3)]
    for operation in [workspace.deploy(name, _ECHO) for name in names]:
        workspace.run(operation)
    services = [workspace.service(name) for name in names]
    assert len({service["scoringUri"] for service in services}) == 3
    assert [_score(service, text=f'"{service["name"]}"').json() for service in services] == names
    for name in names:
        workspace.client.delete(workspace.models(f"/services/{name}"))


def test_a_container_that_dies_is_started_again(workspace: Workspace) -> None:
    """As ACI does; meanwhile the service is Transitioning."""
    workspace.run(workspace.deploy("mortal", entry_script("mortal")))
    service = workspace.service("mortal")
    with pytest.raises(httpx.HTTPError):
        _score(service, text="die").raise_for_status()
    while True:
        try:
            if _score(service).json() == "alive":
                break
        except httpx.HTTPError:
            continue
    assert workspace.settle("mortal")["state"] == "Healthy"


# --- the end


def _processes(folder: Path) -> list[psutil.Process]:
    found = psutil.process_iter(["environ"])
    return [p for p in found if str(folder) in (p.info["environ"] or {}).get("AML_APP_ROOT", "")]


def test_delete_ends_the_process_and_removes_its_folder(workspace: Workspace) -> None:
    """When delete is answered, nothing is left; deleting again is no error."""
    services = workspace.emulator.state / "services"
    before = set(services.iterdir())
    workspace.run(workspace.deploy("deleted", _ECHO))
    (folder,) = set(services.iterdir()) - before
    assert _processes(folder)
    url = workspace.models("/services/deleted")
    assert workspace.client.delete(url).status_code == 200
    assert not _processes(folder)
    assert not folder.exists()
    assert workspace.client.get(url).status_code == 404
    assert workspace.client.delete(url).status_code == 204


def test_a_service_deleted_while_it_is_deployed_leaves_nothing(workspace: Workspace) -> None:
    """Its operation is cancelled, and the name is free at once."""
    services = workspace.emulator.state / "services"
    before = set(services.iterdir())
    operation = workspace.deploy("short-lived", entry_script("slow_start"))
    while "loading begins" not in workspace.client.get(operation, params={"offset": 0}).json()["streamingOperationLog"]:
        pass
    assert workspace.client.delete(workspace.models("/services/short-lived")).status_code == 200
    assert workspace.wait(operation)["state"] == "Cancelled"
    workspace.run(workspace.deploy("short-lived", _ECHO))
    assert len(set(services.iterdir()) - before) == 1
    workspace.client.delete(workspace.models("/services/short-lived"))
    assert set(services.iterdir()) == before


# --- failures, each in Azure's words with the container's last log lines

_FAILURES = {
    "syntax-error": "SyntaxError: expected ':'",
    "import-error": "ModuleNotFoundError: No module named 'a_package_that_nobody_made'",
    "init-raises": "ValueError: the model is upside down",
    "no-run": "run",
    "missing-model": "FileNotFoundError",
}


@pytest.fixture(scope="module")
def failures(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Give what became of services that cannot start: the operations, by name."""
    model = workspace.register("present")["id"]
    sources = {name: entry_script(name.replace("-", "_")) for name in _FAILURES if name != "syntax-error"}
    sources["syntax-error"] = {"score.py": "def init()\n    pass\n"}
    operations = {name: workspace.deploy(name, source, [model]) for name, source in sources.items()}
    with ThreadPoolExecutor() as waiting:
        return dict(zip(operations, waiting.map(workspace.wait, operations.values()), strict=True))


@pytest.mark.parametrize("name", _FAILURES)
def test_a_container_that_cannot_start_says_why(
    workspace: Workspace, failures: dict[str, dict[str, Any]], name: str
) -> None:
    """Operation, service and log name the cause; the service is Failed and can be deleted."""
    error = failures[name]["error"]
    assert failures[name]["state"] == "Failed"
    assert error["code"] == "AciDeploymentFailed"
    assert error["message"].startswith("Aci Deployment failed with exception: ")
    assert _FAILURES[name] in error["message"]
    assert [detail["code"] for detail in error["details"]] == ["CrashLoopBackOff", "ContainerLog"]
    assert _FAILURES[name] in error["details"][1]["message"]
    service = workspace.service(name)
    assert (service["state"], service["error"]) == ("Failed", error)
    assert _FAILURES[name] in workspace.client.get(workspace.models(f"/services/{name}/logs")).json()["content"]
    assert name in workspace.emulator.command("status").stdout


def test_a_failed_service_is_repaired_by_deploying_again(
    workspace: Workspace, failures: dict[str, dict[str, Any]]
) -> None:
    """Under the URI that it had."""
    assert failures["no-run"]["state"] == "Failed"
    before = workspace.service("no-run")
    workspace.run(workspace.deploy("no-run", _ECHO, overwrite=True))
    after = workspace.service("no-run")
    assert (after["state"], after["scoringUri"]) == ("Healthy", before["scoringUri"])
    assert "error" not in after


def test_the_log_of_a_service_without_a_container_is_its_deployment_s(workspace: Workspace) -> None:
    """What fails before there is a container is in get_logs all the same."""
    body = workspace.request("no-archive", _ECHO)
    broken = workspace.upload("broken.tar.gz", b"no archive")
    body["environmentImageRequest"]["assets"] = [{"id": "x", "url": f"aml://artifact/{broken}", "unpack": True}]
    answer = workspace.client.post(workspace.models("/services"), json=body)
    done = workspace.wait(answer.headers["Operation-Location"])
    assert "cannot be unpacked" in done["error"]["message"]
    log = workspace.client.get(workspace.models("/services/no-archive/logs"), params={"tail": 1}).json()["content"]
    assert log == "Generating deployment configuration."
    assert workspace.service("no-archive")["state"] == "Failed"


def test_a_deployment_with_a_model_that_is_not_there_is_404(workspace: Workspace) -> None:
    """Said when it is asked for, by the check before it too."""
    body = workspace.request("no-model", _ECHO, ["nobody:1"])
    answer = workspace.client.post(workspace.models("/services"), json=body)
    assert answer.status_code == 404
    check = {"type": "Create", "serviceName": "no-model", "createRequest": body}
    said = workspace.client.post(workspace.models("/services/validate"), json=check).json()
    assert "nobody:1" in said["error"]["message"]
