"""Web services on ACI."""

from digits.cli import is_verbose

import contextlib
import io
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.azureml import answers
from infra.azureml.session import AzureMLError, DeploymentError, MissingError, call, open_workspace
from infra.tls import Tls

Report = Callable[[str], None]
# Azure ML's properties are append-only, its tags may change: so the identity of what runs, which is another one after
# each deployment, is a tag. No tag of the user's may have its name, and nobody else sees it among the tags.
FINGERPRINT_TAG = "pulumi-fingerprint"
# Earlier versions kept it in the property `fingerprint`, which stays as it was: this one says where to look now.
_FINGERPRINT_PROPERTY, _KEPT_IN = "fingerprint", "fingerprintTag"
_LOG_LINES = 20
_SECONDS_BETWEEN_REPORTS = 5
_HEALTHY = "Healthy"
_FAILED = ("Failed", "Unhealthy", "Unschedulable")


@dataclass(frozen=True)
class ServiceDefinition:
    """What a web service shall be. Sizes in cores and GB."""

    name: str
    description: str
    tags: dict[str, str]
    fingerprint: str
    stack: str
    cpu_cores: float
    memory_gb: float
    auth_enabled: bool
    app_insights_enabled: bool
    dns_name_label: str
    tls: Tls | None
    model: str
    environment: tuple[str, str]
    entry_script: str
    ready_timeout_seconds: float


@dataclass(frozen=True)
class Service:
    """What a web service is; its keys are asked for apart.

    `fingerprint` and `stack` are what the deployment said of itself, empty where it said nothing.
    """

    name: str
    state: str
    scoring_uri: str
    swagger_uri: str
    description: str
    tags: dict[str, str]
    fingerprint: str
    stack: str
    cpu_cores: float
    memory_gb: float
    auth_enabled: bool
    app_insights_enabled: bool
    ssl_enabled: bool
    ssl_cname: str
    ssl_certificate: str
    models: tuple[str, ...]


def find_service(workspace_id: str, name: str) -> Service | None:
    """Return the web service, or None."""
    try:
        with call(f"reading web service {name}"):
            return _service(_webservice(workspace_id, name))
    except MissingError:
        return None


def deploy_service(workspace_id: str, definition: ServiceDefinition, package: Path, report: Report) -> Service:
    """Deploy, or replace in place under the same URI and keys, and wait until it is healthy.

    Raises DeploymentError, ending with the container's last log lines.
    """
    workspace = open_workspace(workspace_id)
    keys: tuple[str, str] | tuple[None, None] = (None, None)
    before = find_service(workspace_id, definition.name)
    if before is not None and before.auth_enabled and definition.auth_enabled:
        keys = service_keys(workspace_id, definition.name)
    with call(f"deploying web service {definition.name}"):
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
            tags={**definition.tags, FINGERPRINT_TAG: definition.fingerprint},
            properties={"stack": definition.stack, _KEPT_IN: FINGERPRINT_TAG},
            description=definition.description,
            auth_enabled=definition.auth_enabled,
            enable_app_insights=definition.app_insights_enabled,
            dns_name_label=definition.dns_name_label,
            **_tls(definition.tls),
            primary_key=keys[0],
            secondary_key=keys[1],
        )
        model = Model(workspace, id=definition.model)
        webservice = Model.deploy(workspace, definition.name, [model], inference_config, configuration, overwrite=True)
    return _wait(webservice, definition.ready_timeout_seconds, report)


def wait_for_service(workspace_id: str, name: str, timeout_seconds: float, report: Report) -> Service:
    """Wait for a deployment that somebody started: an interrupted `up` most likely."""
    with call(f"reading web service {name}"):
        webservice = _webservice(workspace_id, name)
    return _wait(webservice, timeout_seconds, report)


def describe_service(workspace_id: str, name: str, description: str, tags: dict[str, str], fingerprint: str) -> Service:
    """Change what describes the service; nothing is deployed again."""
    with call(f"tagging web service {name}"):
        webservice = _webservice(workspace_id, name)
        webservice.update(tags={**tags, FINGERPRINT_TAG: fingerprint}, description=description)
        if webservice.state != "Transitioning":
            webservice._operation_endpoint = None  # noqa: SLF001 (the last deployment's, which may have failed)
    return _wait(webservice, timeout_seconds=60, report=lambda _line: None)


def service_log(workspace_id: str, name: str) -> str:
    """Return the container's log, its last 5,000 lines."""
    with call(f"reading the log of web service {name}"):
        return str(_webservice(workspace_id, name).get_logs() or "")


def service_keys(workspace_id: str, name: str) -> tuple[str, str]:
    """Return the primary and the secondary key."""
    with call(f"reading the keys of web service {name}"):
        primary, secondary = _webservice(workspace_id, name).get_keys()
        return primary, secondary


