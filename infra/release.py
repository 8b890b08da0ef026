"""The release: the record that this exact combination of model, environment and scoring package passed.

The gate is a before-hook: a failed one leaves the old record, so the next `up` evaluates again.
The record itself is made from the evidence that the gate wrote, and refused where there is none.
"""

import hashlib
import json
from pathlib import Path

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from evaluation import report
from infra.provider import Properties, Provider

_IDENTITY = (
    "modelName",
    "modelVersion",
    "modelSha256",
    "environment",
    "scoringDigest",
    "service",
    "serviceRevision",
    "dataset",
    "rows",
    "minimumAccuracy",
)


class ReleaseProvider(Provider):
    """Keeps the record; evaluating is the gate's work."""

    updated_by = _IDENTITY
    replaced_by = ()

    def create(self, props: Properties) -> CreateResult:
        """Take the gate's evidence for exactly this candidate into the record."""
        path = Path(props["report"])
        evaluation = report.read(path)
        if evaluation.subject.get("candidate") != candidate(props) or not evaluation.passed:
            raise ValueError(
                f"{path} is not evidence that this combination passed: run `pulumi up` again to evaluate it."
            )
        outputs = {
            "accuracy": evaluation.accuracy,
            # A line per true label: a nested list would fill two screens of every preview.
            "confusionMatrix": [" ".join(f"{count:3}" for count in row) for row in evaluation.confusion_matrix],
            "datasetDigest": evaluation.digest,
            "rowsEvaluated": evaluation.rows,
            "time": evaluation.time,
        }
        return CreateResult(props["service"], {**props, **outputs})

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        """Replace the record by the new one."""
        return UpdateResult(self.create(news).outs)


class Release(Resource, module="azureml", name="Release"):
    """What passed, with its evidence; promotion reads it."""

    def __init__(
        self,
        resource_name: str,
        inputs: Properties,
        gate: pulumi.ResourceHook,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        outputs = dict.fromkeys(("accuracy", "confusionMatrix", "datasetDigest", "rowsEvaluated", "time"))
        hooks = pulumi.ResourceHookBinding(before_create=[gate], before_update=[gate])
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(hooks=hooks), opts)
        super().__init__(ReleaseProvider(), resource_name, {**inputs, **outputs}, opts)
        self._recorded = (*inputs, *outputs)

    @property
    def record(self) -> pulumi.Output[Properties]:
        """Everything that the release says of itself."""
        return pulumi.Output.all(**{name: vars(self)[name] for name in self._recorded})


def candidate(props: Properties) -> str:
    """Return the identity of what asks for release."""
    # Numbers come as float from the engine and as int from Python.
    parts = {name: float(value) if isinstance(value := props[name], int) else value for name in _IDENTITY}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
