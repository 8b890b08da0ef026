"""The web service on ACI: scoring package, registered model and environment behind a URL that stays."""

import contextlib
import hashlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, ReadResult, Resource, UpdateResult

from infra import azureml, scoring_package, tls
from infra.provider import Properties, Provider, changed, output
from infra.status_line import provider_reporter

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
    *tls.REDEPLOYED_BY,
)
_SETTLE_SECONDS = 60
_DESCRIBED_BY = ("description", "tags")
_KEY_VERSIONS = {"primaryKeyVersion": "Primary", "secondaryKeyVersion": "Secondary"}


class WebserviceProvider(Provider):
    """Deploys, updates in place, and adopts what an interrupted `up` left."""

    updated_by = (*REDEPLOYED_BY, *_DESCRIBED_BY, *_KEY_VERSIONS, "state", "keysRegenerated")

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Give the scoring package its identity."""
        return CheckResult({**news, "scoringPackage": scoring_package.identify(news["scoringPackage"])}, [])

    def create(self, props: Properties) -> CreateResult:
        """Deploy, or adopt the service of this name if it is this stack's."""
        workspace_id, name = props["workspaceId"], props["name"]
        before = azureml.find_service(workspace_id, name)
        if before is not None and before.stack != props["owner"]:
            raise azureml.ConflictError(
                f"A web service '{name}' that this stack did not deploy is there already: "
                f"choose another serviceName, or delete it first."
            )
        return CreateResult(name, _outputs(props, _adopt(props, before) or _deploy(props)))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        """Bring the live service to the new inputs, with no more upheaval than they need.

        Whatever changed, what is live afterwards is this combination: it may have been rolled back meanwhile.
        """
        workspace_id, name = news["workspaceId"], news["name"]
        service = _adopt(news, azureml.find_service(workspace_id, name)) or _deploy(news)
        for key in changed(olds, news, tuple(_KEY_VERSIONS)):
            azureml.regenerate_key(workspace_id, name, _KEY_VERSIONS[key])
        return UpdateResult(_outputs(news, service))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Read the live service; what was deployed by others shows as another scoring digest."""
        service = _find_settled(props)
        if service is None:
            return ReadResult("", {})
        keys = _keys(props, service)
        now = {
            **props,
            "state": service.state,
            "tags": service.tags,
            "description": service.description,
            **_told(service),
            **keys,
            **_regenerated(props, keys),
        }
        if service.models and service.models != (props["modelId"],):
            now["modelId"] = ", ".join(service.models)
        if service.fingerprint != props["fingerprint"]:
            told = "deployed outside Pulumi" if service.fingerprint else f"unknown: no tag {azureml.FINGERPRINT_TAG}"
            now["scoringDigest"] = told
        return ReadResult(id_, now)

    def delete(self, _id: str, props: Properties) -> None:
        """Delete the service; the registered model and environment stay."""
        azureml.delete_service(props["workspaceId"], props["name"])


class Webservice(Resource, module="azureml", name="Webservice"):
    """A web service with its scoring URI and keys.

    `revision` is new whenever the live service changed: what was evaluated before it says nothing of it.
    `is_fresh` says whether this `up` brought the live service to what is declared, so that nobody need look again.
    """

    is_fresh = False

    fingerprint: pulumi.Output[str]
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
        names = ("scoringUri", "swaggerUri", "fingerprint", "revision", "primaryKey", "secondaryKey")
        after = [pulumi.ResourceHook("deployed", self._note)]
        before = [rehearsal] if rehearsal is not None else []
        own = pulumi.ResourceOptions(
            additional_secret_outputs=["primaryKey", "secondaryKey"],
            hooks=pulumi.ResourceHookBinding(
                before_create=[*before], before_update=[*before], after_create=[*after], after_update=[*after]
            ),
        )
        inputs = {**inputs, **dict.fromkeys(names), "state": "Healthy"}
        super().__init__(WebserviceProvider(), resource_name, inputs, pulumi.ResourceOptions.merge(own, opts))

    def _note(self, _args: pulumi.ResourceHookArgs) -> None:
        self.is_fresh = True


def fingerprint(props: Properties) -> str:
    """Return the identity of what runs in the service; it is written on the service itself."""
    parts = {name: props[name] for name in REDEPLOYED_BY}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def deploy(props: Properties, identity: str, files: dict[str, bytes], report: azureml.Report) -> azureml.Service:
    """Deploy the scoring package's files as these properties say, under this fingerprint, and wait until healthy."""
    definition = azureml.ServiceDefinition(
        name=props["name"],
        description=props["description"],
        tags=props["tags"],
        fingerprint=identity,
        stack=props["owner"],
        cpu_cores=props["cpuCores"],
        memory_gb=props["memoryGb"],
        auth_enabled=props["authEnabled"],
        app_insights_enabled=props["appInsightsEnabled"],
        dns_name_label=props["dnsNameLabel"],
        tls=tls.from_inputs(props),
        model=props["modelId"],
        environment=(props["environmentName"], props["environmentVersion"]),
        entry_script=props["entryScript"],
        ready_timeout_seconds=props["readyTimeoutSeconds"],
    )
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory, "scoring")
        package.mkdir()
        scoring_package.write(files, package)
        live = azureml.deploy_service(props["workspaceId"], definition, package, report)
    return _describe(props, identity, live)  # nobody says whether overwriting replaces tags


