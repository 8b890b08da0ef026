"""The only door to azureml-core: plain values in, plain values out, one sentence when it fails.

AzureMLError            what Azure ML answered, or that it did not
├─ MissingError         what was asked for is not there
├─ ConflictError        the name is taken by something that is not ours
└─ DeploymentError      the service did not become healthy; ends with the container's last log lines

The SDK is imported on first use: it takes a second, and an unchanged `up` needs none of it.
"""

import contextlib
import io
import json
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

Report = Callable[[str], None]
_LOG_LINES = 20
_HEALTHY = "Healthy"
_FAILED = ("Failed", "Unhealthy", "Unschedulable")


class AzureMLError(Exception):
    """What Azure ML answered, or that it did not."""


class MissingError(AzureMLError):
    """What was asked for is not there."""


class ConflictError(AzureMLError):
    """The name is taken by something that is not ours."""


class DeploymentError(AzureMLError):
    """The service did not become healthy."""


@dataclass(frozen=True)
class RegisteredModel:
    """A version in the registry; `adopted` says that it was there before."""

    name: str
    version: int
    tags: dict[str, str]
    adopted: bool = False


@dataclass(frozen=True)
class ServiceDefinition:
    """What a web service shall be. Sizes in cores and GB."""

    name: str
    description: str
    tags: dict[str, str]
    properties: dict[str, str]
    cpu_cores: float
    memory_gb: float
    auth_enabled: bool
    dns_name_label: str
    model: str
    environment: tuple[str, str]
    entry_script: str
    ready_timeout_seconds: float


@dataclass(frozen=True)
class Service:
    """What a web service is; keys are masked in the repr."""

    name: str
    state: str
    scoring_uri: str
    swagger_uri: str
    created: str
    description: str
    tags: dict[str, str]
    properties: dict[str, str]
    cpu_cores: float
    memory_gb: float
    auth_enabled: bool


# The SDK prints, leaves files in the temporary directory and keeps both in globals: one caller at a time.
_SDK = threading.RLock()


@contextlib.contextmanager
def _call(doing: str) -> Iterator[None]:
    """Run SDK calls quietly, leave no temporary files, and turn what they raise into one sentence."""
    with _SDK, contextlib.redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as scratch:
        logging.getLogger("azureml").setLevel(logging.CRITICAL + 1)  # it logs each exception that it also raises
        before, tempfile.tempdir = tempfile.tempdir, scratch
        try:
            yield
        except AzureMLError:
            raise
        except Exception as error:  # the SDK raises bare Exception for an answer it did not expect
            raise _sentence(doing, error) from error
        finally:
            tempfile.tempdir = before


def _sentence(doing: str, error: Exception) -> AzureMLError:
    """Return our error for the SDK's: which call, what was answered, what to do where it is known."""
    text = str(getattr(error, "message", "") or error)
    emulator = os.environ.get("AZUREML_EMULATOR")
    if re.search(r"Connection refused|Max retries exceeded|Failed to establish", text):
        where = (
            f"The emulator at {emulator} does not answer; start it with `make emulator`"
            if emulator
            else "Azure does not answer"
        )
        return AzureMLError(f"{where} ({doing}).")
    missing = re.search(r"Not ?Found|not found|Code: 404", text) is not None
    inner = re.search(r'"message":\s*"((?:[^"\\]|\\.)+)"', text)
    detail = json.loads(f'"{inner[1]}"') if inner else " ".join(text.split())
    kind = MissingError if missing else AzureMLError
    return kind(f"Azure ML refused {doing}: {detail[:600]}")


@lru_cache(maxsize=4)
def _workspace(workspace_id: str) -> Any:  # noqa: ANN401 (the SDK ships no types)
    """Return the SDK's workspace for an ARM id; the login is the SDK's default, whatever the cloud."""
    parts = dict(zip(*[iter(workspace_id.strip("/").split("/"))] * 2, strict=False))
    with _call(f"opening workspace {parts.get('workspaces', workspace_id)}"):
        from azureml.core import Workspace  # noqa: PLC0415 (see the module's docstring)

        return Workspace.get(
            parts["workspaces"], subscription_id=parts["subscriptions"], resource_group=parts["resourceGroups"]
        )


# --- environments


def register_environment(workspace_id: str, name: str, version: str, conda: Mapping[str, Any]) -> bool:
    """Register a conda definition under this version; say whether it was new.

    The version names the content, so one that is there already is the same environment.
    """
    workspace = _workspace(workspace_id)
    if find_environment(workspace_id, name, version) is not None:
        return False
    with _call(f"registering environment {name}"):
        from azureml.core import Environment  # noqa: PLC0415
        from azureml.core.conda_dependencies import CondaDependencies  # noqa: PLC0415

        environment = Environment(name)
        environment.version = version
        environment.inferencing_stack_version = "latest"
        environment.python.conda_dependencies = CondaDependencies(_underlying_structure=json.loads(json.dumps(conda)))
        environment.register(workspace)
    return True


