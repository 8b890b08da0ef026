"""Web services on ACI."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import tls
from infra.azureml.outcome import Report, wait
from infra.azureml.session import DeploymentError, MissingError, call, open_workspace
from infra.service_definition import FINGERPRINT_TAG, REDEPLOYING, ServiceDefinition, input_name
from infra.tls import Tls

# Earlier versions wrote the fingerprint into the property `fingerprint`, which cannot change. The second property says
# that the tag counts now.
_FINGERPRINT_PROPERTY, _KEPT_IN = "fingerprint", "fingerprintTag"


@dataclass(frozen=True)
class Deployment:
    """A web service with its model and environment: `model` is name:version, `environment` a name and a version."""

    name: str
    service: ServiceDefinition
    fingerprint: str
    model: str
    environment: tuple[str, str]


@dataclass(frozen=True)
class Service:
    """A live web service, without its keys.

    `fingerprint` and `stack` are what the deployment wrote on it, empty if it wrote nothing.
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

    @property
    def inputs(self) -> dict[str, object]:
        """Those inputs of its definition that Azure reports and only a deployment changes."""
        plain = {input_name(name): getattr(self, name) for name in REDEPLOYING if hasattr(self, name)}
        return plain | tls.live(enabled=self.ssl_enabled, cname=self.ssl_cname, certificate=self.ssl_certificate)


def find_service(workspace_id: str, name: str) -> Service | None:
    """Return the web service, or None."""
    try:
        with call(f"reading web service {name}"):
            return _service(_webservice(workspace_id, name))
    except MissingError:
        return None


def deploy_service(workspace_id: str, deployment: Deployment, package: Path, report: Report) -> Service:
    """Deploy, or replace in place under the same URI and keys, and wait until it is healthy.

    Raises DeploymentError, ending with the container's last log lines.
    """
    workspace, definition = open_workspace(workspace_id), deployment.service
    keys: tuple[str, str] | tuple[None, None] = (None, None)
    before = find_service(workspace_id, deployment.name)
    if before is not None and before.auth_enabled and definition.auth_enabled:
        keys = service_keys(workspace_id, deployment.name)
    with call(f"deploying web service {deployment.name}"):
        from azureml.core import Environment, Model
        from azureml.core.model import InferenceConfig
        from azureml.core.webservice import AciWebservice

        inference_config = InferenceConfig(
            entry_script=definition.entry_script,
            source_directory=str(package),
            environment=Environment.get(workspace, *deployment.environment),
        )
        configuration = AciWebservice.deploy_configuration(
            cpu_cores=definition.cpu_cores,
            memory_gb=definition.memory_gb,
            tags={**definition.tags, FINGERPRINT_TAG: deployment.fingerprint},
            properties={"stack": definition.owner, _KEPT_IN: FINGERPRINT_TAG},
            description=definition.description,
            auth_enabled=definition.auth_enabled,
            enable_app_insights=definition.app_insights_enabled,
            dns_name_label=definition.dns_name_label,
            **_tls(definition.tls),
            primary_key=keys[0],
            secondary_key=keys[1],
        )
        model = Model(workspace, id=deployment.model)
        webservice = Model.deploy(workspace, deployment.name, [model], inference_config, configuration, overwrite=True)
    return _wait(webservice, definition.ready_timeout_seconds, report)


def wait_for_service(workspace_id: str, name: str, timeout_seconds: float, report: Report) -> Service:
    """Wait for a deployment that is running already, most likely from an interrupted `up`."""
    with call(f"reading web service {name}"):
        webservice = _webservice(workspace_id, name)
    return _wait(webservice, timeout_seconds, report)


def find_settled_service(workspace_id: str, name: str, timeout_seconds: float, report: Report) -> Service | None:
    """Return the web service when it changes no more, or as it is after the timeout; or None."""
    service = find_service(workspace_id, name)
    if service is not None and service.state == "Transitioning":
        with contextlib.suppress(DeploymentError, MissingError):
            return wait_for_service(workspace_id, name, timeout_seconds, report)
        service = find_service(workspace_id, name)
    return service


def describe_service(workspace_id: str, live: Service, definition: ServiceDefinition, fingerprint: str) -> Service:
    """Bring description and tags up to date if they are not; nothing is deployed again."""
    if (live.description, live.tags, live.fingerprint) == (definition.description, definition.tags, fingerprint):
        return live
    with call(f"tagging web service {live.name}"):
        webservice = _webservice(workspace_id, live.name)
        tags = {**definition.tags, FINGERPRINT_TAG: fingerprint}
        webservice.update(tags=tags, description=definition.description)
        if webservice.state != "Transitioning":
            webservice._operation_endpoint = None  # the last deployment's, which may have failed
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
    """Delete the web service, if it is there."""
    with contextlib.suppress(MissingError), call(f"deleting web service {name}"):
        _webservice(workspace_id, name).delete()


def _webservice(workspace_id: str, name: str) -> Any:
    from azureml.core.webservice import AciWebservice

    return AciWebservice(open_workspace(workspace_id), name)


def _service(webservice: Any) -> Service:
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
    """Take the fingerprint out of the tags, and return it, or that of an earlier version, or an empty text."""
    earlier = "" if _KEPT_IN in properties else properties.get(_FINGERPRINT_PROPERTY, "")
    return tags.pop(FINGERPRINT_TAG, earlier)


def _tls(tls: Tls | None) -> dict[str, object]:
    if tls is None:
        return {"ssl_enabled": False}
    return {
        "ssl_enabled": True,
        "ssl_cname": tls.cname,
        "ssl_cert_pem_file": str(tls.certificate.file),
        "ssl_key_pem_file": str(tls.certificate.key_file),
    }


def _wait(webservice: Any, timeout_seconds: float, report: Report) -> Service:
    wait(webservice, timeout_seconds, report)
    return _service(webservice)
