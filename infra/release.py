"""The release: the record that this exact combination of model, environment and scoring package passed.

The gate is a before-hook: a failed one leaves the old record, so the next `up` evaluates again.
The record itself is made from the evidence that the gate wrote, and refused where there is none.
It keeps what is needed to deploy this combination again, whatever becomes of the checkout: see rollback.py.
"""

import hashlib
import json
from pathlib import Path

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, Resource, UpdateResult

from digits.evaluation import report
from digits.evaluation.verdict import Thresholds
from digits.promotion.history import carry
from infra import scoring_package
from infra.commit import Commit
from infra.provider import Properties, Provider
from infra.scoring_directory import ENTRY_SCRIPT

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
    "labelColumn",
    "rows",
    *Thresholds().to_json(),
    "gateEnabled",
)
_SHOWN = ("accuracy", "confusionMatrix", "datasetDigest", "loss", "rowsEvaluated", "time")
_EVIDENCE = (*_SHOWN, "evaluation")  # the whole of it, with which the next candidate is compared
_ORIGIN = ("manifest", "commit", "commitDirty")
_OUTPUTS = (*_EVIDENCE, *_ORIGIN, "scoringFiles", "history")
_NOT_RECORDED = {
    "scoringPackage",
    "deployment",
    "promoted",
}  # inputs that are no part of what the release says of itself


class ReleaseProvider(Provider):
    """Keeps the record; evaluating is the gate's work."""

    updated_by = _IDENTITY
    replaced_by = ()

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Give the scoring package its identity."""
        return CheckResult({**news, "scoringPackage": scoring_package.identify(news["scoringPackage"])}, [])

    def create(self, props: Properties) -> CreateResult:
        """Take the gate's evidence for exactly this candidate into the record, and what deploying it again needs."""
        evidence = _evidence(props) if props["gateEnabled"] else dict.fromkeys(_EVIDENCE)
        inputs = {name: value for name, value in props.items() if name != "scoringPackage"}
        return CreateResult(props["service"], {**inputs, **evidence, **_origin(props), "history": "[]"})

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        """Replace the record by the new one, which carries those before it along."""
        return UpdateResult({**(self.create(news).outs or {}), "history": carry(olds)})


class Release(Resource, module="azureml", name="Release"):
    """What passed, with its evidence; promotion reads it."""

    def __init__(
        self,
        resource_name: str,
        inputs: Properties,
        gate: pulumi.ResourceHook,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        binding = pulumi.ResourceHookBinding(before_create=[gate], before_update=[gate])
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(hooks=binding), opts)
        super().__init__(ReleaseProvider(), resource_name, {**inputs, **dict.fromkeys(_OUTPUTS)}, opts)
        self._recorded = (*(name for name in inputs if name not in _NOT_RECORDED), *_SHOWN, *_ORIGIN)

    @property
    def record(self) -> pulumi.Output[Properties]:
        """Everything that the release says of itself."""
        return pulumi.Output.all(**{name: vars(self)[name] for name in self._recorded})


def candidate(props: Properties) -> str:
    """Return the identity of what asks for release."""
    # Numbers come as float from the engine and as int from Python.
    parts = {name: float(value) if isinstance(value := props.get(name), int) else value for name in _IDENTITY}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def model_id(props: Properties) -> str:
    """Return the registered model's id, which is its name and version."""
    return f"{props['modelName']}:{props['modelVersion']:g}"


def _evidence(props: Properties) -> Properties:
    path = Path(props["report"])
    evaluation = report.read(path)
    if evaluation.subject.get("candidate") != candidate(props) or not evaluation.passed:
        raise ValueError(f"{path} is not evidence that this combination passed: run `pulumi up` again to evaluate it.")
    return {
        "accuracy": evaluation.accuracy,
        # A line per true label: a nested list would fill two screens of every preview.
        "confusionMatrix": [" ".join(f"{count:3}" for count in row) for row in evaluation.confusion_matrix],
        "datasetDigest": evaluation.digest,
        "loss": evaluation.loss,
        "rowsEvaluated": evaluation.rows,
        "time": evaluation.time,
        "evaluation": json.dumps(evaluation.to_json(), separators=(",", ":")),
    }


def _origin(props: Properties) -> Properties:
    """Return the scoring package itself, and where it comes from."""
    archive = props["scoringPackage"]
    files = scoring_package.unpack(archive, props["scoringDigest"])
    script = archive.assets[ENTRY_SCRIPT]
    commit = Commit.read(Path(script.path)) if isinstance(script, pulumi.FileAsset) else None
    return {
        "scoringFiles": scoring_package.compress(files),
        "manifest": json.loads(files[scoring_package.MANIFEST]),
        "commit": commit and commit.name,
        "commitDirty": commit and commit.dirty,
    }