def find_environment(workspace_id: str, name: str, version: str) -> dict[str, Any] | None:
    """Return the registered conda definition, or None."""
    workspace = _workspace(workspace_id)
    try:
        with _call(f"reading environment {name}:{version}"):
            from azureml.core import Environment  # noqa: PLC0415

            environment = Environment.get(workspace, name, version)
            definition: dict[str, Any] = environment.python.conda_dependencies.as_dict()
            return definition
    except MissingError:
        return None


# --- models


def register_model(workspace_id: str, name: str, path: Path, tags: dict[str, str]) -> RegisteredModel:
    """Register the file; bytes that are registered under this name already (tag sha256) are adopted."""
    found = find_model(workspace_id, name, tags["sha256"])
    if found is not None:
        tag_model(workspace_id, name, found.version, tags)
        return found
    workspace = _workspace(workspace_id)
    with _call(f"registering model {name}"):
        from azureml.core import Model  # noqa: PLC0415

        model = Model.register(workspace, model_path=str(path), model_name=name, tags=tags)
        return RegisteredModel(model.name, int(model.version), dict(model.tags))


def find_model(workspace_id: str, name: str, sha256: str) -> RegisteredModel | None:
    """Return the newest version with these bytes, or None."""
    workspace = _workspace(workspace_id)
    with _call(f"looking for model {name}"):
        from azureml.core import Model  # noqa: PLC0415

        models = Model.list(workspace, name=name, tags=[["sha256", sha256]])
    newest = max(models, key=lambda model: int(model.version), default=None)
    return newest and RegisteredModel(newest.name, int(newest.version), dict(newest.tags), adopted=True)


def read_model(workspace_id: str, name: str, version: int) -> RegisteredModel | None:
    """Return the version, or None."""
    workspace = _workspace(workspace_id)
    try:
        with _call(f"reading model {name}:{version}"):
            from azureml.core import Model  # noqa: PLC0415

            model = Model(workspace, name, version=version)
            return RegisteredModel(model.name, int(model.version), dict(model.tags))
    except MissingError:
        return None


def tag_model(workspace_id: str, name: str, version: int, tags: dict[str, str]) -> None:
    """Make the version's tags exactly these."""
    workspace = _workspace(workspace_id)
    with _call(f"tagging model {name}:{version}"):
        from azureml.core import Model  # noqa: PLC0415

        model = Model(workspace, name, version=version)
        if dict(model.tags) != tags:
            model.update(tags=tags)


def delete_model(workspace_id: str, name: str, version: int) -> None:
    """Delete the version; one that is gone already is no error."""
    workspace = _workspace(workspace_id)
    with contextlib.suppress(MissingError), _call(f"deleting model {name}:{version}"):
        from azureml.core import Model  # noqa: PLC0415

        Model(workspace, name, version=version).delete()


# --- web services


def find_service(workspace_id: str, name: str) -> Service | None:
    """Return the web service, or None."""
    try:
        with _call(f"reading web service {name}"):
            return _service(_webservice(workspace_id, name))
    except MissingError:
        return None


def deploy_service(workspace_id: str, definition: ServiceDefinition, package: Path, report: Report) -> Service:
    """Deploy, or replace in place under the same URI and keys, and wait until it is healthy.

    Raises DeploymentError, ending with the container's last log lines.
    """
    workspace = _workspace(workspace_id)
    keys: tuple[str, str] | tuple[None, None] = (None, None)
    before = find_service(workspace_id, definition.name)
    if before is not None and before.auth_enabled and definition.auth_enabled:
        keys = service_keys(workspace_id, definition.name)
    with _call(f"deploying web service {definition.name}"):
        from azureml.core import Environment, Model  # noqa: PLC0415
        from azureml.core.model import InferenceConfig  # noqa: PLC0415
        from azureml.core.webservice import AciWebservice  # noqa: PLC0415

        name, version = definition.environment
        inference_config = InferenceConfig(
            entry_script=definition.entry_script,
            source_directory=str(package),
            environment=Environment.get(workspace, name, version),
        )
        configuration = AciWebservice.deploy_configuration(
            cpu_cores=definition.cpu_cores,
            memory_gb=definition.memory_gb,
            tags=definition.tags,
            properties=definition.properties,
            description=definition.description,
            auth_enabled=definition.auth_enabled,
            dns_name_label=definition.dns_name_label,
            primary_key=keys[0],
            secondary_key=keys[1],
        )
        model = Model(workspace, id=definition.model)
        webservice = Model.deploy(workspace, definition.name, [model], inference_config, configuration, overwrite=True)
    return _wait(webservice, definition.ready_timeout_seconds, report)


def wait_for_service(workspace_id: str, name: str, timeout_seconds: float, report: Report) -> Service:
    """Wait for a deployment that somebody started: an interrupted `up` most likely."""
    with _call(f"reading web service {name}"):
        webservice = _webservice(workspace_id, name)
    return _wait(webservice, timeout_seconds, report)


