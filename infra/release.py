"""The release as a resource: the record that a combination of model, environment and scoring package passed the gate.

The gate is a before-hook: if it fails, the old record stays, and the next `up` evaluates again.
The record is made from the evaluation that the gate wrote. Without one there is no release.
The record keeps what rollback.py needs to deploy the combination again, whatever becomes of the checkout.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, Resource, UpdateResult

from digits.evaluation import report
from digits.release import carry
from digits.release_record import (
    IDENTITY,
    Evidence,
    KeptInputs,
    KeptOutputs,
    Origin,
    ReleaseInputs,
    ReleaseRecord,
    combination_digest,
)
from infra import scoring_package
from infra.commit import Commit
from infra.provider import Properties, Provider
from infra.scoring_directory import ENTRY_SCRIPT

if TYPE_CHECKING:
    from digits.evaluation.evaluation_record import Evaluation

_SHOWN = (*Evidence.__annotations__, *Origin.__annotations__)


class ReleaseProvider(Provider):
    """Keeps the record. The gate evaluates."""

    updated_by = IDENTITY
    replaced_by = ()

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Give the scoring package its identity."""
        return CheckResult({**news, "scoringPackage": scoring_package.identify(news["scoringPackage"])}, [])

    def create(self, props: Properties) -> CreateResult:
        """Record the gate's evidence for exactly this combination, and what deploying it again needs."""
        return CreateResult(props["service"], _record(props, history="[]"))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        """Replace the record by the new one, which carries the records before it."""
        return UpdateResult(_record(news, history=carry(cast("ReleaseRecord", olds))))


class Release(Resource, module="azureml", name="Release"):
    """A combination that passed, with its evidence; promotion reads it."""

    def __init__(
        self,
        resource_name: str,
        inputs: ReleaseInputs[pulumi.Input[str], pulumi.Input[float]],
        package: pulumi.AssetArchive,
        gate: pulumi.ResourceHook,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        binding = pulumi.ResourceHookBinding(before_create=[gate], before_update=[gate])
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(hooks=binding), opts)
        outputs = dict.fromkeys((*_SHOWN, *KeptOutputs.__annotations__))
        super().__init__(ReleaseProvider(), resource_name, {**inputs, "scoringPackage": package, **outputs}, opts)
        self._shown = (*(name for name in inputs if name not in KeptInputs.__annotations__), *_SHOWN)

    @property
    def record(self) -> pulumi.Output[Properties]:
        """Everything that the release says of itself, as the stack output `release` shows it."""
        return pulumi.Output.all(**{name: vars(self)[name] for name in self._shown})


def _record(props: Properties, history: str) -> Properties:
    inputs, package = cast("ReleaseInputs[str, float]", props), props["scoringPackage"]
    evaluation = _read_evaluation(inputs) if inputs["gateEnabled"] else None
    files = scoring_package.unpack(package, inputs["scoringDigest"])
    kept: KeptOutputs = {
        "evaluation": json.dumps(evaluation.to_json(), separators=(",", ":")) if evaluation else None,
        "scoringFiles": scoring_package.compress(files),
        "history": history,
    }
    return {
        **{name: value for name, value in props.items() if name != "scoringPackage"},
        **(_describe_evidence(evaluation) if evaluation else dict.fromkeys(Evidence.__annotations__)),
        **_find_origin(package, files),
        **kept,
    }


def _read_evaluation(inputs: ReleaseInputs[str, float]) -> "Evaluation":
    """Return the gate's evaluation; raises ValueError if it is of another combination, or failed."""
    path = Path(inputs["report"])
    evaluation = report.read(path)
    if evaluation.subject.get("combination") != combination_digest(inputs) or not evaluation.passed:
        raise ValueError(f"{path} is not evidence that this combination passed: run `pulumi up` again to evaluate it.")
    return evaluation


def _describe_evidence(evaluation: "Evaluation") -> Evidence:
    return {
        "accuracy": evaluation.accuracy,
        # A line per true label: a nested list would fill two screens of every preview.
        "confusionMatrix": [" ".join(f"{count:3}" for count in row) for row in evaluation.confusion_matrix],
        "datasetDigest": evaluation.digest,
        "loss": evaluation.loss,
        "rowsEvaluated": evaluation.rows,
        "time": evaluation.time,
    }


def _find_origin(archive: pulumi.AssetArchive, files: dict[str, bytes]) -> Origin:
    script = archive.assets[ENTRY_SCRIPT]
    commit = Commit.read(Path(script.path)) if isinstance(script, pulumi.FileAsset) else None
    return {
        "manifest": json.loads(files[scoring_package.MANIFEST]),
        "commit": commit.name if commit else None,
        "commitDirty": commit.dirty if commit else None,
    }
