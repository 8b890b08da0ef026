"""The resource types that the stand-in knows, and how azure-native's properties and ARM's bodies translate.

azure-native lifts ARM's `properties` to the top, renames some of them, and names a resource by the parameters of its
ARM path.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = dict[str, Any]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # how the engine writes a value that is not known before `up`

_GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
_ADDED_BY_AZURE = frozenset(
    {
        "azureApiVersion",
        "identity.principalId",
        "identity.tenantId",
        "name",
        "properties.provisioningState",
        "provisioningState",
        "sku.tier",
        "systemData",
        "type",
    }
)


class RefusedError(Exception):
    """The request is not in the catalog, or not complete; one sentence."""


@dataclass(frozen=True)
class ResourceType:
    """One azure-native resource type and its ARM counterpart."""

    path: str
    api_version: str  # the one that azure-native 3.24.0 uses for this type
    envelope: frozenset[str]  # the fields next to ARM's `properties`, or `properties` itself
    renamed: Mapping[str, str] = field(default_factory=dict)  # azure-native's name to ARM's
    fixed: frozenset[str] = frozenset()  # Azure cannot change these later, nor the path's parameters and the location
    read_only: frozenset[str] = frozenset()  # Azure decides these

    @property
    def parameters(self) -> list[str]:
        """Return the inputs that make up the resource's id; the last one is its name."""
        return [name for name in re.findall(r"{(\w+)}", self.path) if name != "subscriptionId"]

    def make_id(self, subscription: str, inputs: Properties) -> str:
        """Return the ARM id that the inputs lead to."""
        return self.path.format(subscriptionId=subscription, **{name: inputs[name] for name in self.parameters})

    def split_id(self, resource_id: str) -> Properties:
        """Return the inputs that an ARM id holds."""
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, resource_id, re.IGNORECASE)
        if found is None:
            raise RefusedError(f"'{resource_id}' is not an id of the form {self.path}.")
        return {name: found[name] for name in self.parameters}

    def to_arm(self, inputs: Properties) -> Properties:
        """Return the body that asks ARM for these inputs."""
        body: Properties = {}
        properties: Properties = {}
        for name, value in inputs.items():
            if name not in self.parameters:
                (body if name in self.envelope else properties)[self.renamed.get(name, name)] = value
        return {**body, "properties": properties} if properties else body

    def from_arm(self, body: Properties) -> Properties:
        """Return azure-native's outputs for a body that ARM answered."""
        ours = {theirs: name for name, theirs in self.renamed.items()}
        outputs = {name: value for name, value in body.items() if name not in {"id", "properties"}}
        properties = body.get("properties", {})
        if "properties" in self.envelope:
            outputs["properties"] = properties
        else:
            outputs |= {ours.get(name, name): value for name, value in properties.items()}
        return {**outputs, "azureApiVersion": self.api_version}

    def preview(self, inputs: Properties, olds: Properties) -> Properties:
        """Return the outputs that are known before a request to ARM."""
        name = inputs[self.parameters[-1]]
        outputs = {**olds, **{key: value for key, value in inputs.items() if key not in self.parameters}, "name": name}
        for path in self.read_only | _ADDED_BY_AZURE:
            outer, _, inner = path.partition(".")
            if not inner:
                outputs.setdefault(outer, UNKNOWN)
            elif isinstance(outputs.get(outer), dict):
                known = olds.get(outer) or {}
                outputs[outer] = {inner: known.get(inner, UNKNOWN), **outputs[outer]}
        return outputs

    def to_inputs(self, resource_id: str, outputs: Properties) -> Properties:
        """Return the inputs that would have made an imported resource."""
        return {**self.split_id(resource_id), **_remove(outputs, self.read_only | _ADDED_BY_AZURE)}


def refresh_inputs(old: Properties, outputs: Properties, parameters: Iterable[str]) -> Properties:
    """Return the old inputs with Azure's present values; properties that were never inputs are left to Azure."""
    now = {name: _narrow(old[name], value) for name, value in outputs.items() if name in old}
    if outputs.get("tags"):
        now["tags"] = outputs["tags"]
    if normalize_location(old.get("location")) == now.get("location"):
        now["location"] = old["location"]
    return {**now, **{name: old[name] for name in parameters if name in old}}


def normalize_location(location: object) -> object:
    """Return 'East US' as ARM writes it, 'eastus'."""
    return location.replace(" ", "").lower() if isinstance(location, str) else location


