"""The registered model: the trained file with its evidence as tags; its identity is its SHA-256."""

import hashlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypedDict

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from digits.runtime.conda import EnvironmentFailedError, translate
from infra import azureml
from infra.configuration import SettingsError
from infra.metadata import Metadata, MetadataError
from infra.metadata import read as read_metadata
from infra.promotion import ModelPlace, ReleasedModel, fetch
from infra.provider import Provider, Text

# scikit-learn's version in a requirement, the exact one or the prefix that conda's single = asks for.
_SCIKIT_LEARN = re.compile(
    r"scikit[-_.]learn(\[.*\])?\s*===?\s*(?P<version>[\w.!+]+?)(?P<any>\.\*)?\s*(;.*)?", re.IGNORECASE
)
_REGISTERED = ("version", "ownedVersions", "etag")  # from the registry
_DIGITS_SHOWN = 12  # of the SHA-256, in a tag for people


class ModelInputs(ModelPlace, TypedDict, Generic[Text]):
    """The place of the bytes, and the name and tags that they are registered under."""

    workspaceId: Text
    name: str
    sha256: str
    tags: dict[str, str]


class ModelState(ModelInputs[str]):
    """The inputs and the registry's answer; this stack registered the `ownedVersions`."""

    version: float
    ownedVersions: list[float]
    etag: str | None


class ModelProvider(Provider):
    """Registers the same bytes once. Earlier versions stay for a rollback until the resource is deleted."""

    updated_by = ("sha256", "tags")

    def create(self, props: ModelInputs[str]) -> CreateResult:
        """Register the file, or adopt the version with the same bytes."""
        near = Path("model")  # the SDK registers only files in the folder that it runs in
        near.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=near) as directory:
            file = partial(_find_file, props, Path(directory))
            model = azureml.register_model(props["workspaceId"], props["name"], file, props["tags"])
        found = {
            "version": model.version,
            "ownedVersions": [] if model.adopted else [model.version],
            "etag": model.content.etag,
        }
        return CreateResult(props["name"], {**props, **found})

    def update(self, _id: str, olds: ModelState, news: ModelInputs[str]) -> UpdateResult:
        """Register new bytes as the next version, or bring the tags of the same bytes up to date."""
        if olds["sha256"] == news["sha256"]:
            # The registry is not searched by tags here, because the tags changed.
            azureml.tag_model(news["workspaceId"], news["name"], int(olds["version"]), news["tags"])
            return UpdateResult({**news, **{name: olds.get(name) for name in _REGISTERED}})
        outs = self.create(news).outs or {}
        owned = {int(version) for version in [*olds["ownedVersions"], *outs["ownedVersions"]]}
        return UpdateResult({**outs, "ownedVersions": sorted(owned)})

    def read(self, id_: str, props: ModelState) -> ReadResult:
        """Find the version in the registry, with its present tags and bytes."""
        known = azureml.Content(props.get("etag") or "", props["sha256"])
        model = azureml.read_model(props["workspaceId"], props["name"], int(props["version"]), known)
        if model is None:
            return ReadResult("", {})
        return ReadResult(id_, {**props, "tags": model.tags, "sha256": model.content.sha256})

    def delete(self, _id: str, props: ModelState) -> None:
        """Delete the versions that this stack registered, not those that it adopted."""
        for version in props["ownedVersions"]:
            azureml.delete_model(props["workspaceId"], props["name"], int(version))


class Model(Resource, module="azureml", name="Model"):
    """A registered model version."""

    name: pulumi.Output[str]
    version: pulumi.Output[int]
    sha256: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        workspace_id: pulumi.Input[str],
        name: str,
        file: "ModelFile | ReleasedModel",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: ModelInputs[pulumi.Input[str]] = {
            **file.place,
            "workspaceId": workspace_id,
            "name": name,
            "sha256": file.sha256,
            "tags": file.tags,
        }
        super().__init__(ModelProvider(), resource_name, {**inputs, **dict.fromkeys(_REGISTERED)}, opts)


