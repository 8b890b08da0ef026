"""Requests to create or update a web service: their fields are read, and a wrong one is refused in Azure's words."""

import re
import tempfile
from pathlib import Path
from typing import cast

from digits.runtime.certificate import CertificateError
from emulator.aci import container
from emulator.azureml import properties
from emulator.azureml.models import Models
from emulator.azureml.services import new_keys
from emulator.http import json_body
from emulator.http.errors import AzureError, BadRequestError
from emulator.http.routing import Fields
from emulator.service_kinds import ImageRequest, Keys, Service, ServiceEnvironment, ServiceRequest, Size

_NAME = re.compile(r"[a-z]([-a-z0-9]{1,30})[a-z0-9]")
_IMAGES = "mcr.microsoft.com/azureml/"  # Azure's own: they bring what the inference server brings here
_DEFAULT_SIZE: Size = {"cpu": 0.1, "memoryInGB": 0.5}
# 4 cores and 16 GB are a container group's; Azure's two helper containers take 0.1 cores and 0.5 GB each.
_LARGEST_SIZE: Size = {"cpu": 3.8, "memoryInGB": 15}


def check_name(name: object) -> str:
    """Return the name if Azure would take it."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequestError(
            f"Service name {name!r} is invalid: it must only consist of lowercase letters, numbers, or dashes, start "
            f"with a letter, end with a letter or number, and be between 3 and 32 characters long.",
            code="InvalidServiceName",
        )
    return name


def read_request(fields: Fields, location: str) -> ServiceRequest:
    """Return a create request's fields; it has keys only if the client sent some."""
    if fields.get("computeType") != "ACI":
        raise AzureError(
            f"The emulator runs web services of compute type ACI, not {fields.get('computeType')}.",
            code="NotImplemented",
            status=501,
        )
    size = fields.get("containerResourceRequirements") or {}
    wanted: ServiceRequest = {
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
        "containerResourceRequirements": cast("Size", {**_DEFAULT_SIZE, **_given(size)}),
        "environmentImageRequest": cast("ImageRequest", fields.get("environmentImageRequest")),  # check() looks
        "vnetConfiguration": fields.get("vnetConfiguration"),
        "encryptionProperties": fields.get("encryptionProperties"),
        "dataCollection": fields.get("dataCollection"),
        "dnsNameLabel": fields.get("dnsNameLabel"),
    }
    json_body.require_objects(fields, ("keys", "containerResourceRequirements"))
    keys = {name: value for name, value in (fields.get("keys") or {}).items() if value not in (None, "")}
    json_body.require_texts(keys, keys)
    if keys:
        wanted["keys"] = cast("Keys", {**new_keys(), **keys})
    return wanted


def _given(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def check(service: Service | ServiceRequest, workspace: str, models: Models) -> None:
    """Raise unless the service, as a create or an update would make it, can be deployed."""
    json_body.require_texts(service, ("description", "location", "cname", "sslCertificate", "sslKey", "dnsNameLabel"))
    json_body.require_objects(service, ("containerResourceRequirements", "environmentImageRequest"))
    size = service["containerResourceRequirements"]
    asked = (size.get("cpu"), size.get("memoryInGB"))
    if not all(isinstance(number, (int, float)) and number > 0 for number in asked):
        raise BadRequestError("containerResourceRequirements needs a positive cpu and memoryInGB.")
    if size["cpu"] > _LARGEST_SIZE["cpu"] or size["memoryInGB"] > _LARGEST_SIZE["memoryInGB"]:
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
    json_body.require_list(request, "modelIds", str)
    json_body.require_list(request, "assets", dict)
    json_body.require_texts(request, ("driverProgram",))
    for asset in request.get("assets") or []:
        if not (isinstance(asset.get("id"), str) and isinstance(asset.get("url"), str)):
            raise BadRequestError("Each of the assets needs an id and a url.")
    _check_environment(request["environment"])
    for model_id in request.get("modelIds") or []:
        models.get(workspace, model_id)
    if service.get("sslEnabled"):
        _check_tls(service)


def _check_environment(environment: ServiceEnvironment) -> None:
    """Raise unless the environment has nothing but conda dependencies: there are no images here."""
    json_body.require_objects(environment, ("python", "docker", "environmentVariables"))
    json_body.require_texts(environment.get("docker") or {}, ("baseImage",))
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


def _check_tls(service: Service | ServiceRequest) -> None:
    needed = {"sslCertificate": service["sslCertificate"], "sslKey": service["sslKey"], "cname": service["cname"]}
    missing = [name for name, value in needed.items() if not isinstance(value, str)]
    if missing:
        raise BadRequestError(f"SSL is enabled, so these must be given too: {', '.join(missing)}.")
    with tempfile.TemporaryDirectory() as directory:
        try:
            container.write_certificate(Path(directory), service).load()
        except CertificateError as error:
            field = {"certificate": "sslCertificate", "key": "sslKey"}[error.part]
            raise BadRequestError(f"{field} cannot be used: it {error}.") from None
