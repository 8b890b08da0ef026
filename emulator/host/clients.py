"""The environment variables that point a client at the emulator, and the cloud that they name."""

import json
import os
from pathlib import Path

from emulator.host import certificates
from emulator.host.instance import Record
from emulator.http import login
from emulator.http.identity import TENANT, TOKEN_PATH
from emulator.kinds import Principal
from emulator.store import Store

_PLUGIN = Path(__file__).parents[1] / "plugin"


def environment(state: Path, record: Record) -> dict[str, str]:
    """Return the variables that point the Azure ML SDK and Pulumi at the emulator, login included."""
    plugin, path = str(_PLUGIN), os.environ.get("PATH", os.defpath)
    principal = login.read_principal(state)
    return {
        "AZUREML_EMULATOR": base_url(record.port),
        "AZUREML_CURRENT_CLOUD": "AzureCloud",
        # A file: the SDK would fetch a URL with urllib, which does not read REQUESTS_CA_BUNDLE.
        "ARM_CLOUD_METADATA_URL": (state / "cloud.json").as_uri(),
        "REQUESTS_CA_BUNDLE": str(certificates.locate(state).bundle),
        "MSI_ENDPOINT": f"http://127.0.0.1:{record.identityPort}{TOKEN_PATH}",
        # For a login as a service principal; the SDK's own default is the managed identity.
        **(_name_principal(principal) if principal else {}),
        # A folder that is not there: the account of a real Azure CLI must not be used.
        "AZURE_CONFIG_DIR": str(state / "no-azure-cli"),
        # The SDK waits for a cloud that is busy; nothing here is.
        "AZUREML_DEFAULT_RETRIES": "1",
        "AZUREML_DEFAULT_500_BACKOFF": "0",
        "AZUREML_DEFAULT_503_BACKOFF": "0",
        "AZUREML_LOG_DEPRECATION_WARNING_ENABLED": "False",
        "PATH": path if path.split(os.pathsep)[0] == plugin else f"{plugin}{os.pathsep}{path}",
    }


def _name_principal(principal: Principal) -> dict[str, str]:
    return {
        "AZUREML_SERVICE_PRINCIPAL_TENANT_ID": principal["tenant"],
        "AZUREML_SERVICE_PRINCIPAL_ID": principal["appId"],
        "AZUREML_SERVICE_PRINCIPAL_PASSWORD": principal["password"],
    }


def base_url(port: int) -> str:
    """Return the emulator's URL."""
    return f"https://127.0.0.1:{port}"


def write_cloud(store: Store, port: int) -> None:
    """Write the description of a cloud whose resource manager is the emulator, in the form the SDK reads."""
    url = base_url(port)
    cloud = {
        "name": "AzureCloud",
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": f"{url}{login.ENDPOINT}",
            "audiences": [url],
            "tenant": TENANT,
            "identityProvider": "AAD",
        },
        "resourceManager": f"{url}/",
        **dict.fromkeys(("media", "batch", "gallery", "graph", "graphAudience", "sqlManagement"), url),
        **dict.fromkeys(("vmImageAliasDoc", "activeDirectoryDataLake"), url),
        "suffixes": {
            "storage": "storage.invalid",
            "keyVaultDns": "vault.invalid",
            "acrLoginServer": "registry.invalid",
            "sqlServerHostname": "sql.invalid",
            "azureDataLakeStoreFileSystem": "datalake.invalid",
            "azureDataLakeAnalyticsCatalogAndJob": "analytics.invalid",
        },
    }
    store.write_file("cloud.json", json.dumps([cloud], indent=2).encode())
