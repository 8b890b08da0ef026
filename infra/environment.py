"""The environment that score.py runs in: conda.yml, registered; its version is its content."""

from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from infra import azureml
from infra.provider import Properties, Provider
from infra.settings import SettingsError
from runtime.environment import EnvironmentFailedError, digest, variables

_VERSION_DIGITS = 12


class EnvironmentProvider(Provider):
    """Registers a conda definition once; Azure ML keeps every version, so nothing is ever deleted."""

    updated_by = ("conda",)

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        """Compare what the definitions ask for, not how they are written."""
        same = azureml.is_same_environment(olds["conda"], news["conda"])
        return super().diff(id_, olds, {**news, "conda": olds["conda"]} if same else news)

    def create(self, props: Properties) -> CreateResult:
        """Register the definition, or adopt the version that is there."""
        version = azureml.register_environment(props["workspaceId"], props["name"], props["version"], props["conda"])
        return CreateResult(props["name"], {**props, "version": version})

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        """Register the new content as a version beside the old."""
        return UpdateResult(self.create(news).outs)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Find the version in the registry, with the definition that it has there."""
        found = azureml.find_environment(props["workspaceId"], props["name"], props["version"])
        if found is None:
            return ReadResult("", {})
        same = azureml.is_same_environment(found, props["conda"])
        return ReadResult(id_, props if same else {**props, "conda": found})


class Environment(Resource, module="azureml", name="Environment"):
    """A registered environment version."""

    name: pulumi.Output[str]
    version: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        workspace_id: pulumi.Input[str],
        name: str,
        conda: dict[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"workspaceId": workspace_id, "name": name, "version": environment_version(conda), "conda": conda}
        super().__init__(EnvironmentProvider(), resource_name, inputs, opts)


def environment_version(conda: dict[str, Any]) -> str:
    """Return the version under which this content is registered."""
    return digest(conda)[:_VERSION_DIGITS]


def read_conda(path: Path) -> dict[str, Any]:
    """Return a conda file's definition; raises SettingsError for what is none."""
    try:
        conda = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: it lists what score.py needs.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(conda, dict) or not isinstance(conda.get("dependencies"), list):
        raise SettingsError(f"{path} has no list of dependencies: write it as `conda env export` does.")
    try:
        variables(conda)
    except EnvironmentFailedError as error:
        raise SettingsError(f"{path}: {error}") from None
    return conda
