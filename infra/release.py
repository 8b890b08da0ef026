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
from evaluation.verdict import Thresholds
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
    "datasetFileSha256",
    "rows",
    *Thresholds().to_json(),
    "gateEnabled",
)
_SHOWN = ("accuracy", "confusionMatrix", "datasetDigest", "rowsEvaluated", "time")
_EVIDENCE = (*_SHOWN, "evaluation")  # the whole of it, with which the next candidate is compared


class ReleaseProvider(Provider):
    """Keeps the record; evaluating is the gate's work."""

    updated_by = _IDENTITY
    replaced_by = ()

    def create(self, props: Properties) -> CreateResult:
        """Take the gate's evidence for exactly this candidate into the record."""
        if not props["gateEnabled"]:
            return CreateResult(props["service"], {**props, **dict.fromkeys(_EVIDENCE)})
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
            "evaluation": json.dumps(evaluation.to_json(), separators=(",", ":")),
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
        gate: pulumi.ResourceHook | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        hooks = [gate] if gate is not None else []
        binding = pulumi.ResourceHookBinding(before_create=[*hooks], before_update=[*hooks])
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(hooks=binding), opts)
        super().__init__(ReleaseProvider(), resource_name, {**inputs, **dict.fromkeys(_EVIDENCE)}, opts)
        self._recorded = (*inputs, *_SHOWN)

    @property
    def record(self) -> pulumi.Output[Properties]:
        """Everything that the release says of itself."""
        return pulumi.Output.all(**{name: vars(self)[name] for name in self._recorded})


def candidate(props: Properties) -> str:
    """Return the identity of what asks for release."""
    # Numbers come as float from the engine and as int from Python.
    parts = {name: float(value) if isinstance(value := props.get(name), int) else value for name in _IDENTITY}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
