"""azure-native's stand-in, asked over the provider protocol as the engine asks it, with the emulator behind it."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc as services

from tests.integration.wire import ROOT, SUBSCRIPTION, Emulator

PLUGIN = ROOT / "emulator" / "plugin" / "pulumi-resource-azure-native"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
GROUP, STORAGE, VAULT = "resources:ResourceGroup", "storage:StorageAccount", "keyvault:Vault"
LOGS, INSIGHTS = "operationalinsights:Workspace", "applicationinsights:Component"
REGISTRY, WORKSPACE = "containerregistry:Registry", "machinelearningservices:Workspace"


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    """Return the properties as the protocol carries them."""
    message = struct_pb2.Struct()
    message.update(properties)
    return message


def urn(kind: str) -> str:
    """Return what the engine calls a resource of this type."""
    return f"urn:pulumi:dev::digits::azure-native:{kind}::it"


class Plugin:
    """The engine's side of the protocol, in dicts."""

    def __init__(self, stub: services.ResourceProviderStub) -> None:
        self.stub = stub

    def check(self, kind: str, news: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the completed inputs."""
        answer = self.ask_check(kind, news, olds)
        assert not answer.failures, answer.failures
        inputs: dict[str, Any] = MessageToDict(answer.inputs)
        return inputs

    def ask_check(self, kind: str, news: dict[str, Any], olds: dict[str, Any] | None = None) -> messages.CheckResponse:
        """Return the whole answer."""
        request = messages.CheckRequest(
            urn=urn(kind), olds=struct(olds or {}), news=struct(news), randomSeed=b"\x01" * 32
        )
        answer: messages.CheckResponse = self.stub.Check(request)
        return answer

    def diff(self, kind: str, olds: dict[str, Any], news: dict[str, Any]) -> messages.DiffResponse:
        """Return what changed between two sets of inputs."""
        request = messages.DiffRequest(urn=urn(kind), old_inputs=struct(olds), news=struct(news))
        answer: messages.DiffResponse = self.stub.Diff(request)
        return answer

    def create(self, kind: str, inputs: dict[str, Any], *, preview: bool = False) -> tuple[str, dict[str, Any]]:
        """Return the new resource's id and outputs."""
        request = messages.CreateRequest(urn=urn(kind), properties=struct(inputs), preview=preview)
        answer = self.stub.Create(request)
        return answer.id, MessageToDict(answer.properties)

    def update(
        self, kind: str, resource_id: str, olds: dict[str, Any], news: dict[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        """Return the outputs after an update."""
        request = messages.UpdateRequest(
            id=resource_id, urn=urn(kind), olds=struct(olds), news=struct(news), preview=preview
        )
        outputs: dict[str, Any] = MessageToDict(self.stub.Update(request).properties)
        return outputs

    def read(
        self, kind: str, resource_id: str, inputs: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Return the id, the inputs and the outputs that the resource has now."""
        answer = self.stub.Read(messages.ReadRequest(id=resource_id, urn=urn(kind), inputs=struct(inputs or {})))
        return answer.id, MessageToDict(answer.inputs), MessageToDict(answer.properties)

    def delete(self, kind: str, resource_id: str) -> None:
        """Delete a resource."""
        self.stub.Delete(messages.DeleteRequest(id=resource_id, urn=urn(kind)))


@contextmanager
def running(variables: dict[str, str]) -> Iterator[Plugin]:
    """Run the plugin as the engine does: its port is the first line that it prints."""
    with subprocess.Popen([PLUGIN, "127.0.0.1:1"], env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                yield Plugin(services.ResourceProviderStub(channel))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def plugin(emulator: Emulator) -> Iterator[Plugin]:
    """Give a plugin that is pointed at the emulator."""
    with running(emulator.variables()) as plugin:
        plugin.stub.Configure(messages.ConfigureRequest(args=struct({"version": "3.24.0"})))
        yield plugin


@pytest.fixture
def group(plugin: Plugin) -> Iterator[str]:
    """Give the name of a resource group of the test's own."""
    name = f"plugin-{uuid.uuid4().hex[:8]}"
    resource_id, _ = plugin.create(GROUP, {"resourceGroupName": name, "location": "eastus"})
    yield name
    plugin.delete(GROUP, resource_id)


def storage(group: str) -> dict[str, Any]:
    """Return inputs for a storage account that has the group's name."""
    return {
        "accountName": group.replace("-", ""),
        "enableHttpsTrafficOnly": True,
        "kind": "StorageV2",
        "location": "eastus",
        "resourceGroupName": group,
        "sku": {"name": "Standard_LRS"},
        "tags": {"a": "b"},
    }


def test_the_plugin_says_which_version_it_stands_in_for(plugin: Plugin) -> None:
    """The engine takes one from PATH only when it is as new as the SDK wants it."""
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == "3.24.0"


def test_every_type_is_created_with_its_outputs(plugin: Plugin, group: str) -> None:
    """The seven types, built on one another, with the outputs that the SDK's classes and our program read."""
    suffix = group.removeprefix("plugin-")
    place = {"resourceGroupName": group, "location": "eastus"}
    account, outputs = plugin.create(STORAGE, storage(group))
    assert outputs["primaryEndpoints"]["blob"].startswith("https://plugin")
    assert (outputs["enableHttpsTrafficOnly"], outputs["sku"]) == (True, {"name": "Standard_LRS", "tier": "Standard"})
    vault, outputs = plugin.create(
        VAULT, {**place, "vaultName": f"kv-{suffix}", "properties": {"tenantId": "t", "sku": {"name": "standard"}}}
    )
    assert outputs["properties"]["vaultUri"].startswith(f"https://kv-{suffix}.")
    logs, outputs = plugin.create(LOGS, {**place, "workspaceName": "logs", "sku": {"name": "PerGB2018"}})
    assert outputs["sku"] == {"name": "PerGB2018"}
    insights, outputs = plugin.create(
        INSIGHTS,
        {**place, "resourceName": "insights", "kind": "web", "applicationType": "web", "workspaceResourceId": logs},
    )
    assert uuid.UUID(outputs["instrumentationKey"])
    assert (outputs["applicationType"], outputs["workspaceResourceId"]) == ("web", logs)
    registry, outputs = plugin.create(REGISTRY, {**place, "registryName": f"cr{suffix}", "sku": {"name": "Basic"}})
    assert outputs["loginServer"].startswith(f"cr{suffix}.")
    links = {"storageAccount": account, "keyVault": vault, "applicationInsights": insights}
    workspace, outputs = plugin.create(
        WORKSPACE,
        {
            **place,
            **links,
            "workspaceName": "space",
            "containerRegistry": registry,
            "identity": {"type": "SystemAssigned"},
        },
    )
    assert workspace == (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/space"
    )
    assert uuid.UUID(outputs["identity"]["principalId"])
    assert outputs["discoveryUrl"].endswith(outputs["workspaceId"])
    assert (outputs["name"], outputs["azureApiVersion"]) == ("space", "2025-12-01")
    assert outputs["type"] == "Microsoft.MachineLearningServices/workspaces"
    assert outputs.keys().isdisjoint({"id", "properties", *place} - {"location"})


def test_a_preview_asks_nothing_and_promises_nothing(emulator: Emulator) -> None:
    """What Azure decides is unknown, what was asked for is known, and no emulator is needed for it."""
    unreachable = {**emulator.variables(), "AZUREML_EMULATOR": "https://127.0.0.1:1"}
    with running(unreachable) as plugin:
        inputs = {**storage("some-group"), "identity": {"type": "SystemAssigned"}}
        resource_id, outputs = plugin.create(STORAGE, plugin.check(STORAGE, inputs), preview=True)
        changed = {**inputs, "tags": {"a": "c"}}
        olds = {**outputs, "primaryEndpoints": {"blob": "https://known/"}}
        updated = plugin.update(STORAGE, "/some/id", olds, changed, preview=True)
        assert plugin.diff(STORAGE, inputs, inputs).changes == messages.DiffResponse.DIFF_NONE
    assert resource_id == ""
    assert outputs["primaryEndpoints"] == outputs["identity"]["principalId"] == UNKNOWN
    assert (outputs["name"], outputs["kind"], outputs["tags"]) == ("somegroup", "StorageV2", {"a": "b"})
    assert updated["primaryEndpoints"] == {"blob": "https://known/"}
    assert updated["tags"] == {"a": "c"}


def test_a_missing_name_is_the_logical_one_with_a_suffix(plugin: Plugin, group: str) -> None:
    """As azure-native names things; the name then stays as it is."""
    inputs = plugin.check(LOGS, {"resourceGroupName": group})
    assert inputs["workspaceName"] == "it01010101"
    kept = plugin.check(LOGS, {"resourceGroupName": group}, {**inputs, "workspaceName": "it-was-named-before"})
    assert kept["workspaceName"] == "it-was-named-before"


def test_a_missing_location_is_the_groups(plugin: Plugin, group: str) -> None:
    """It is unknown as long as the group is, and a group itself has to have one."""
    assert plugin.check(LOGS, {"resourceGroupName": group})["location"] == "eastus"
    assert plugin.check(LOGS, {"resourceGroupName": UNKNOWN})["location"] == UNKNOWN
    assert plugin.check(LOGS, {"resourceGroupName": "not-yet-there"})["location"] == UNKNOWN
    (failure,) = plugin.ask_check(GROUP, {}).failures
    assert "location is missing" in failure.reason


@pytest.mark.parametrize(
    ("change", "replaces", "delete_first"),
    [
        ({"tags": {"a": "c"}}, [], False),
        ({"minimumTlsVersion": "TLS1_2"}, [], False),
        ({"accountName": "another"}, ["accountName"], False),
        ({"location": "westus"}, ["location"], True),
        ({"resourceGroupName": UNKNOWN}, ["resourceGroupName"], True),
        ({"enableNfsV3": True}, ["enableNfsV3"], True),
    ],
)
def test_a_change_is_an_update_unless_azure_cannot_make_it(
    plugin: Plugin, change: dict[str, Any], replaces: list[str], *, delete_first: bool
) -> None:
    """Two of one name cannot stand side by side, so the old one goes first."""
    olds = storage("some-group")
    answer = plugin.diff(STORAGE, olds, {**olds, **change})
    assert answer.changes == messages.DiffResponse.DIFF_SOME
    assert list(answer.diffs) == list(change)
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (replaces, delete_first)


def test_a_location_in_words_is_no_change(plugin: Plugin) -> None:
    """'East US' and 'eastus' are one place."""
    olds = storage("some-group")
    assert plugin.diff(STORAGE, olds, {**olds, "location": "East US"}).changes == messages.DiffResponse.DIFF_NONE


def test_a_workspace_cannot_move_to_another_vault(plugin: Plugin) -> None:
    """Azure fixes vault and storage when it makes the workspace."""
    answer = plugin.diff(WORKSPACE, {"keyVault": "a", "friendlyName": "x"}, {"keyVault": "b", "friendlyName": "y"})
    assert list(answer.replaces) == ["keyVault"]


def test_a_create_takes_over_what_is_there(plugin: Plugin, group: str) -> None:
    """A difference from azure-native, which refuses: here an `up` that was killed is simply run again."""
    first, outputs = plugin.create(STORAGE, storage(group))
    again, changed = plugin.create(STORAGE, {**storage(group), "tags": {"a": "c"}})
    assert first == again
    assert changed["tags"] == {"a": "c"}
    assert changed["creationTime"] == outputs["creationTime"]


def test_an_update_leaves_what_azure_decided(plugin: Plugin, group: str) -> None:
    """Only what was asked for changes."""
    resource_id, olds = plugin.create(STORAGE, storage(group))
    news = plugin.update(STORAGE, resource_id, olds, {**storage(group), "tags": {"c": "d"}})
    assert {name for name in olds if olds[name] != news[name]} <= {"tags", "systemData"}
    assert news["tags"] == {"c": "d"}


def test_a_refresh_of_an_untouched_resource_finds_no_difference(plugin: Plugin, group: str) -> None:
    """Neither in the inputs, whatever Azure has added to them, nor in the outputs."""
    inputs = {**storage(group), "location": "East US"}
    resource_id, outputs = plugin.create(STORAGE, inputs)
    assert plugin.read(STORAGE, resource_id, inputs) == (resource_id, inputs, outputs)


def test_a_refresh_finds_what_was_changed_behind_our_back(plugin: Plugin, group: str) -> None:
    """In what was asked for; a tag that somebody added is such a change too."""
    inputs = storage(group)
    resource_id, outputs = plugin.create(STORAGE, inputs)
    plugin.update(
        STORAGE, resource_id, outputs, {**inputs, "sku": {"name": "Standard_GRS"}, "tags": {"a": "b", "c": "d"}}
    )
    _, found, _ = plugin.read(STORAGE, resource_id, inputs)
    assert found == {**inputs, "sku": {"name": "Standard_GRS"}, "tags": {"a": "b", "c": "d"}}


def test_a_refresh_finds_what_was_deleted_behind_our_back(plugin: Plugin, group: str) -> None:
    """An empty answer says so; deleting it once more is no error."""
    resource_id, _ = plugin.create(STORAGE, storage(group))
    plugin.delete(STORAGE, resource_id)
    assert plugin.read(STORAGE, resource_id, storage(group)) == ("", {}, {})
    plugin.delete(STORAGE, resource_id)


def test_a_stranger_in_another_subscription_is_not_gone(plugin: Plugin) -> None:
    """A real stack that meets the emulator by mistake must not lose its state to a refresh, nor believe a delete."""
    resource_id = f"/subscriptions/{uuid.uuid4()}/resourceGroups/real"
    with pytest.raises(grpc.RpcError, match="SubscriptionNotFound"):
        plugin.read(GROUP, resource_id, {"resourceGroupName": "real"})
    with pytest.raises(grpc.RpcError, match="SubscriptionNotFound"):
        plugin.delete(GROUP, resource_id)


def test_an_import_gives_the_inputs_that_were_asked_for(plugin: Plugin, group: str) -> None:
    """A program that spells them out then previews without a change."""
    resource_id, _ = plugin.create(STORAGE, storage(group))
    _, inputs, _ = plugin.read(STORAGE, resource_id)
    assert inputs == storage(group)
    with pytest.raises(grpc.RpcError, match="not an id of the form"):
        plugin.read(STORAGE, "/subscriptions/somewhere")


def test_a_refusal_of_arm_is_reported_in_its_words(plugin: Plugin, group: str) -> None:
    """Status, code and message, as azure-native shows them."""
    with pytest.raises(grpc.RpcError, match='Status=400 Code="AccountNameInvalid" Message="Bad-Name is not'):
        plugin.create(STORAGE, {**storage(group), "accountName": "Bad-Name"})


def test_an_unknown_type_or_function_is_named(plugin: Plugin) -> None:
    """The stand-in is not all of azure-native, and says what it lacks."""
    (failure,) = plugin.ask_check("web:WebApp", {}).failures
    assert "azure-native:web:WebApp" in failure.reason
    token = "azure-native:storage:listStorageAccountKeys"
    with pytest.raises(grpc.RpcError, match=token):
        plugin.stub.Invoke(messages.InvokeRequest(tok=token))


def test_the_client_config_is_the_emulators(plugin: Plugin) -> None:
    """Programs ask it for the subscription and the tenant."""
    answer = plugin.stub.Invoke(messages.InvokeRequest(tok="azure-native:authorization:getClientConfig"))
    config = MessageToDict(getattr(answer, "return"))
    assert config["subscriptionId"] == SUBSCRIPTION
    assert config.keys() == {"clientId", "objectId", "subscriptionId", "tenantId"}
    assert all(config.values())


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"AZUREML_EMULATOR": "https://127.0.0.1:1"}, "azureml-emulator start"),
        ({"MSI_ENDPOINT": "http://127.0.0.1:1/"}, "azureml-emulator start"),
        ({"AZUREML_EMULATOR": ""}, 'eval "$(azureml-emulator env)"'),
        ({"REQUESTS_CA_BUNDLE": "/nowhere"}, 'eval "$(azureml-emulator env)"'),
    ],
)
def test_an_emulator_out_of_reach_is_one_sentence_with_the_fix(
    emulator: Emulator, change: dict[str, str], fix: str
) -> None:
    """Whatever is missing, the command that helps is named."""
    with running({**emulator.variables(), **change}) as plugin, pytest.raises(grpc.RpcError) as error:
        plugin.create(GROUP, {"resourceGroupName": "never", "location": "eastus"})
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert error.value.details().endswith(fix)
    assert "\n" not in error.value.details()


def test_the_bindings_come_without_the_sdk() -> None:
    """The plugin starts in every preview, and the SDK takes longer to import than all the rest."""
    program = "import emulator.plugin.servicer, sys; print('pulumi.resource' in sys.modules, 'httpx' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def test_a_plugin_whose_engine_was_killed_ends_by_itself(emulator: Emulator) -> None:
    """Nothing stays behind after `kill -9`."""
    line = f"'{PLUGIN}' 127.0.0.1:1 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", line], env=emulator.variables(), stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        plugin = psutil.Process(int(engine.stdout.readline()))
        try:
            engine.stdout.readline()  # its port: it serves
            engine.kill()
            plugin.wait(timeout=30)
        finally:
            if plugin.is_running():
                plugin.kill()
