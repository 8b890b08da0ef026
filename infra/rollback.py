"""The way back: the last released combination, deployed again from what its release recorded."""

from infra import azureml, scoring_package, webservice
from infra.provider import Properties
from infra.release import model_id
from infra.service_definition import ServiceDefinition


class RollbackError(Exception):
    """The last released combination could not be deployed again."""


def obstacle(released: Properties, candidate: Properties) -> str | None:
    """Return why there is nothing to go back to, or None.

    Both are a release's properties: the outputs of the last one, empty where there was none, and what asks for release.
    """
    if not released:
        return "nothing was released before"
    if not released.get("scoringFiles"):
        return "the last release was recorded by an earlier version of this program, which kept too little of it"
    if any(released[name] != candidate[name] for name in ("workspaceId", "service")):
        return f"what was last released is another web service, '{released['service']}', and stays as it was"
    if released["fingerprint"] == candidate["fingerprint"]:
        return "what is live is what was last released"
    return None


def deploy(released: Properties, report: azureml.Report) -> tuple[str, str | None]:
    """Deploy the last release's combination again, keys kept; return its scoring URI and its key, None without one.

    Raises RollbackError.
    """
    workspace_id, name = released["workspaceId"], released["service"]
    environment, _, version = released["environment"].rpartition(":")
    combination: webservice.Combination[str] = {
        "workspaceId": workspace_id,
        "name": name,
        "modelId": model_id(released),
        "environmentName": environment,
        "environmentVersion": version,
    }
    try:
        files = scoring_package.expand(released["scoringFiles"], released["scoringDigest"])
        definition = ServiceDefinition.from_inputs(released["deployment"])
        service = webservice.deploy(definition, combination, released["fingerprint"], files, report)
        # Not the stack's key: what failed may have had none.
        key = azureml.service_keys(workspace_id, name)[0] if service.auth_enabled else None
    except KeyError as error:
        raise RollbackError(
            f"The last release was recorded by an earlier version of this program: it lacks {error}."
        ) from error
    except (ValueError, azureml.AzureMLError) as error:
        raise RollbackError(str(error)) from error
    return service.scoring_uri, key
