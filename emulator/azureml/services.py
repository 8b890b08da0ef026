"""A web service as a document: what a request may ask for, what is kept of it, what the SDK reads back."""

import re
import secrets
import socket
import tempfile
from pathlib import Path
from typing import Any

from digits.runtime.certificate import CertificateError
from emulator.aci import container
from emulator.azureml import properties
from emulator.azureml.models import CREATED_BY, Models, now
from emulator.http import json_patch
from emulator.http.errors import AzureError, BadRequestError, NotFoundError
from emulator.store import Document

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

_NAME = re.compile(r"[a-z]([-a-z0-9]{1,30})[a-z0-9]")
# Below the range from which the system takes ports for outgoing connections: ours is still free after a restart.
_PORTS = range(20_000, 32_000)
_IMAGES = "mcr.microsoft.com/azureml/"  # Azure's own: they bring what the inference server brings here
_DEFAULT_SIZE = {"cpu": 0.1, "memoryInGB": 0.5}
# 4 cores and 16 GB are a container group's; Azure's two helper containers take 0.1 cores and 0.5 GB each.
_LARGEST_SIZE = {"cpu": 3.8, "memoryInGB": 15}
# What is about Azure's network, storage and key vaults: kept and shown, for there is nothing here that it could change.
_KEPT = ("vnetConfiguration", "encryptionProperties", "dataCollection")
# What the SDK asks of a service object, with null where we have nothing to say.
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


def check_name(name: object) -> str:
    """Return the name if Azure would take it."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequestError(
            f"Service name {name!r} is invalid: it must only consist of lowercase letters, numbers, or dashes, start "
            f"with a letter, end with a letter or number, and be between 3 and 32 characters long.",
            code="InvalidServiceName",
        )
    return name


def read_request(fields: Document, location: str) -> Document:
    """Return what a create request asks for, checked; keys only when it brings some."""
    if fields.get("computeType") != "ACI":
        raise AzureError(
            f"The emulator runs web services of compute type ACI, not {fields.get('computeType')}.",
            code="NotImplemented",
            status=501,
        )
    size = {
        key: value for key, value in (fields.get("containerResourceRequirements") or {}).items() if value is not None
    }
    wanted = {
        "name": check_name(fields.get("name")),
        "description": fields.get("description"),
        "kvTags": properties.read("kvTags", fields.get("kvTags")),
        "properties": properties.read("properties", fields.get("properties")),
        "authEnabled": bool(fields.get("authEnabled")),
        "appInsightsEnabled": bool(fields.get("appInsightsEnabled")),
        "location": fields.get("location") or location,
        "cname": fields.get("cname"),
        "sslEnabled": bool(fields.get("sslEnabled")),
        "sslCertificate": fields.get("sslCertificate"),
        "sslKey": fields.get("sslKey"),
        "containerResourceRequirements": {**_DEFAULT_SIZE, **size},
        "environmentImageRequest": fields.get("environmentImageRequest"),
        **{name: fields.get(name) for name in (*_KEPT, "dnsNameLabel")},
    }
    keys = {name: value for name, value in (fields.get("keys") or {}).items() if value}
    if keys:
        wanted["keys"] = {**new_keys(), **keys}
    return wanted


def change(service: Document, request: Document) -> Document:
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


def check(service: Document, workspace: str, models: Models) -> None:
    """Raise unless the service, as a create or an update would make it, can be deployed."""
    size = service["containerResourceRequirements"]
    if not all(isinstance(size.get(key), (int, float)) and size[key] > 0 for key in _DEFAULT_SIZE):
        raise BadRequestError("containerResourceRequirements needs a positive cpu and memoryInGB.")
    if any(size[key] > largest for key, largest in _LARGEST_SIZE.items()):
        raise BadRequestError(
            f"containerResourceRequirements of {size['cpu']:g} cores and {size['memoryInGB']:g} GB do not fit into a "
            f"container group next to Azure ML's own containers: at most {_LARGEST_SIZE['cpu']} cores and "
            f"{_LARGEST_SIZE['memoryInGB']} GB do."
        )
    request = service["environmentImageRequest"]
    if not isinstance(request, dict) or not isinstance(request.get("environment"), dict):
        raise AzureError(
            "The emulator deploys with an InferenceConfig that has an environment; a deployment without code, or "
            "from an image, is not supported.",
            code="NotImplemented",
            status=501,
        )
    _check_environment(request["environment"])
    for model_id in request.get("modelIds") or []:
        models.get(workspace, model_id)
    if service.get("sslEnabled"):
        _check_tls(service)


def _check_environment(environment: Document) -> None:
    """Raise unless the environment is its conda dependencies alone: there are no images here."""
    python, docker = environment.get("python") or {}, environment.get("docker") or {}
    image = docker.get("baseImage") or _IMAGES
    asked = {
        "userManagedDependencies": python.get("userManagedDependencies"),
        "a base_dockerfile": docker.get("baseDockerfile") or docker.get("buildContext"),
        f"the base image {image}": not image.startswith(_IMAGES),
        "an R environment": environment.get("r"),
    }
    for name, is_asked in asked.items():
        if is_asked:
            raise AzureError(
                f"The emulator runs no Docker image: it makes the environment from its conda dependencies, "
                f"so {name} is not supported.",
                code="NotImplemented",
                status=501,
            )


def _check_tls(service: Document) -> None:
    missing = [name for name in ("sslCertificate", "sslKey", "cname") if not isinstance(service[name], str)]
    if missing:
        raise BadRequestError(f"SSL is enabled, so these must be given too: {', '.join(missing)}.")
    with tempfile.TemporaryDirectory() as directory:
        try:
            container.write_certificate(Path(directory), service).load()
        except CertificateError as error:
            field = {"certificate": "sslCertificate", "key": "sslKey"}[error.part]
            raise BadRequestError(f"{field} cannot be used: it {error}.") from None


def new_keys() -> dict[str, str]:
    """Return two random keys of 32 characters, as Azure makes them."""
    return {"primaryKey": new_key(), "secondaryKey": new_key()}


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


def scoring_uri(service: Document) -> str:
    """Return where the service scores; with TLS the name is the owner's, and his to lead to this machine."""
    host = f"https://{service['cname']}" if service.get("sslEnabled") else "http://127.0.0.1"
    return f"{host}:{service['port']}/score"


def render(service: Document, workspace: str, models: Models) -> Document:
    """Return the service as the SDK reads it; without its keys."""
    shown: dict[str, Any] = {
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


def new_service(wanted: Document, port: int) -> Document:
    """Return the document of a service that was not there before."""
    return {
        "keys": new_keys(),
        **wanted,
        "port": port,
        "deployment": None,
        "state": "Transitioning",
        "error": None,
        "createdTime": now(),
        "updatedTime": now(),
    }


def _render_model(model_id: str, workspace: str, models: Models) -> Document:
    try:
        model = models.get(workspace, model_id)
    except NotFoundError:  # cannot be deleted while a service has it, but an update that waits does not hold it
        return {"id": model_id}
    size = model["resourceRequirements"]
    # The SDK does not send what is null, and misses it here.
    return {**model, "tags": model["kvTags"], "resourceRequirements": size and {"gpu": None, **size}}
