"""The contents of a web service's container: source, models and settings, in a folder of its own."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from digits.runtime import server
from digits.runtime.certificate import Certificate
from emulator.aci.archive import inside, unpack
from emulator.aci.scoring_environment import ScoringEnvironment
from emulator.azureml.artifacts import Artifacts
from emulator.azureml.models import Models
from emulator.azureml.services import list_keys
from emulator.http.errors import BadRequestError
from emulator.service_kinds import ImageRequest, Service, ServiceRequest

# The service sets these variables of the container; the environment's other variables are the user's.
_OURS = frozenset({"AZUREML_ENTRY_SCRIPT", "AZUREML_SOURCE_DIRECTORY", "AZUREML_MODEL_DIR", "AML_APP_ROOT"})


@dataclass(frozen=True)
class Layout:
    """The places of a deployment's parts, and the settings of its server."""

    source_directory: Path
    entry_script: str
    model_directory: Path | None
    conda: Mapping[str, Any]
    environment_variables: Mapping[str, str]


def layout(directory: Path, request: ImageRequest) -> Layout:
    """Return the layout of a deployment folder, for an environmentImageRequest as the SDK sends it."""
    environment = request["environment"]
    variables = _variables(environment.get("environmentVariables") or {})
    source = inside(variables.get("AZUREML_SOURCE_DIRECTORY", ""))
    script = inside(variables.get("AZUREML_ENTRY_SCRIPT", ""))
    if not script.is_relative_to(source):
        # An Environment object keeps the source directory of an earlier deployment. The inference server only looks
        # for modules there, while the entry script's path begins at the root of the unpacked source.
        source = PurePosixPath(*script.parts[:1]) if len(script.parts) > 1 else PurePosixPath()
    model_ids = request.get("modelIds") or []
    models = directory / "azureml-models"
    return Layout(
        source_directory=directory / "source" / source,
        entry_script=str(script.relative_to(source)),
        model_directory=_model_folder(models, model_ids[0]) if len(model_ids) == 1 else models if model_ids else None,
        conda=(environment.get("python") or {}).get("condaDependencies") or {},
        environment_variables={key: value for key, value in variables.items() if key not in _OURS},
    )


def prepare(directory: Path, workspace: str, request: ImageRequest, artifacts: Artifacts, models: Models) -> None:
    """Fill the deployment folder with the source and the models, anew if an earlier attempt left something."""
    shutil.rmtree(directory, ignore_errors=True)
    source = directory / "source"
    source.mkdir(parents=True)
    for asset in request.get("assets") or []:
        # The SDK generates a driver program for servers older than ours; here the entry script itself runs.
        if asset["id"] == request.get("driverProgram"):
            continue
        artifact_id = asset["url"].removeprefix("aml://artifact/")
        (artifact,) = artifacts.find(workspace, artifact_id)
        file = artifacts.file(workspace, artifact_id)
        if asset.get("unpack"):
            unpack(file, source)
        else:
            shutil.copyfile(file, source / PurePosixPath(artifact["path"]).name)
    for model_id in request.get("modelIds") or []:
        _place_model(directory / "azureml-models", workspace, model_id, artifacts, models)
    placed = layout(directory, request)
    if not (placed.source_directory / placed.entry_script).is_file():
        raise BadRequestError(
            f"The entry script {placed.entry_script} is not in the source directory that was uploaded."
        )


def start(
    directory: Path, service: Service, workspace: str, environment: ScoringEnvironment, placed: Layout
) -> server.ScoringServer:
    """Start the container's server in its deployment folder and return at once."""
    size = service["containerResourceRequirements"]
    names = {"SERVICE_NAME": service["name"], "WORKSPACE_NAME": workspace}
    return server.start(
        directory / "run",
        python=environment.python,
        notes=environment.notes,
        source_directory=placed.source_directory,
        entry_script=placed.entry_script,
        model_directory=placed.model_directory,
        port=service["port"],
        keys=list_keys(service) if service["authEnabled"] else None,
        certificate=write_certificate(directory, service) if service.get("sslEnabled") else None,
        environment_variables={**placed.environment_variables, **names},
        cpu_cores=size["cpu"],
        memory_gb=size["memoryInGB"],
    )


def write_certificate(directory: Path, service: Service | ServiceRequest) -> Certificate:
    """Write the certificate and the key of a service with TLS; only the owner may read them."""
    certificate = Certificate(directory / "certificate.pem", directory / "certificate-key.pem")
    for file, text in ((certificate.file, service["sslCertificate"]), (certificate.key_file, service["sslKey"])):
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(text or "", encoding="utf-8")
    return certificate


def _variables(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment's variables as text; null becomes an empty text."""
    variables = {str(name): "" if value is None else str(value) for name, value in given.items()}
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise BadRequestError(
                f"The environment variable {name!r} cannot be set: a name is not empty and has no =, "
                f"and neither name nor value has a null character."
            )
    return variables


def _place_model(folder: Path, workspace: str, model_id: str, artifacts: Artifacts, models: Models) -> None:
    target = _model_folder(folder, model_id)
    target.mkdir(parents=True)
    model = models.get(workspace, model_id)
    for prefix in models.prefixes(workspace, model):
        # "LocalUpload/<container>/<file or folder>": the prefix's last part is the model's name inside.
        root = PurePosixPath(prefix).parent
        for artifact in artifacts.find(workspace, prefix):
            file = target / inside(str(PurePosixPath(artifact["artifactId"]).relative_to(root)))
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(artifacts.file(workspace, artifact["artifactId"]), file)
            if model["unpack"]:
                unpack(file, target)
                file.unlink()


def _model_folder(folder: Path, model_id: str) -> Path:
    name, _, version = model_id.rpartition(":")
    return folder / name / version