def _deploy(props: Properties) -> azureml.Service:
    files = scoring_package.unpack(props["scoringPackage"], props["scoringDigest"])
    return deploy(props, fingerprint(props), files, _reporter(props))


def _adopt(props: Properties, live: azureml.Service | None) -> azureml.Service | None:
    """Return the live service, tags brought up to date, where it is this combination and healthy; or None."""
    if live is not None and live.state == "Transitioning" and _runs(live, props):
        live = azureml.wait_for_service(
            props["workspaceId"], props["name"], props["readyTimeoutSeconds"], _reporter(props)
        )
    if live is None or live.state != "Healthy" or not _runs(live, props):
        return None
    return _describe(props, fingerprint(props), live)


def _describe(props: Properties, identity: str, live: azureml.Service) -> azureml.Service:
    """Bring description and tags up to date where they are not; nothing is deployed again."""
    description, tags = props["description"], props["tags"]
    if (live.description, live.tags, live.fingerprint) == (description, tags, identity):
        return live
    return azureml.describe_service(props["workspaceId"], props["name"], description, tags, identity)


def _runs(live: azureml.Service, props: Properties) -> bool:
    """Say whether the live service is this combination, by its fingerprint and by what others may have changed."""
    return live.fingerprint == fingerprint(props) and _told(live).items() <= props.items()


def _find_settled(props: Properties) -> azureml.Service | None:
    """Return the service once it does not change any more, or as it is after a minute."""
    workspace_id, name = props["workspaceId"], props["name"]
    service = azureml.find_service(workspace_id, name)
    if service is not None and service.state == "Transitioning":
        with contextlib.suppress(azureml.DeploymentError, azureml.MissingError):
            return azureml.wait_for_service(workspace_id, name, _SETTLE_SECONDS, _reporter(props))
        service = azureml.find_service(workspace_id, name)
    return service


def _regenerated(props: Properties, keys: Properties) -> Properties:
    """Return the names of the keys that are others than the known ones: more of a secret's change must not show."""
    names = [name for name, key in keys.items() if key and props[name] and key != props[name]]
    return {"keysRegenerated": names} if names else {}


def _told(service: azureml.Service) -> Properties:
    """Return those inputs that Azure tells of the live service, but for state, tags and description."""
    return {
        "cpuCores": service.cpu_cores,
        "memoryGb": service.memory_gb,
        "authEnabled": service.auth_enabled,
        "appInsightsEnabled": service.app_insights_enabled,
        **tls.live(enabled=service.ssl_enabled, cname=service.ssl_cname, certificate=service.ssl_certificate),
    }


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