@dataclass(frozen=True)
class ModelFile:
    """A trained model, and the evidence that was written next to it."""

    path: Path
    metadata: Metadata

    @classmethod
    def read(cls, path: Path) -> "ModelFile":
        """Read the metadata.json next to the file, and check the bytes against it; raises SettingsError."""
        evidence = path.with_name("metadata.json")
        train = f"digits train{' --format skops' if path.suffix == '.skops' else ''}"
        for file in (path, evidence):
            if not file.is_file():
                raise SettingsError(
                    f"{file} is missing: train the model first with `make model` (`{train}`), or, if modelFile names "
                    f"one of your own, put it there with its metadata.json (docs/scoring-package.md)."
                )
        anew = f"`{train} --force` writes it anew for the model that is trained here."
        try:
            metadata = read_metadata(evidence)
        except MetadataError as error:
            raise SettingsError(f"{error} {anew}") from None
        if metadata.sha256 != sha256(path):
            raise SettingsError(f"{path} is not the file that {evidence} describes: its SHA-256 differs. {anew}")
        return cls(path, metadata)

    @property
    def name(self) -> str:
        """The file's name in the service."""
        return self.path.name

    @property
    def place(self) -> ModelPlace:
        """The place where the resource finds the bytes."""
        return {"file": self.path.as_posix()}

    def read_bytes(self) -> bytes:
        """Return the model's bytes."""
        return self.path.read_bytes()

    @property
    def sha256(self) -> str:
        """The model's identity."""
        return self.metadata.sha256

    @property
    def training_digest(self) -> str | None:
        """The SHA-256 of the rows that it was trained on, if training recorded it."""
        return self.metadata.training_digest

    @property
    def manifest(self) -> dict[str, object]:
        """The content of manifest.json: the service checks the model against it before it unpickles a byte."""
        recorded = {"framework": self.metadata.framework, "frameworkVersion": self.metadata.framework_version}
        trusted = {} if self.metadata.trusted_types is None else {"trustedTypes": [*self.metadata.trusted_types]}
        return {"model": {"file": self.name, "sha256": self.sha256, **recorded, **trusted}}

    def compare_version(self, conda: Mapping[str, object], conda_file: Path) -> str | None:
        """Return a warning if the service's scikit-learn is not pinned to the version that trained the model."""
        trained = self.metadata.framework_version
        if self.metadata.framework != "ScikitLearn":
            return None
        try:
            _, requirements = translate(conda)
        except EnvironmentFailedError as error:
            return f"Whether {conda_file} pins the scikit-learn that trained {self.path} cannot be decided: {error}"
        pin = next(filter(None, map(_SCIKIT_LEARN.fullmatch, requirements)), None)
        if pin and pin["version"] == trained:
            return None
        if pin is None or pin["any"]:
            return (
                f"{conda_file} pins no exact scikit-learn, but {self.path} was trained with {trained}: "
                f"write scikit-learn=={trained} there."
            )
        return (
            f"{conda_file} pins scikit-learn {pin['version']}, but {self.path} was trained with {trained}: "
            f"write scikit-learn=={trained} there, or train the model with {pin['version']}."
        )

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the registry shows."""
        return {
            "data": self.metadata.dataset,
            "framework": self.metadata.framework,
            "frameworkVersion": self.metadata.framework_version,
            "accuracy": f"{self.metadata.accuracy:.4f}",
            "sha256": self.sha256,
        }


def service_tags(model: ModelFile | ReleasedModel, name: str) -> dict[str, str]:
    """Return the tags of a web service that describe its model; the stack's own tags overrule them."""
    return {"data": model.tags["data"], "model": f"{name}@{model.sha256[:_DIGITS_SHOWN]}"}


def _find_file(props: ModelInputs[str], directory: Path) -> Path:
    """Return the model's file on this machine, or a copy from the source workspace; raises for other bytes."""
    if source := props.get("source"):
        return fetch(source, props["sha256"], directory)
    path = Path(props["file"])
    if sha256(path) != props["sha256"]:
        raise ValueError(f"{path} changed while it was deployed: run `pulumi up` again.")
    return path


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
