"""The web service on ACI: scoring package, registered model and environment behind a constant URL."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypedDict

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, ReadResult, Resource, UpdateResult

from infra import azureml, scoring_package, service_definition
from infra.provider import OutputProperty, Provider, Text, changed
from infra.service_definition import ServiceDefinition
from infra.status_line import provider_reporter

TYPE = "pulumi-python:dynamic/azureml:Webservice"

REDEPLOYED_BY = (
    "modelId",
    "modelSha256",
    "environmentName",
    "environmentVersion",
    "scoringDigest",
    *service_definition.REDEPLOYED_BY,
)
_SETTLE_SECONDS = 60
_DESCRIBED_BY = ("description", "tags")
_KEY_VERSIONS = {"primaryKeyVersion": "Primary", "secondaryKeyVersion": "Secondary"}


class Combination(TypedDict, Generic[Text]):
    """The web service, and the model and environment that run in it."""

    workspaceId: Text
    name: str
    modelId: Text  # name:version
    environmentName: Text
    environmentVersion: Text


class WebserviceInputs(Combination[Text], Generic[Text]):
    """The inputs without those of the ServiceDefinition."""

    modelSha256: Text
    scoringPackage: pulumi.AssetArchive
    scoringDigest: str
    primaryKeyVersion: float
    secondaryKeyVersion: float


class Keys(TypedDict):
    """The two keys, empty if authentication is off."""

    primaryKey: str
    secondaryKey: str


class WebserviceState(WebserviceInputs[str], Keys):
    """The state: the inputs, and the outputs that the lifecycle reads."""

    fingerprint: str


class WebserviceProvider(Provider):
    """Deploys, updates in place, and adopts the service of an interrupted `up`."""

    updated_by = (*REDEPLOYED_BY, *_DESCRIBED_BY, *_KEY_VERSIONS, "state", "keysRegenerated")

    def check(self, _olds: WebserviceInputs[str], news: WebserviceInputs[str]) -> CheckResult:
        """Give the scoring package its identity."""
        return CheckResult({**news, "scoringPackage": scoring_package.identify(news["scoringPackage"])}, [])

    def create(self, props: WebserviceInputs[str]) -> CreateResult:
        """Deploy, or adopt the service of this name if it is this stack's."""
        workspace_id, name = props["workspaceId"], props["name"]
        before = azureml.find_service(workspace_id, name)
        if before is not None and before.stack != ServiceDefinition.from_inputs(props).owner:
            raise azureml.ConflictError(
                f"A web service '{name}' that this stack did not deploy is there already: "
                f"choose another serviceName, or delete it first."
            )
        return CreateResult(name, _outputs(props, _adopt(props, before) or _deploy(props)))

    def update(self, _id: str, olds: WebserviceInputs[str], news: WebserviceInputs[str]) -> UpdateResult:
        """Bring the live service to the new inputs; deploy only if they need it.

        The live service is compared too, because a rollback may have changed it.
        """
        workspace_id, name = news["workspaceId"], news["name"]
        service = _adopt(news, azureml.find_service(workspace_id, name)) or _deploy(news)
        for key in changed(olds, news, tuple(_KEY_VERSIONS)):
            azureml.regenerate_key(workspace_id, name, _KEY_VERSIONS[key])
        return UpdateResult(_outputs(news, service))

    def read(self, id_: str, props: WebserviceState) -> ReadResult:
        """Read the live service; a deployment by others shows as another scoring digest."""
        service = azureml.find_settled_service(props["workspaceId"], props["name"], _SETTLE_SECONDS, _reporter(props))
        if service is None:
            return ReadResult("", {})
        keys = _read_keys(props, service)
        now = {
            **props,
            "state": service.state,
            "tags": service.tags,
            "description": service.description,
            **service.inputs,
            **keys,
        }
        if regenerated := _find_regenerated(props, keys):
            now["keysRegenerated"] = regenerated
        if service.models and service.models != (props["modelId"],):
            now["modelId"] = ", ".join(service.models)
        if service.fingerprint != props["fingerprint"]:
            found = "deployed outside Pulumi" if service.fingerprint else f"unknown: no tag {azureml.FINGERPRINT_TAG}"
            now["scoringDigest"] = found
        return ReadResult(id_, now)

    def delete(self, _id: str, props: WebserviceState) -> None:
        """Delete the service; the registered model and environment stay."""
        azureml.delete_service(props["workspaceId"], props["name"])


