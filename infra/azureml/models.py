"""Registered models."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.azureml.session import AzureMLError, ConflictError, MissingError, call, open_workspace, parse_id

_CHUNK_BYTES = 1 << 20
_LARGEST_MODEL = 64 * 2**30  # bytes; an answer may have no end
_TIMEOUT_SECONDS = 60
_NOT_FOUND = 404


@dataclass(frozen=True)
class Content:
    """A file in the workspace's storage: its SHA-256, and its ETag, which every write changes."""

    etag: str
    sha256: str


@dataclass(frozen=True)
class RegisteredModel:
    """A version in the registry; an `adopted` one was there before."""

    name: str
    version: int
    tags: dict[str, str]
    content: Content
    adopted: bool = False


@dataclass(frozen=True)
class ModelUser:
    """A web service and its models, "name:version"; `stack` names the stack that deployed it, if one did."""

    name: str
    models: tuple[str, ...]
    stack: str | None


def register_model(
    workspace_id: str, name: str, find_file: Callable[[], Path], tags: dict[str, str]
) -> RegisteredModel:
    """Register a file, or adopt a version of this name with the same bytes (tag sha256).

    Raises AzureMLError if the arrived bytes are not the sent ones.
    """
    found = find_model(workspace_id, name, tags["sha256"])
    if found is not None:
        tag_model(workspace_id, name, found.version, tags)
        return found
    workspace, path = open_workspace(workspace_id), find_file()
    with call(f"registering model {name}"):
        from azureml.core import Model

        model = Model.register(workspace, model_path=str(path), model_name=name, tags=tags)
    content = _read_content(model)
    if content is None or content.sha256 != tags["sha256"]:
        raise AzureMLError(f"Model {name}:{model.version} did not arrive as it was sent: run `pulumi up` again.")
    return RegisteredModel(model.name, int(model.version), dict(model.tags), content)


def find_model(workspace_id: str, name: str, sha256: str) -> RegisteredModel | None:
    """Return the newest version with these bytes, or None; the bytes are read, because a tag may be wrong."""
    workspace = open_workspace(workspace_id)
    with call(f"looking for model {name}"):
        from azureml.core import Model

        models = Model.list(workspace, name=name, tags=[["sha256", sha256]])
    for model in sorted(models, key=lambda model: int(model.version), reverse=True):
        content = _read_content(model)
        if content is not None and content.sha256 == sha256:
            return RegisteredModel(model.name, int(model.version), dict(model.tags), content, adopted=True)
    return None


def read_model(workspace_id: str, name: str, version: int, known: Content) -> RegisteredModel | None:
    """Return the version, or None if it or its file is gone; the file is read only if its ETag changed."""
    try:
        workspace = open_workspace(workspace_id)
        with call(f"reading model {name}:{version}"):
            from azureml.core import Model

            model = Model(workspace, name, version=version)
        content = _read_content(model, known)
    except MissingError:
        return None
    return None if content is None else RegisteredModel(model.name, int(model.version), dict(model.tags), content)


def find_users(workspace_id: str, name: str) -> list[ModelUser]:
    """Return the web services, on any compute, that run with any version of the model."""
    try:
        workspace = open_workspace(workspace_id)
        with call(f"looking for web services with model {name}"):
            from azureml.core import Webservice

            found = Webservice.list(workspace, model_name=name)
    except MissingError:
        return []
    return [
        ModelUser(service.name, tuple(model.id for model in service.models), (service.properties or {}).get("stack"))
        for service in found
    ]


def _read_content(model: Any, known: Content | None = None) -> Content | None:
    """Return the content of the version's one file, or None if it is gone or there are several."""
    import requests  # the SDK's own client, with its certificates and proxies

    with call(f"reading the file of model {model.id}"):
        urls = list(model.get_sas_urls().values())
    if len(urls) != 1:
        return None
    whole = hashlib.sha256()
    try:
        with requests.get(urls[0], stream=True, timeout=_TIMEOUT_SECONDS) as answer:
            if answer.status_code == _NOT_FOUND:
                return None
            answer.raise_for_status()
            etag = answer.headers.get("ETag", "")
            if known is not None and etag and etag == known.etag:
                return known
            read = 0
            for chunk in answer.iter_content(_CHUNK_BYTES):
                whole.update(chunk)
                read += len(chunk)
                if read > _LARGEST_MODEL:
                    raise AzureMLError(
                        f"The file of model {model.id} has more than {_LARGEST_MODEL / 2**30:g} GiB: "
                        f"it is none that this program registered; delete that version."
                    )
    except requests.RequestException as error:
        # The error's own words hold the URL with its signature.
        raise AzureMLError(f"The file of model {model.id} cannot be read ({type(error).__name__}).") from None
    return Content(etag, whole.hexdigest())


def tag_model(workspace_id: str, name: str, version: int, tags: dict[str, str]) -> None:
    """Replace the version's tags by these."""
    workspace = open_workspace(workspace_id)
    with call(f"tagging model {name}:{version}"):
        from azureml.core import Model

        model = Model(workspace, name, version=version)
        if dict(model.tags) != tags:
            model.update(tags=tags)


def download_model(workspace_id: str, name: str, version: int, directory: Path) -> Path:
    """Download the version's file into the directory and return its path."""
    workspace = open_workspace(workspace_id)
    with call(f"downloading model {name}:{version}"):
        from azureml.core import Model

        return Path(Model(workspace, name, version=version).download(target_dir=str(directory), exist_ok=True))


def delete_model(workspace_id: str, name: str, version: int) -> None:
    """Delete the version, if it is there.

    Raises ConflictError with the web services that still run with it, and with the command that removes each.
    """
    try:
        with call(f"deleting model {name}:{version}"):
            from azureml.core import Model

            Model(open_workspace(workspace_id), name, version=version).delete()
    except MissingError:
        return
    except AzureMLError as error:
        model = f"{name}:{version}"
        users = [user for user in find_users(workspace_id, name) if model in user.models]
        if not users:
            raise
        raise ConflictError(_name_users(workspace_id, model, users)) from error


def _name_users(workspace_id: str, model: str, users: list[ModelUser]) -> str:
    place = parse_id(workspace_id)
    found = (
        f"Workspace.get('{place['workspaces']}', subscription_id='{place['subscriptions']}', "
        f"resource_group='{place['resourceGroups']}')"
    )
    lines = [f"Model {model} cannot be deleted, because it is in use. Remove this first, then run the same again:"]
    for user in users:
        if user.stack:
            # A stack's name is project/stack.
            lines.append(
                f"  web service '{user.name}' of stack '{user.stack}': make down STACK={user.stack.split('/')[-1]}"
            )
        else:
            script = f"from azureml.core import Webservice, Workspace; Webservice({found}, '{user.name}').delete()"
            lines.append(f"  web service '{user.name}', which no stack deployed: .venv/bin/python -c \"{script}\"")
    if not all(user.stack for user in users):
        lines.append('  (in the shell of `eval "$(make -s env STACK=…)"`, with this stack\'s name)')
    return "\n".join(lines)
