"""The rollback: the last released combination, deployed again from the record of its release."""

from digits.release_record import ReleaseInputs, ReleaseRecord, model_id
from infra import azureml, scoring_package, webservice
from infra.service_definition import ServiceDefinition


class RollbackError(Exception):
    """The last released combination could not be deployed again."""


def obstacle(released: ReleaseRecord | None, failed: ReleaseInputs[str, float]) -> str | None:
    """Return why the last release cannot be deployed instead of what failed; None if it can."""
    if released is None:
        return "nothing was released before"
    if (released["workspaceId"], released["service"]) != (failed["workspaceId"], failed["service"]):
        return f"what was last released is another web service, '{released['service']}', and stays as it was"
    if released["fingerprint"] == failed["fingerprint"]:
        return "what is live is what was last released"
    return None


def deploy(released: ReleaseRecord, report: azureml.Report) -> tuple[str, str | None]:
    """Deploy the last released combination again and keep the service's keys; return its scoring URI and its key.

    The key is None if the service asks for none. Raises RollbackError.
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
    except (ValueError, azureml.AzureMLError) as error:
        raise RollbackError(str(error)) from error
    return service.scoring_uri, key