def regenerate_key(workspace_id: str, name: str, which: str) -> None:
    """Make Azure choose another "Primary" or "Secondary" key; the old one stops working."""
    with call(f"regenerating a key of web service {name}"):
        _webservice(workspace_id, name).regen_key(which)


def delete_service(workspace_id: str, name: str) -> None:
    """Delete the web service; one that is gone already is no error."""
    with contextlib.suppress(MissingError), call(f"deleting web service {name}"):
        _webservice(workspace_id, name).delete()


def _webservice(workspace_id: str, name: str) -> Any:  # noqa: ANN401
    from azureml.core.webservice import AciWebservice  # noqa: PLC0415

    return AciWebservice(open_workspace(workspace_id), name)


def _service(webservice: Any) -> Service:  # noqa: ANN401
    size, tags, properties = (
        webservice.container_resource_requirements,
        dict(webservice.tags or {}),
        webservice.properties,
    )
    fingerprint = _take_fingerprint(tags, properties or {})
    return Service(
        name=webservice.name,
        state=webservice.state,
        scoring_uri=webservice.scoring_uri or "",
        swagger_uri=webservice.swagger_uri or "",
        description=webservice.description or "",
        tags=tags,
        fingerprint=fingerprint,
        stack=(properties or {}).get("stack", ""),
        cpu_cores=float(size.cpu),
        memory_gb=float(size.memory_in_gb),
        auth_enabled=bool(webservice.auth_enabled),
        app_insights_enabled=bool(webservice.enable_app_insights),
        ssl_enabled=bool(webservice.ssl_enabled),
        ssl_cname=webservice.cname or "",
        ssl_certificate=webservice.ssl_certificate or "",
        models=tuple(model.id for model in webservice.models),
    )


def _take_fingerprint(tags: dict[str, str], properties: Mapping[str, str]) -> str:
    """Take the fingerprint out of the tags; return it, or an earlier version's, or nothing."""
    earlier = "" if _KEPT_IN in properties else properties.get(_FINGERPRINT_PROPERTY, "")
    return tags.pop(FINGERPRINT_TAG, earlier)


def _tls(tls: Tls | None) -> dict[str, Any]:
    if tls is None:
        return {"ssl_enabled": False}
    return {
        "ssl_enabled": True,
        "ssl_cname": tls.cname,
        "ssl_cert_pem_file": str(tls.certificate.file),
        "ssl_key_pem_file": str(tls.certificate.key_file),
    }


def _wait(webservice: Any, timeout_seconds: float, report: Report) -> Service:  # noqa: ANN401
    """Follow the operation to its end while its time shows, and if asked the container's newest log line."""
    started = time.monotonic()
    with ThreadPoolExecutor(1) as waiting:
        end = waiting.submit(_follow, webservice, timeout_seconds)
        while not end.done():
            line = _last_lines(webservice, 1) if is_verbose() else ""
            report(f"deploying, {time.monotonic() - started:.0f} s" + (f": {line}" if line else ""))
            with contextlib.suppress(TimeoutError):
                end.exception(timeout=_SECONDS_BETWEEN_REPORTS)
    error = end.exception()
    with call(f"reading web service {webservice.name}"):
        webservice.update_deployment_state()
    if error is None and webservice.state == _HEALTHY:
        return _service(webservice)
    seconds = time.monotonic() - started
    reason = answers.clean(answers.read_messages(webservice.error))
    if not reason and error is not None and webservice.state in _FAILED:
        reason = answers.explain(error)
    log = _last_lines(webservice, _LOG_LINES)
    raise DeploymentError(
        f"Web service '{webservice.name}' was {webservice.state} after {seconds:.0f} s"
        + (f": {reason}" if reason else " (readyTimeoutSeconds)")
        # Taking the change back makes the tree what the state holds, so only a refresh would find the failed service.
        + "\nFix it and run `pulumi up` again, or take the change back and run `pulumi up --refresh`."
        + f" Full log: `make logs`. Its last lines:\n{log or '(none)'}"
    )


def _follow(webservice: Any, timeout_seconds: float) -> None:  # noqa: ANN401
    """Return when the deployment has ended, well or not; raises what the SDK raises."""
    # Not inside call(), which lets one caller in at a time: this one waits for minutes.
    if webservice._operation_endpoint is None:  # noqa: SLF001 (an update without redeployment, or one that another `up` began)
        deadline = time.monotonic() + timeout_seconds
        while webservice.state == "Transitioning" and time.monotonic() < deadline:
            time.sleep(1)
            webservice.update_deployment_state()
        return
    with contextlib.redirect_stdout(io.StringIO()):
        webservice.wait_for_deployment(timeout_sec=timeout_seconds)


def _last_lines(webservice: Any, lines: int) -> str:  # noqa: ANN401
    """Return the end of the container's log; a container that does not run yet has none."""
    try:
        with call("reading the log"):
            text = str(webservice.get_logs(num_lines=lines) or "")
    except AzureMLError:  # ACI answers an error while it still makes the container
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
