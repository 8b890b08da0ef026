"""A stack that takes releases: it deploys what another stack released, by digest, and trains and builds nothing."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from digits.release import OtherCheckoutError, PromotionError, Release
from infra import azureml
from infra.configuration import SettingsError
from infra.environment import environment_version, read_conda
from infra.scoring_directory import CONDA_FILE
from infra.scoring_package import ScoringPackage
from infra.settings import Settings


def read_release(settings: Settings) -> Release:
    """Return the release that this stack takes: the pinned one, otherwise the last one of the source stack.

    Raises SettingsError if there is none.
    """
    try:
        if settings.release:
            return Release.from_json(settings.release)
        name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{settings.promote_from}"
        try:
            # Not a StackReference, whose values come too late to refuse anything by before the first resource.
            found = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
        except Exception as error:  # noqa: BLE001 (the SDK raises nothing more telling)
            said = str(error).rpartition("returned an error: ")[2]  # before it, the engine's names for the call
            raise PromotionError(
                f"promoteFrom names stack '{settings.promote_from}', which cannot be read ({said}): deploy it first "
                f"(`make up STACK={settings.promote_from}`), or name another one in Pulumi.{settings.stack}.yaml."
            ) from None
        return Release.from_output(settings.promote_from, (found or {}).get("outputs", {}).get("release"))
    except PromotionError as error:
        raise SettingsError(str(error)) from None


def require_checkout(release: Release, scoring_digest: str, environment_version: str) -> None:
    """Refuse a checkout whose scoring files or environment are not those of the release; raises SettingsError."""
    try:
        release.require_checkout(scoring_digest, environment_version)
    except PromotionError as error:
        raise SettingsError(str(error)) from None


def explain_other_checkout(release: Release, directory: Path) -> str | None:
    """Return why the program refuses this checkout's scoring directory for the release; None if it does not.

    Raises SettingsError for a scoring directory that cannot be deployed at all.
    """
    package = ScoringPackage.read(directory, release.record["manifest"])
    try:
        release.require_checkout(package.digest, environment_version(read_conda(directory / CONDA_FILE)))
    except OtherCheckoutError as error:
        return str(error)
    return None


class Source(TypedDict):
    """A registered model of another workspace; `model` is name:version."""

    workspaceId: str
    model: str


class ModelPlace(TypedDict):
    """Where the resource finds the model's bytes."""

    file: str
    source: NotRequired[Source]


@dataclass(frozen=True)
class ReleasedModel:
    """The model of a release, which is copied from the workspace that it was released in."""

    release: Release

    @property
    def name(self) -> str:
        """The file's name in the service."""
        return str(self.manifest["model"]["file"])

    @property
    def sha256(self) -> str:
        """The model's identity."""
        return self.release.record["modelSha256"]

    @property
    def training_digest(self) -> str | None:
        """The SHA-256 of the rows that it was trained on, if the release says it."""
        return self.release.record.get("trainingDigest")  # a release that is carried along may be older than the key

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the service compares the model with."""
        return self.release.record["manifest"]

    @property
    def tags(self) -> dict[str, str]:
        """What the source's registry shows of the model."""
        return dict(self.release.record["modelTags"])

    @property
    def place(self) -> ModelPlace:
        """The workspace and the model version that hold the bytes."""
        return {"file": self.name, "source": self._source}

    @property
    def _source(self) -> Source:
        return {"workspaceId": self.release.record["workspaceId"], "model": self.release.model}

    def read_bytes(self) -> bytes:
        """Return the model's bytes from the source's registry; raises AzureMLError if others were released."""
        with tempfile.TemporaryDirectory() as directory:
            return fetch(self._source, self.sha256, Path(directory)).read_bytes()


def fetch(
    source: Source,
    sha256: str,
    directory: Path,
    download: Callable[[str, str, int, Path], Path] = azureml.download_model,
) -> Path:
    """Download a model version of another workspace and return its file; raises AzureMLError for other bytes."""
    name, _, version = source["model"].rpartition(":")
    path = download(source["workspaceId"], name, int(version), directory)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise azureml.AzureMLError(
            f"Model {source['model']} of the source workspace has SHA-256 {found}, not the released {sha256}: "
            f"its bytes were replaced since; release it again there."
        )
    return path
