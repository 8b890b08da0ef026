"""A workspace for scripts that only have the SDK, whose Workspace.create deploys a template; made by ARM's PUTs."""

import hashlib

from emulator.host.instance import EmulatorError
from emulator.http.identity import TENANT
from emulator.plugin.arm_client import ArmClient, ArmError

_VERSION = "2022-10-01"


def create(arm: ArmClient, group: str, name: str, location: str) -> bool:
    """Create the workspace, and the group and what it stands on; False where it is there, which changes nothing."""
    try:
        return _create(arm, group, name, location)
    except ArmError as error:
        raise EmulatorError(f"The workspace {name} cannot be created: {error}") from None


def _create(arm: ArmClient, group: str, name: str, location: str) -> bool:
    group_id = f"{arm.subscription['id']}/resourceGroups/{group}"
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