class Webservice(Resource, module="azureml", name="Webservice"):
    """A web service with its scoring URI and keys.

    `revision` changes with the live service: an evaluation counts only for its own revision.
    `is_fresh` says whether this `up` brought the live service to the declared inputs; then nobody has to look again.
    """

    is_fresh = False

    fingerprint: pulumi.Output[str]
    state: pulumi.Output[str]
    revision: pulumi.Output[str]
    scoring_uri = OutputProperty[str]("scoringUri")
    swagger_uri = OutputProperty[str]("swaggerUri")
    primary_key = OutputProperty[str]("primaryKey")
    secondary_key = OutputProperty[str]("secondaryKey")

    def __init__(
        self,
        resource_name: str,
        service: ServiceDefinition,
        inputs: WebserviceInputs[pulumi.Input[str]],
        rehearsal: pulumi.ResourceHook | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        names = ("scoringUri", "swaggerUri", "fingerprint", "revision", "primaryKey", "secondaryKey")
        after = [pulumi.ResourceHook("deployed", self._note)]
        before = [rehearsal] if rehearsal is not None else []
        own = pulumi.ResourceOptions(
            additional_secret_outputs=["primaryKey", "secondaryKey"],
            hooks=pulumi.ResourceHookBinding(
                before_create=[*before], before_update=[*before], after_create=[*after], after_update=[*after]
            ),
        )
        props = {**service.to_inputs(), **inputs, **dict.fromkeys(names), "state": "Healthy"}
        super().__init__(WebserviceProvider(), resource_name, props, pulumi.ResourceOptions.merge(own, opts))

    def _note(self, _args: pulumi.ResourceHookArgs) -> None:
        self.is_fresh = True


def fingerprint(props: Mapping[str, object]) -> str:
    """Return the identity of the running combination; it is written on the service itself."""
    parts = {name: props[name] for name in REDEPLOYED_BY if name in props}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def deploy(
    definition: ServiceDefinition,
    combination: Combination[str],
    identity: str,
    files: dict[str, bytes],
    report: azureml.Report,
) -> azureml.Service:
    """Deploy the scoring package's files with this combination, under this fingerprint, and wait until healthy."""
    if definition.tls:
        definition.tls.require_unchanged()
    deployment = azureml.Deployment(
        name=combination["name"],
        service=definition,
        fingerprint=identity,
        model=combination["modelId"],
        environment=(combination["environmentName"], combination["environmentVersion"]),
    )
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory, "scoring")
        package.mkdir()
        scoring_package.write(files, package)
        live = azureml.deploy_service(combination["workspaceId"], deployment, package, report)
    # The documentation does not say whether overwriting replaces tags.
    return azureml.describe_service(combination["workspaceId"], live, definition, identity)


def _deploy(props: WebserviceInputs[str]) -> azureml.Service:
    files = scoring_package.unpack(props["scoringPackage"], props["scoringDigest"])
    return deploy(ServiceDefinition.from_inputs(props), props, fingerprint(props), files, _reporter(props))


def _adopt(props: WebserviceInputs[str], live: azureml.Service | None) -> azureml.Service | None:
    """Return the live service, with current tags, if it is this combination and healthy; or None."""
    service = ServiceDefinition.from_inputs(props)
    if live is not None and live.state == "Transitioning" and _runs(live, props):
        timeout = service.ready_timeout_seconds
        live = azureml.wait_for_service(props["workspaceId"], props["name"], timeout, _reporter(props))
    if live is None or live.state != "Healthy" or not _runs(live, props):
        return None
    return azureml.describe_service(props["workspaceId"], live, service, fingerprint(props))


def _runs(live: azureml.Service, props: Mapping[str, object]) -> bool:
    """Return whether the live service is this combination, by its fingerprint and by the inputs that Azure reports."""
    return live.fingerprint == fingerprint(props) and live.inputs.items() <= props.items()


def _find_regenerated(before: Mapping[str, object], keys: Keys) -> list[str]:
    """Return the names of the changed keys; the keys themselves must not show."""
    return [name for name, key in keys.items() if key and before[name] and key != before[name]]


def _reporter(props: Mapping[str, object]) -> azureml.Report:
    return provider_reporter(ServiceDefinition.from_inputs(props).owner.split("/")[-1], TYPE, "webservice")


def _outputs(props: WebserviceInputs[str], service: azureml.Service) -> dict[str, object]:
    """Return the inputs without the archive, whose digest is enough, and the values that Azure chose."""
    return {
        **{name: value for name, value in props.items() if name != "scoringPackage"},
        "state": service.state,
        "scoringUri": service.scoring_uri,
        "swaggerUri": service.swagger_uri,
        "fingerprint": fingerprint(props),
        "revision": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **_read_keys(props, service),
    }


def _read_keys(combination: Combination[str], service: azureml.Service) -> Keys:
    if not service.auth_enabled:
        return {"primaryKey": "", "secondaryKey": ""}
    primary, secondary = azureml.service_keys(combination["workspaceId"], combination["name"])
    return {"primaryKey": primary, "secondaryKey": secondary}
