"""The resources that the service needs: storage, key vault and workspace, as azure-native declares them."""

from collections.abc import Iterator

from rules.rule import Finding, Kind, Resource, Rule

STORAGE = Kind("azure-native:storage:StorageAccount", "Storage account", "accountName")
KEY_VAULT = Kind("azure-native:keyvault:Vault", "Key vault", "vaultName")
WORKSPACE = Kind("azure-native:machinelearningservices:Workspace", "Azure ML workspace", "workspaceName")


def _storage(account: Resource) -> Iterator[Finding]:
    if account.inputs.get("enableHttpsTrafficOnly") is not True:
        yield Finding(
            "takes requests over plain HTTP (enableHttpsTrafficOnly is not true)",
            "set enable_https_traffic_only=True in infra/workspace.py",
        )
    if account.inputs.get("allowBlobPublicAccess") is not False:
        yield Finding(
            "may show its blobs to everybody (allowBlobPublicAccess is not false)",
            "set allow_blob_public_access=False in infra/workspace.py",
        )


def _key_vault(vault: Resource) -> Iterator[str]:
    if vault.inputs["properties"].get("enablePurgeProtection") is not True:
        yield "can be purged, with every secret in it (enablePurgeProtection is not true)"


def _workspace(workspace: Resource) -> Iterator[str]:
    # Azure takes Enabled if nothing is declared.
    access = workspace.inputs.get("publicNetworkAccess") or "Enabled"
    if access != "Disabled" and not workspace.settings["publicAccess"]:
        yield f"can be reached from the internet (publicNetworkAccess is {access})"


RULES = (
    Rule(
        "storage-closed",
        "A storage account takes only HTTPS and shows no blob to everybody.",
        STORAGE,
        _storage,
        "set enable_https_traffic_only=True and allow_blob_public_access=False in infra/workspace.py",
    ),
    Rule(
        "purge-protected",
        "A deleted key vault can be brought back.",
        KEY_VAULT,
        _key_vault,
        "write `digits:protectData: true` in Pulumi.{stack}.yaml",
    ),
    Rule(
        "workspace-closed",
        "A workspace can be reached from the internet only if the stack's policy configuration says so.",
        WORKSPACE,
        _workspace,
        "write `digits:workspacePublicAccess: false` in Pulumi.{stack}.yaml, or allow it by publicAccess in "
        "infra/policy/config/{stack}.json",
        {
            "publicAccess": {
                "type": "boolean",
                "default": False,
                "description": "Whether the workspace may be reached from the internet.",
            }
        },
    ),
)
