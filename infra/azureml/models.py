"""Registered models."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.azureml.session import MissingError, call, open_workspace


@dataclass(frozen=True)
class RegisteredModel:
    """A version in the registry; `adopted` says that it was there before."""

    name: str
    version: int
    tags: dict[str, str]
    adopted: bool = False


def register_model(
    workspace_id: str, name: str, find_file: Callable[[], Path], tags: dict[str, str]
) -> RegisteredModel:
    """Register a file; bytes that are registered under this name already (tag sha256) are adopted unseen."""
    found = find_model(workspace_id, name, tags["sha256"])
    if found is not None:
        tag_model(workspace_id, name, found.version, tags)
        return found
    workspace, path = open_workspace(workspace_id), find_file()
    with call(f"registering model {name}"):
        from azureml.core import Model  # noqa: PLC0415

        model = Model.register(workspace, model_path=str(path), model_name=name, tags=tags)
        return RegisteredModel(model.name, int(model.version), dict(model.tags))


def find_model(workspace_id: str, name: str, sha256: str) -> RegisteredModel | None:
    """Return the newest version with these bytes, or None."""
    workspace = open_workspace(workspace_id)
    with call(f"looking for model {name}"):
        from azureml.core import Model  # noqa: PLC0415

        models = Model.list(workspace, name=name, tags=[["sha256", sha256]])
    newest = max(models, key=lambda model: int(model.version), default=None)
    return newest and RegisteredModel(newest.name, int(newest.version), dict(newest.tags), adopted=True)


def read_model(workspace_id: str, name: str, version: int) -> RegisteredModel | None:
    """Return the version, or None."""
    try:
        workspace = open_workspace(workspace_id)
        with call(f"reading model {name}:{version}"):
            from azureml.core import Model  # noqa: PLC0415

            model = Model(workspace, name, version=version)
            return RegisteredModel(model.name, int(model.version), dict(model.tags))
    except MissingError:
        return None


def tag_model(workspace_id: str, name: str, version: int, tags: dict[str, str]) -> None:
    """Make the version's tags exactly these."""
    workspace = open_workspace(workspace_id)
    with call(f"tagging model {name}:{version}"):
        from azureml.core import Model  # noqa: PLC0415

        model = Model(workspace, name, version=version)
        if dict(model.tags) != tags:
            model.update(tags=tags)


def download_model(workspace_id: str, name: str, version: int, directory: Path) -> Path:
    """Download the version's file into the directory and return its path."""
    workspace = open_workspace(workspace_id)
    with call(f"downloading model {name}:{version}"):
        from azureml.core import Model  # noqa: PLC0415

        return Path(Model(workspace, name, version=version).download(target_dir=str(directory), exist_ok=True))


def delete_model(workspace_id: str, name: str, version: int) -> None:
    """Delete the version; one that is gone already is no error."""
    with contextlib.suppress(MissingError), call(f"deleting model {name}:{version}"):
        from azureml.core import Model  # noqa: PLC0415

        Model(open_workspace(workspace_id), name, version=version).delete()