def _narrow(old: object, now: object) -> object:
    if isinstance(old, dict) and isinstance(now, dict):
        return {name: _narrow(value, now[name]) for name, value in old.items() if name in now}
    return now


def _remove(properties: Properties, paths: frozenset[str]) -> Properties:
    kept = {name: value for name, value in properties.items() if name not in paths}
    for path in paths:
        name, _, inner = path.partition(".")
        if inner and isinstance(kept.get(name), dict):
            kept[name] = {key: value for key, value in kept[name].items() if key != inner}
    return kept


TYPES = {
    "azure-native:resources:ResourceGroup": ResourceType(
        _GROUP,
        "2024-03-01",
        frozenset({"location", "managedBy", "properties", "tags"}),
        read_only=frozenset({"properties"}),
    ),
    "azure-native:storage:StorageAccount": ResourceType(
        _GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}",
        "2024-01-01",
        frozenset({"extendedLocation", "identity", "kind", "location", "sku", "tags"}),
        renamed={
            "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
            "enableNfsV3": "isNfsV3Enabled",
            "networkRuleSet": "networkAcls",
        },
        fixed=frozenset({"dnsEndpointType", "enableNfsV3", "immutableStorageWithVersioning"}),
        read_only=frozenset(
            {
                "creationTime",
                "keyCreationTime",
                "primaryEndpoints",
                "primaryLocation",
                "privateEndpointConnections",
                "statusOfPrimary",
            }
        ),
    ),
    "azure-native:keyvault:Vault": ResourceType(
        _GROUP + "/providers/Microsoft.KeyVault/vaults/{vaultName}",
        "2024-11-01",
        frozenset({"location", "properties", "tags"}),
        read_only=frozenset({"properties.vaultUri"}),
    ),
    "azure-native:operationalinsights:Workspace": ResourceType(
        _GROUP + "/providers/Microsoft.OperationalInsights/workspaces/{workspaceName}",
        "2023-09-01",
        frozenset({"etag", "identity", "location", "tags"}),
        read_only=frozenset({"createdDate", "customerId"}),
    ),
    "azure-native:applicationinsights:Component": ResourceType(
        _GROUP + "/providers/Microsoft.Insights/components/{resourceName}",
        "2020-02-02",
        frozenset({"etag", "kind", "location", "tags"}),
        renamed={
            "appId": "AppId",
            "applicationId": "ApplicationId",
            "applicationType": "Application_Type",
            "connectionString": "ConnectionString",
            "creationDate": "CreationDate",
            "disableIpMasking": "DisableIpMasking",
            "disableLocalAuth": "DisableLocalAuth",
            "flowType": "Flow_Type",
            "forceCustomerStorageForProfiler": "ForceCustomerStorageForProfiler",
            "hockeyAppId": "HockeyAppId",
            "immediatePurgeDataOn30Days": "ImmediatePurgeDataOn30Days",
            "ingestionMode": "IngestionMode",
            "instrumentationKey": "InstrumentationKey",
            "requestSource": "Request_Source",
            "retentionInDays": "RetentionInDays",
            "samplingPercentage": "SamplingPercentage",
            "tenantId": "TenantId",
            "workspaceResourceId": "WorkspaceResourceId",
        },
        read_only=frozenset(
            {"Name", "appId", "applicationId", "connectionString", "creationDate", "instrumentationKey", "tenantId"}
        ),
    ),
    "azure-native:containerregistry:Registry": ResourceType(
        _GROUP + "/providers/Microsoft.ContainerRegistry/registries/{registryName}",
        "2023-01-01-preview",
        frozenset({"identity", "location", "sku", "tags"}),
        read_only=frozenset({"creationDate", "dataEndpointHostNames", "loginServer", "privateEndpointConnections"}),
    ),
    "azure-native:machinelearningservices:Workspace": ResourceType(
        _GROUP + "/providers/Microsoft.MachineLearningServices/workspaces/{workspaceName}",
        "2025-12-01",
        frozenset({"identity", "kind", "location", "sku", "tags"}),
        fixed=frozenset({"hbiWorkspace", "keyVault", "storageAccount"}),
        read_only=frozenset(
            {
                "discoveryUrl",
                "privateEndpointConnections",
                "privateLinkCount",
                "storageHnsEnabled",
                "tenantId",
                "workspaceId",
            }
        ),
    ),
}