def describe_service(workspace_id: str, name: str, description: str, tags: dict[str, str]) -> Service:
    """Change what describes the service; nothing is deployed again."""
    with _call(f"tagging web service {name}"):
        webservice = _webservice(workspace_id, name)
        webservice.update(tags=tags, description=description)
    return _wait(webservice, timeout_seconds=60, report=lambda _line: None)


def service_log(workspace_id: str, name: str) -> str:
    """Return the container's log, its last 5,000 lines."""
    with _call(f"reading the log of web service {name}"):
        return str(_webservice(workspace_id, name).get_logs() or "")


def service_keys(workspace_id: str, name: str) -> tuple[str, str]:
    """Return the primary and the secondary key."""
    with _call(f"reading the keys of web service {name}"):
        primary, secondary = _webservice(workspace_id, name).get_keys()
        return primary, secondary


def regenerate_key(workspace_id: str, name: str, which: str) -> None:
    """Make Azure choose another "Primary" or "Secondary" key; the old one stops working."""
    with _call(f"regenerating a key of web service {name}"):
        _webservice(workspace_id, name).regen_key(which)


def delete_service(workspace_id: str, name: str) -> None:
    """Delete the web service; one that is gone already is no error."""
    with contextlib.suppress(MissingError), _call(f"deleting web service {name}"):
        _webservice(workspace_id, name).delete()


def _webservice(workspace_id: str, name: str) -> Any:  # noqa: ANN401
    from azureml.core.webservice import AciWebservice  # noqa: PLC0415

    return AciWebservice(_workspace(workspace_id), name)


def _service(webservice: Any) -> Service:  # noqa: ANN401
    size = webservice.container_resource_requirements
    return Service(
        name=webservice.name,
        state=webservice.state,
        scoring_uri=webservice.scoring_uri or "",
        swagger_uri=webservice.swagger_uri or "",
        created=str(webservice.created_time),
        description=webservice.description or "",
        tags=dict(webservice.tags or {}),
        properties=dict(webservice.properties or {}),
        cpu_cores=float(size.cpu),
        memory_gb=float(size.memory_in_gb),
        auth_enabled=bool(webservice.auth_enabled),
    )


def _wait(webservice: Any, timeout_seconds: float, report: Report) -> Service:  # noqa: ANN401
    """Follow the operation to its end while the container's newest log line shows."""
    started = time.monotonic()
    with ThreadPoolExecutor(1) as waiting:
        end = waiting.submit(_follow, webservice, timeout_seconds)
        while not end.done():
            line = _last_lines(webservice, 1)
            report(f"deploying, {time.monotonic() - started:.0f} s" + (f": {line}" if line else ""))
            with contextlib.suppress(TimeoutError):
                end.exception(timeout=1)
    error = end.exception()
    with _call(f"reading web service {webservice.name}"):
        webservice.update_deployment_state()
    if error is None and webservice.state == _HEALTHY:
        return _service(webservice)
    seconds = time.monotonic() - started
    reason = _reason(webservice.error) or (str(error) if error and webservice.state in _FAILED else "")
    log = _last_lines(webservice, _LOG_LINES)
    raise DeploymentError(
        f"Web service '{webservice.name}' was {webservice.state} after {seconds:.0f} s"
        + (f": {reason}" if reason else " (readyTimeoutSeconds)")
        # Taking the change back makes the tree what the state holds, so only a refresh would find the failed service.
        + "\nMend it and run `pulumi up` again, or take the change back and run `pulumi up --refresh`."
        + f" Full log: `make logs`. Its last lines:\n{log or '(none)'}"
    )


def _follow(webservice: Any, timeout_seconds: float) -> None:  # noqa: ANN401
    # Not inside _call, which lets one caller in at a time: this one waits for minutes, and its print goes to the log.
    if webservice._operation_endpoint is None and webservice.state == _HEALTHY:  # noqa: SLF001 (an update without redeployment)
        return
    with contextlib.redirect_stdout(io.StringIO()):
        webservice.wait_for_deployment(timeout_sec=timeout_seconds)


def _reason(error: Mapping[str, Any] | None) -> str:
    """Return the innermost messages of Azure's error body, once each."""
    if not error:
        return ""
    details = [detail.get("message", "") for detail in error.get("details") or []]
    messages = [message for message in (error.get("message", ""), *details) if message]
    return " ".join(dict.fromkeys(" ".join(message.split()) for message in messages))[:600]


def _last_lines(webservice: Any, lines: int) -> str:  # noqa: ANN401
    """Return the end of the container's log; a container that does not run yet has none."""
    try:
        with _call("reading the log"):
            text = str(webservice.get_logs(num_lines=lines) or "")
    except AzureMLError:  # ACI answers an error while it still makes the container
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
