"""The resource types that ARM knows here: the rule for their names, and the properties that Azure adds.

Host names that Azure would give a resource end in `.invalid`: nothing can reach a real account by mistake.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emulator.http.errors import AzureError
from emulator.http.identity import TENANT
from emulator.kinds import Envelope

Properties = dict[str, object]

_DOMAIN = "emulator.invalid"


@dataclass(frozen=True)
class New:
    """The facts about a resource that is being created."""

    name: str
    location: str
    time: str


@dataclass(frozen=True)
class Refusal:
    """Azure's answer to a name that it does not take."""

    status: int
    code: str
    message: str

    def error(self, name: str) -> AzureError:
        """Return the answer as an error to raise."""
        return AzureError(self.message.format(name=name), code=self.code, status=self.status)


@dataclass(frozen=True)
class ArmType:
    """One resource type: the rule for its names, in Azure's words, and the properties that Azure adds."""

    name: str
    naming: re.Pattern[str]
    bad_name: Refusal
    read_only: Callable[[New], Properties]  # properties that Azure decides once, when the resource is created
    defaults: Mapping[str, object] = field(default_factory=dict)  # properties that hold unless asked otherwise
    envelope: Envelope = field(default_factory=Envelope)  # the same for what stands outside `properties`
    taken_name: Refusal | None = None  # for names that exist once in all of Azure
    links: tuple[str, ...] = ()  # properties that hold the id of another resource
    required_links: tuple[str, ...] = ()


def _storage(new: New) -> Properties:
    services = ("blob", "dfs", "file", "queue", "table", "web")
    return {
        "creationTime": new.time,
        "keyCreationTime": {"key1": new.time, "key2": new.time},
        "primaryEndpoints": {service: f"https://{new.name}.{service}.{_DOMAIN}/" for service in services},
        "primaryLocation": new.location,
        "statusOfPrimary": "available",
        "privateEndpointConnections": [],
    }


def _vault(new: New) -> Properties:
    return {"vaultUri": f"https://{new.name}.vault.{_DOMAIN}/"}


def _logs(new: New) -> Properties:
    return {"customerId": _new_id(), "createdDate": new.time}


def _insights(new: New) -> Properties:
    key = _new_id()
    return {
        "AppId": _new_id(),
        "ApplicationId": new.name,
        "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint=https://{new.location}.in.{_DOMAIN}/",
        "CreationDate": new.time,
        "InstrumentationKey": key,
        "Name": new.name,
        "TenantId": TENANT,
    }


def _registry(new: New) -> Properties:
    return {
        "creationDate": new.time,
        "dataEndpointHostNames": [],
        "loginServer": f"{new.name.lower()}.registry.{_DOMAIN}",
        "privateEndpointConnections": [],
    }


def _workspace(_: New) -> Properties:
    return {
        "privateEndpointConnections": [],
        "privateLinkCount": 0,
        "storageHnsEnabled": False,
        "tenantId": TENANT,
        "workspaceId": _new_id(),
    }


def _new_id() -> str:
    return str(uuid.uuid4())


WORKSPACE_TYPE = "Microsoft.MachineLearningServices/workspaces"

TYPES = (
    ArmType(
        "Microsoft.Storage/storageAccounts",
        re.compile(r"[a-z0-9]{3,24}"),
        Refusal(
            400,
            "AccountNameInvalid",
            "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
            "length and use numbers and lower-case letters only.",
        ),
        _storage,
        defaults={"supportsHttpsTrafficOnly": True},
        taken_name=Refusal(409, "StorageAccountAlreadyTaken", "The storage account named {name} is already taken."),
    ),
    ArmType(
        "Microsoft.KeyVault/vaults",
        re.compile(r"(?=.{3,24}$)[A-Za-z](-?[A-Za-z0-9])+"),
        Refusal(
            400,
            "VaultNameNotValid",
            "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name "
            "must begin with a letter, end with a letter or digit, and not contain consecutive hyphens.",
        ),
        _vault,
        defaults={"accessPolicies": [], "enableSoftDelete": True},
        taken_name=Refusal(
            409,
            "VaultAlreadyExists",
            "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the "
            "name is already taken.",
        ),
    ),
    ArmType(
        "Microsoft.OperationalInsights/workspaces",
        re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"),
        Refusal(
            400,
            "InvalidParameter",
            "Workspace name must start and end with an alphanumeric character, and may contain only alphanumeric and "
            "hyphen characters: '{name}' does not, or is not between 4 and 63 characters long.",
        ),
        _logs,
        defaults={
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            "retentionInDays": 30,
            "sku": {"name": "PerGB2018"},
        },
    ),
    ArmType(
        "Microsoft.Insights/components",
        re.compile(r"(?!.*[.\s]$)[^%&\\?/]{1,260}"),
        Refusal(
            400,
            "InvalidResourceName",
            "The name '{name}' is invalid: 1 to 260 characters, none of %&\\?/, no dot at the end.",
        ),
        _insights,
        links=("WorkspaceResourceId",),
    ),
    ArmType(
        "Microsoft.ContainerRegistry/registries",
        re.compile(r"[A-Za-z0-9]{5,50}"),
        Refusal(
            400,
            "InvalidResourceName",
            "The registry name '{name}' is invalid: registry names may contain only alpha numeric characters and must "
            "be between 5 and 50 characters.",
        ),
        _registry,
        defaults={"adminUserEnabled": False, "publicNetworkAccess": "Enabled"},
        taken_name=Refusal(409, "AlreadyInUse", "The registry DNS name {name} is already in use."),
    ),
    ArmType(
        WORKSPACE_TYPE,
        re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}"),
        Refusal(
            400,
            "InvalidResourceName",
            "The workspace name '{name}' is invalid: it must be between 3 and 33 characters, begin with a letter or "
            "digit, and contain only letters, digits, hyphens and underscores.",
        ),
        _workspace,
        defaults={"hbiWorkspace": False, "publicNetworkAccess": "Enabled", "v1LegacyMode": False},
        envelope={"kind": "Default", "sku": {"name": "Basic"}},
        links=("storageAccount", "keyVault", "applicationInsights", "containerRegistry"),
        required_links=("storageAccount", "keyVault", "applicationInsights"),
    ),
)
