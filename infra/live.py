"""The live web service, compared with the release of its stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from digits.evaluation import report
from digits.evaluation.evaluation_errors import ReportError
from digits.release import Release
from infra import azureml

if TYPE_CHECKING:
    from digits.evaluation.evaluation_record import Evaluation

_HEALTHY = "Healthy"
_MARKS = {"released": "yes", "failing": "no", "other": "no", "nothing": "no", "unknown": "?"}


@dataclass(frozen=True)
class Live:
    """The result of a look: the release, the release but failing, another combination, nothing, or no answer."""

    found: Literal["released", "failing", "other", "nothing", "unknown"]
    sentence: str

    @property
    def is_released(self) -> bool:
        """Whether the release of the stack is what answers."""
        return self.found == "released"

    @property
    def mark(self) -> str:
        """Whether the last release is live: yes, no, or a question mark."""
        return _MARKS[self.found]


def look(stack: str, release: Release | None, deployed: Mapping[str, Any]) -> Live:
    """Look at the web service; `deployed` are its outputs in the stack's state, or empty."""
    workspace_id = deployed.get("workspaceId") or (release and release.record["workspaceId"])
    name = deployed.get("name") or (release and release.record["service"])
    if not (workspace_id and name):
        return Live("nothing", f"nothing is deployed: run `make up STACK={stack}`.")
    try:
        service = azureml.find_service(workspace_id, name)
    except azureml.AzureMLError as error:
        return Live("unknown", f"what is live is not known, because web service '{name}' cannot be read: {error}")
    if service is None:
        return Live("nothing", f"nothing is live, because web service '{name}' is gone: run `make up STACK={stack}`.")
    if release is None or service.fingerprint != release.record["fingerprint"]:
        return Live("other", f"live, not released: {_describe(stack, service, deployed)}")
    if service.state != _HEALTHY:
        return Live(
            "failing", f"the released {release.model} does not answer, because web service '{name}' is {service.state}."
        )
    accuracy = release.record.get("accuracy")
    measured = "released without a gate" if accuracy is None else f"released with accuracy {accuracy:.4f}"
    return Live("released", f"{release.model} is live, {measured}.")


def _describe(stack: str, service: azureml.Service, deployed: Mapping[str, Any]) -> str:
    """Say what runs, how good it is and why it is not a release, as far as this machine knows."""
    model = ", ".join(service.models) or "no registered model"
    evaluation = _read_evaluation(stack, service.fingerprint)
    if evaluation is None:
        if service.fingerprint and service.fingerprint == deployed.get("fingerprint"):
            why = "because its evaluation was not completed"
        else:
            why = "because neither this stack's state nor a report here knows it"
        return f"{model}, {why}: `make up STACK={stack}` evaluates what it deploys."
    accuracy = f"accuracy {evaluation.accuracy:.4f}"
    if evaluation.passed:
        return f"{model}, {accuracy}, because `up` ended before the release: run `make up STACK={stack}` again."
    return f"{model}, {accuracy}, because {evaluation.verdict[:1].lower()}{evaluation.verdict[1:]}"


def _read_evaluation(stack: str, fingerprint: str) -> "Evaluation | None":
    """Return the last evaluation of this combination, if the stack's report is of it."""
    try:
        evaluation = report.read(Path("reports", stack, report.JSON_FILE))
    except ReportError:
        return None
    return evaluation if fingerprint and evaluation.subject.get("fingerprint") == fingerprint else None
