"""The whole deployment on one screen, and its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pulumi

from digits.datasets import NAMES
from digits.release import Release as PromotedRelease
from digits.release_record import OptionalQuestion, Question
from infra.environment import Environment, environment_version, read_conda
from infra.gate import Gate
from infra.model import Model, ModelFile, service_tags, sha256
from infra.promotion import ReleasedModel, read_release, require_checkout
from infra.rehearsal import Rehearsal
from infra.release import Release
from infra.scoring_directory import CONDA_FILE
from infra.scoring_package import ScoringPackage
from infra.settings import Settings
from infra.webservice import Webservice
from infra.workspace import create_workspace


def deploy(settings: Settings) -> None:
    """Declare workspace, environment, model, web service and release, in this order.

    All checks that this machine can make come before the first resource; raises SettingsError.
    """
    combination = _read(settings)
    # Each resource is protected. Before `destroy` meets the first protected one, it deletes those that depend on it.
    kept = pulumi.ResourceOptions(protect=settings.protect_data)
    workspace = create_workspace(settings, kept)
    environment = Environment(
        "environment", workspace_id=workspace.id, name=settings.environment_name, conda=combination.conda, opts=kept
    )
    model = Model("model", workspace_id=workspace.id, name=settings.model_name, file=combination.model_file, opts=kept)
    tags = service_tags(combination.model_file, settings.model_name)
    service = replace(settings.service, tags={**tags, **settings.service.tags})
    webservice = Webservice(
        "webservice",
        service,
        {
            "workspaceId": workspace.id,
            "name": settings.service_name,
            "primaryKeyVersion": settings.primary_key_version,
            "secondaryKeyVersion": settings.secondary_key_version,
            "modelId": pulumi.Output.concat(model.name, ":", model.version.apply(lambda version: f"{version:g}")),
            "modelSha256": model.sha256,
            "environmentName": environment.name,
            "environmentVersion": environment.version,
            "scoringPackage": combination.package.archive,
            "scoringDigest": combination.package.digest,
        },
        rehearsal=Rehearsal(settings, combination.package, combination.model_file, combination.conda).hook
        if settings.rehearsal_enabled
        else None,
        opts=kept,
    )
    release = Release(
        "release",
        {
            "workspaceId": workspace.id,
            "modelName": model.name,
            "modelVersion": model.version,
            "modelSha256": model.sha256,
            "environment": pulumi.Output.concat(environment.name, ":", environment.version),
            "scoringDigest": combination.package.digest,
            "deployment": service.to_inputs(),  # a rollback deploys it again
            "fingerprint": webservice.fingerprint,
            "modelTags": combination.model_file.tags,
            "trainingDigest": combination.model_file.training_digest,
            "source": combination.promoted.source if combination.promoted else None,
            "promoted": combination.promoted.to_json() if combination.promoted else None,
            "service": settings.service_name,
            "serviceRevision": webservice.revision,
            "scoringUri": webservice.scoring_uri,
            "report": f"reports/{settings.stack}/evaluation.json",
            **_ask(settings),
        },
        combination.package.archive,
        gate=Gate(settings, webservice).hook,
        opts=kept,
    )
    pulumi.export("scoringUri", webservice.scoring_uri)
    pulumi.export("swaggerUri", webservice.swagger_uri)
    pulumi.export("state", webservice.state)
    pulumi.export("primaryKey", webservice.primary_key)
    pulumi.export("secondaryKey", webservice.secondary_key)
    pulumi.export("release", release.record)


@dataclass(frozen=True)
class _Combination:
    """The parts that are deployed together, read and checked against each other before the first call."""

    promoted: PromotedRelease | None
    model_file: ModelFile | ReleasedModel
    conda: Mapping[str, object]
    package: ScoringPackage


def _read(settings: Settings) -> _Combination:
    promoted = read_release(settings) if settings.promote_from else None
    model_file = ReleasedModel(promoted) if promoted else ModelFile.read(settings.model_file)
    conda_file = settings.scoring_directory / CONDA_FILE
    conda = read_conda(conda_file)
    if isinstance(model_file, ModelFile) and (warning := model_file.compare_version(conda, conda_file)):
        pulumi.log.warn(warning)
    if not settings.rehearsal_enabled:
        pulumi.log.warn("rehearsalEnabled is false: the change is deployed without a trial on this machine.")
    if not settings.gate_enabled:
        pulumi.log.warn("gateEnabled is false: the live service is not evaluated, and its release holds no evidence.")
    package = ScoringPackage.read(settings.scoring_directory, model_file.manifest)
    if promoted:
        require_checkout(promoted, package.digest, environment_version(conda))
    return _Combination(promoted, model_file, conda, package)


def _ask(settings: Settings) -> Question:
    """Return what the gate asks of the live service."""
    dataset = settings.evaluation_dataset
    limits = {name: limit for name, limit in settings.thresholds.to_json().items() if limit is not None}
    optional = cast("OptionalQuestion", limits)
    if settings.evaluation_label_column:
        optional["labelColumn"] = settings.evaluation_label_column
    return {
        "dataset": dataset,
        "datasetFileSha256": None if dataset in NAMES else sha256(Path(dataset)),
        "rows": settings.evaluation_rows,
        "gateEnabled": settings.gate_enabled,
        **optional,
    }
