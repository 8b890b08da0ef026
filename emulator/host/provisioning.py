"""Additions to a running emulator without Pulumi: a subscription, and a workspace for scripts of the SDK.

The SDK's own Workspace.create deploys a template, which the emulator does not do.
"""

import hashlib

from emulator.host.instance import SUBSCRIPTIONS_PATH, EmulatorError
from emulator.http.identity import TENANT
from emulator.plugin.arm_client import ArmClient, ArmError

_VERSION = "2022-10-01"


def add_subscription(arm: ArmClient, subscription: str) -> None:
    """Add the subscription; one that is there stays as it is."""
    try:
        arm.put(f"{SUBSCRIPTIONS_PATH}/{subscription}", _VERSION, {})
    except ArmError as error:
        raise EmulatorError(f"The subscription {subscription} cannot be added: {error}") from None


def create_workspace(arm: ArmClient, subscription: str | None, group: str, name: str, location: str) -> bool:
    """Create the workspace, its group and the resources that it needs; return False if it is there already."""
    try:
        return _create(arm, subscription or _find_only(arm), group, name, location)
    except ArmError as error:
        raise EmulatorError(f"The workspace {name} cannot be created: {error}") from None


def _find_only(arm: ArmClient) -> str:
    ids = [found["subscriptionId"] for found in arm.list_subscriptions()]
    if len(ids) != 1:
        raise EmulatorError(
            f"The emulator has {len(ids)} subscriptions: name one with --subscription: {', '.join(ids)}."
        )
    return ids[0]


def _create(arm: ArmClient, subscription: str, group: str, name: str, location: str) -> bool:
    group_id = f"/subscriptions/{subscription}/resourceGroups/{group}"
    providers = f"{group_id}/providers"
    workspace = f"{providers}/Microsoft.MachineLearningServices/workspaces/{name}"
    if arm.get(workspace, _VERSION) is not None:
        return False
    if arm.get(group_id, _VERSION) is None:
        arm.put(group_id, _VERSION, {"location": location})
    # Names that exist once in the emulator, and are the same when a run that was cut short is run again.
    suffix = hashlib.sha256(workspace.lower().encode()).hexdigest()[:20]
    sku = {"family": "A", "name": "standard"}
    parts = {
        "storageAccount": (f"Microsoft.Storage/storageAccounts/st{suffix}", {}),
        "keyVault": (f"Microsoft.KeyVault/vaults/kv{suffix}", {"tenantId": TENANT, "sku": sku}),
        "applicationInsights": (f"Microsoft.Insights/components/ai{suffix}", {"Application_Type": "web"}),
    }
    ids = {}
    for link, (path, properties) in parts.items():
        body = {"location": location, "properties": properties}
        ids[link] = arm.put(f"{providers}/{path}", _VERSION, body)["id"]
    arm.put(workspace, _VERSION, {"location": location, "identity": {"type": "SystemAssigned"}, "properties": ids})
    return True
