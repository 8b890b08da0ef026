"""A web service as a document: how it begins, how a request changes it, and how the SDK reads it."""

import secrets
import socket

from emulator.azureml import properties
from emulator.azureml.models import CREATED_BY, Models, now
from emulator.http import json_patch
from emulator.http.errors import AzureError, NotFoundError
from emulator.http.routing import Answer
from emulator.service_kinds import Failure, Keys, Service, ServiceChange, ServiceRequest
from emulator.store import Store

PATCHED = (
    "kvTags",
    "description",
    "properties",
    "authEnabled",
    "appInsightsEnabled",
    "containerResourceRequirements",
    "environmentImageRequest",
    "sslEnabled",
    "sslCertificate",
    "sslKey",
    "cname",
)
REDEPLOYED_BY = frozenset(PATCHED) - {"kvTags", "description", "properties", "appInsightsEnabled"}

# Below the range from which the system takes ports for outgoing connections: ours is still free after a restart.
_PORTS = range(20_000, 32_000)
# Settings of Azure's network, storage and key vaults: they are kept and shown, and change nothing here.
_KEPT = ("vnetConfiguration", "encryptionProperties", "dataCollection")
# The fields that the SDK expects of a service object; one without a value is null.
_SHOWN = (
    "name",
    "description",
    "kvTags",
    "properties",
    "authEnabled",
    "appInsightsEnabled",
    "location",
    "cname",
    "sslCertificate",
    "createdTime",
    "updatedTime",
    "containerResourceRequirements",
    "environmentImageRequest",
    "state",
    "operationId",
    *_KEPT,
)


def show_state(store: Store, key: str, state: str, error: Failure | None) -> None:
    """Write a service's state and error, if the service is still there."""
    with store.transaction():
        service = store.services.get(key)
        if service is not None:
            store.services.put(key, {**service, "state": state, "error": error, "updatedTime": now()})


def change(service: Service, request: ServiceChange) -> Service:
    """Return the service, as it is now, changed by a create request with overwrite or by a JSON patch."""
    if "patch" in request:
        changed = json_patch.apply(service, request["patch"], PATCHED)
    else:
        changed = {**service, **request["replace"]}
    asked = properties.read("properties", changed["properties"])
    return {
        **changed,
        "kvTags": properties.read("kvTags", changed["kvTags"]),
        "properties": properties.add(service["properties"], asked),
    }


def new_keys() -> Keys:
    """Return two random keys of 32 characters, as Azure makes them."""
    return {"primaryKey": new_key(), "secondaryKey": new_key()}


def list_keys(service: Service) -> list[str]:
    """Return both keys."""
    return [service["keys"]["primaryKey"], service["keys"]["secondaryKey"]]


def new_key() -> str:
    """Return a random key of 32 letters, digits, - and _."""
    return secrets.token_urlsafe(24)


def free_port(taken: set[int]) -> int:
    """Return a port on which nothing listens and which no other service has."""
    candidates = [port for port in _PORTS if port not in taken]
    while candidates:
        port = candidates.pop(secrets.randbelow(len(candidates)))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AzureError("No port is free for another web service: delete one.", code="Conflict", status=409)


def scoring_uri(service: Service) -> str:
    """Return the scoring URI; with TLS it has the owner's host name, which must lead to this machine."""
    host = f"https://{service['cname']}" if service.get("sslEnabled") else "http://127.0.0.1"
    return f"{host}:{service['port']}/score"


def render(service: Service, workspace: str, models: Models) -> Answer:
    """Return the service as the SDK reads it; without its keys."""
    shown: dict[str, object] = {
        key: service.get(key) for key in _SHOWN if service.get(key) is not None or key != "operationId"
    }
    return {
        **shown,
        "sslEnabled": bool(service.get("sslEnabled")),
        "sslKey": None,  # as its own keys, it is never shown
        **({"error": service["error"]} if service.get("error") else {}),
        "computeType": "ACI",
        "publicIp": "127.0.0.1",
        "scoringUri": scoring_uri(service),
        "createdBy": CREATED_BY,
        "models": [
            _render_model(model_id, workspace, models)
            for model_id in service["environmentImageRequest"].get("modelIds") or []
        ],
    }


def new_service(wanted: ServiceRequest, port: int) -> Service:
    """Return the document of a service that was not there before."""
    return {
        **wanted,
        "keys": wanted.get("keys") or new_keys(),
        "operationId": "",
        "port": port,
        "deployment": None,
        "state": "Transitioning",
        "error": None,
        "createdTime": now(),
        "updatedTime": now(),
    }


def _render_model(model_id: str, workspace: str, models: Models) -> Answer:
    try:
        model = models.get(workspace, model_id)
    except NotFoundError:  # cannot be deleted while a service has it, but an update that waits does not hold it
        return {"id": model_id}
    size = model["resourceRequirements"]
    # The SDK does not send what is null, and misses it here.
    return {**model, "tags": model["kvTags"], "resourceRequirements": size and {"gpu": None, **size}}
