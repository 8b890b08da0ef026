"""The web service on ACI: scoring package, registered model and environment behind a URL that stays."""

import hashlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, ReadResult, Resource, UpdateResult

from infra import azureml, scoring_package
from infra.progress import provider_reporter
from infra.provider import Properties, Provider, changed, output

TYPE = "pulumi-python:dynamic/azureml:Webservice"

REDEPLOYED_BY = (
    "modelId",
    "modelSha256",
    "environmentName",
    "environmentVersion",
    "scoringDigest",
    "entryScript",
    "cpuCores",
    "memoryGb",
    "authEnabled",
    "appInsightsEnabled",
    "dnsNameLabel",
)
_DESCRIBED_BY = ("description", "tags")
_KEY_VERSIONS = {"primaryKeyVersion": "Primary", "secondaryKeyVersion": "Secondary"}


class WebserviceProvider(Provider):
    """Deploys, updates in place, and adopts what an interrupted `up` left."""

    updated_by = (*REDEPLOYED_BY, *_DESCRIBED_BY, *_KEY_VERSIONS, "state")

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Give the scoring package its identity."""
        return CheckResult({**news, "scoringPackage": scoring_package.identify(news["scoringPackage"])}, [])

    def create(self, props: Properties) -> CreateResult:
        """Deploy, or adopt the service of this name if it is this stack's."""
        workspace_id, name = props["workspaceId"], props["name"]
        before = azureml.find_service(workspace_id, name)
        if before is not None and before.properties.get("stack") != props["owner"]:
            raise azureml.ConflictError(
                f"A web service '{name}' that this stack did not deploy is there already: "
                f"choose another serviceName, or delete it first."
            )
        adopted = before if before is not None and before.properties.get("fingerprint") == fingerprint(props) else None
        if adopted is not None and adopted.state == "Transitioning":
            adopted = azureml.wait_for_service(workspace_id, name, props["readyTimeoutSeconds"], _reporter(props))
        if adopted is None or adopted.state != "Healthy":
            adopted = _deploy(props)
        elif (adopted.tags, adopted.description) != (props["tags"], props["description"]):
            adopted = azureml.describe_service(workspace_id, name, props["description"], props["tags"])
        return CreateResult(name, _outputs(props, adopted))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        """Bring the live service to the new inputs, with no more upheaval than they need."""
        workspace_id, name = news["workspaceId"], news["name"]
        service = None
        if changed(olds, news, (*REDEPLOYED_BY, "state")):
            service = _deploy(news)
        elif changed(olds, news, _DESCRIBED_BY):
            service = azureml.describe_service(workspace_id, name, news["description"], news["tags"])
        for key in changed(olds, news, tuple(_KEY_VERSIONS)):
            azureml.regenerate_key(workspace_id, name, _KEY_VERSIONS[key])
        service = service or azureml.find_service(workspace_id, name)
        if service is None:
            raise azureml.MissingError(
                f"Web service '{name}' was deleted meanwhile: run `pulumi refresh`, then `pulumi up`."
            )
        return UpdateResult(_outputs(news, service))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Read the live service; what was deployed by others shows as another scoring digest."""
        service = azureml.find_service(props["workspaceId"], props["name"])
        if service is None:
            return ReadResult("", {})
        now = {
            **props,
            "state": service.state,
            "tags": service.tags,
            "description": service.description,
            "cpuCores": service.cpu_cores,
            "memoryGb": service.memory_gb,
            "authEnabled": service.auth_enabled,
            "appInsightsEnabled": service.app_insights_enabled,
            **_keys(props, service),
        }
        if service.properties.get("fingerprint") != props["fingerprint"]:
            now["scoringDigest"] = "deployed outside Pulumi"
        return ReadResult(id_, now)

    def delete(self, _id: str, props: Properties) -> None:
        """Delete the service; the registered model and environment stay."""
        azureml.delete_service(props["workspaceId"], props["name"])


class Webservice(Resource, module="azureml", name="Webservice"):
    """A web service with its scoring URI and keys.

    `revision` is new whenever the live service changed: what was evaluated before it says nothing of it.
    """

    state: pulumi.Output[str]
    revision: pulumi.Output[str]
    scoring_uri = output("scoringUri")
    swagger_uri = output("swaggerUri")
    primary_key = output("primaryKey")
    secondary_key = output("secondaryKey")

    def __init__(
        self,
        resource_name: str,
        inputs: Properties,
        rehearsal: pulumi.ResourceHook | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        outputs = dict.fromkeys(("scoringUri", "swaggerUri", "revision", "primaryKey", "secondaryKey"))
        secrets = pulumi.ResourceOptions(additional_secret_outputs=["primaryKey", "secondaryKey"])
        if rehearsal is not None:
            secrets.hooks = pulumi.ResourceHookBinding(before_create=[rehearsal], before_update=[rehearsal])
        opts = pulumi.ResourceOptions.merge(secrets, opts)
        super().__init__(WebserviceProvider(), resource_name, {**inputs, **outputs, "state": "Healthy"}, opts)


def fingerprint(props: Properties) -> str:
    """Return the identity of what runs in the service; it is written into the service's own properties."""
    parts = {name: props[name] for name in REDEPLOYED_BY}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _deploy(props: Properties) -> azureml.Service:
    definition = azureml.ServiceDefinition(
        name=props["name"],
        description=props["description"],
        tags=props["tags"],
        properties={"stack": props["owner"], "fingerprint": fingerprint(props)},
        cpu_cores=props["cpuCores"],
        memory_gb=props["memoryGb"],
        auth_enabled=props["authEnabled"],
        app_insights_enabled=props["appInsightsEnabled"],
        dns_name_label=props["dnsNameLabel"],
        model=props["modelId"],
        environment=(props["environmentName"], props["environmentVersion"]),
        entry_script=props["entryScript"],
        ready_timeout_seconds=props["readyTimeoutSeconds"],
    )
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory, "scoring")
        package.mkdir()
        scoring_package.unpack(props["scoringPackage"], package, props["scoringDigest"])
        return azureml.deploy_service(props["workspaceId"], definition, package, _reporter(props))


def _reporter(props: Properties) -> azureml.Report:
    return provider_reporter(props["owner"].split("/")[-1], TYPE, "webservice")


def _outputs(props: Properties, service: azureml.Service) -> Properties:
    """Return the inputs, but for the archive, whose digest says enough, and what Azure chose."""
    return {
        **{name: value for name, value in props.items() if name != "scoringPackage"},
        "state": service.state,
        "scoringUri": service.scoring_uri,
        "swaggerUri": service.swagger_uri,
        "fingerprint": fingerprint(props),
        "revision": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **_keys(props, service),
    }


def _keys(props: Properties, service: azureml.Service) -> Properties:
    keys = azureml.service_keys(props["workspaceId"], props["name"]) if service.auth_enabled else ("", "")
    return dict(zip(("primaryKey", "secondaryKey"), keys, strict=True))
