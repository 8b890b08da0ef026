"""The Azure ML workspace and the resources that it needs; or an existing workspace, which is only read."""

from dataclasses import dataclass
from typing import TypedDict

import pulumi
from pulumi_azure_native import (
    applicationinsights,
    containerregistry,
    keyvault,
    machinelearningservices,
    operationalinsights,
    resources,
    storage,
)

from infra import names
from infra.settings import Settings

# The version of the provider for which Pulumi.yaml names emulator/plugin; other versions are the real provider.
_STAND_IN_VERSION = "3.24.0-emulator"


@dataclass(frozen=True)
class Workspace:
    """The workspace of environment, model and web service."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]


class _Place(TypedDict):
    """The arguments that all resources share."""

    resource_group_name: pulumi.Output[str]
    location: str
    opts: pulumi.ResourceOptions


def create_workspace(settings: Settings, opts: pulumi.ResourceOptions) -> Workspace:
    """Declare the workspace with its identity, storage, key vault, insights and registry.

    With `existingWorkspace` set, the workspace of that name in `resourceGroup` is read instead.
    """
    if settings.cloud == "emulator":
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(version=_STAND_IN_VERSION))
    if settings.existing_workspace:
        workspace_id = (
            f"/subscriptions/{settings.subscription_id}/resourceGroups/{settings.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{settings.existing_workspace}"
        )
        found = machinelearningservices.Workspace.get("workspace", workspace_id, opts=opts)
        return Workspace(found.id, found.name)

    group = resources.ResourceGroup(
        "resourceGroup", resource_group_name=settings.resource_group, location=settings.location, opts=opts
    )
    place: _Place = {"resource_group_name": group.name, "location": settings.location, "opts": opts}
    account = storage.StorageAccount(
        "storage",
        account_name=names.storage_account(settings),
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
        enable_https_traffic_only=True,
        allow_blob_public_access=False,
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        **place,
    )
    vault = keyvault.Vault(
        "keyVault",
        vault_name=names.key_vault(settings),
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=settings.tenant_id,
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            # Azure refuses false: a vault that was once protected stays protected. So the property is left out.
            enable_purge_protection=settings.protect_data or None,
        ),
        **place,
    )
    # Since the classic kind was retired, Application Insights needs a Log Analytics workspace.
    logs = operationalinsights.Workspace(
        "logAnalytics",
        workspace_name=f"{settings.resource_group}-logs",
        sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
        retention_in_days=30,
        **place,
    )
    insights = applicationinsights.Component(
        "insights",
        resource_name_=f"{settings.resource_group}-insights",
        application_type=applicationinsights.ApplicationType.WEB,
        kind="web",
        workspace_resource_id=logs.id,
        **place,
    )
    registry = containerregistry.Registry(
        "registry",
        registry_name=names.registry(settings),
        sku=containerregistry.SkuArgs(name=containerregistry.SkuName.BASIC),
        # ACI pulls the service's image with the registry's admin account: Azure ML requires it to be on.
        admin_user_enabled=True,
        **place,
    )
    workspace = machinelearningservices.Workspace(
        "workspace",
        workspace_name=f"{settings.resource_group}-ml",
        friendly_name=f"Digits, {settings.stack}",
        identity=machinelearningservices.ManagedServiceIdentityArgs(
            type=machinelearningservices.ManagedServiceIdentityType.SYSTEM_ASSIGNED
        ),
        storage_account=account.id,
        key_vault=vault.id,
        application_insights=insights.id,
        container_registry=registry.id,
        public_network_access=machinelearningservices.PublicNetworkAccessType.ENABLED
        if settings.workspace_public_access
        else machinelearningservices.PublicNetworkAccessType.DISABLED,
        **place,
    )
    return Workspace(workspace.id, workspace.name)
