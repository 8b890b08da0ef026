"""The record of a release: its keys in the state of live stacks, and in the stack output `release`.

Renaming a key breaks `up`, `promote` and the rollback of every live stack.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Generic, TypedDict, TypeVar

# A text and a number; in the program, before other resources are deployed, the engine's promise of one.
Text = TypeVar("Text")
Number = TypeVar("Number")


class OptionalQuestion(TypedDict, total=False):
    """What a stack may ask of the live service: thresholds, and which column of its own data holds the labels."""

    minimumAccuracy: float
    minimumClassRecall: float
    maximumP95LatencyMs: float
    maximumDrop: float
    labelColumn: str


class Question(OptionalQuestion):
    """What the gate asks of the live service."""

    dataset: str
    datasetFileSha256: str | None
    rows: int
    gateEnabled: bool


class KeptInputs(TypedDict):
    """Inputs that only a rollback and a later promotion read: the service's own inputs, and the promoted release."""

    deployment: Mapping[str, Any]
    promoted: str | None


class Source(TypedDict):
    """What a promoted release says of the release that it took."""

    model: str
    release: str
    stack: str
    commit: str | None
    commitDirty: bool | None
    dataset: str
    datasetDigest: str
    rowsEvaluated: float
    accuracy: float
    loss: str | None
    time: str


class ReleaseInputs(Question, KeptInputs, Generic[Text, Number]):
    """What asks for release: the combination, the live service, and what the gate asks of it."""

    workspaceId: Text
    modelName: Text
    modelVersion: Number  # a fraction, because the engine has no other numbers
    modelSha256: Text
    modelTags: Mapping[str, str]
    trainingDigest: str | None  # SHA-256 of the rows that the model was trained on, if training recorded it
    environment: Text  # name:version
    scoringDigest: str
    fingerprint: Text
    service: str
    serviceRevision: Text
    scoringUri: Text
    report: str  # the file with the gate's evaluation
    source: Source | None


class Evidence(TypedDict):
    """What the gate measured. A release without a gate has none of it."""

    accuracy: float
    confusionMatrix: list[str]
    datasetDigest: str
    loss: str | None  # against the release before it, in one sentence
    rowsEvaluated: float
    time: str


class Origin(TypedDict):
    """Where the scoring package comes from; outside git there is no commit."""

    manifest: Mapping[str, Any]
    commit: str | None
    commitDirty: bool | None


class KeptOutputs(TypedDict):
    """Outputs that only the next gate, a rollback and `releases` read."""

    evaluation: str | None
    scoringFiles: str
    history: str


class ReleaseRecord(ReleaseInputs[str, float], Evidence, Origin, KeptOutputs):
    """The outputs of the release in a stack's state.

    A record that was promoted, or that a later release carries, has only the keys that travel.
    """


IDENTITY = (
    *("modelName", "modelVersion", "modelSha256", "environment", "scoringDigest", "service", "serviceRevision"),
    *Question.__annotations__,
)


def model_id(inputs: ReleaseInputs[str, float]) -> str:
    """Return the registered model's id, which is its name and version."""
    return f"{inputs['modelName']}:{inputs['modelVersion']:g}"


def describe_subject(inputs: ReleaseInputs[str, float]) -> dict[str, str]:
    """Return the subject of an evaluation of this combination."""
    return {
        "combination": combination_digest(inputs),
        "model": model_id(inputs),
        "modelSha256": inputs["modelSha256"],
        "environment": inputs["environment"],
        "scoringDigest": inputs["scoringDigest"],
        "service": inputs["service"],
        "fingerprint": inputs["fingerprint"],
    }


def combination_digest(inputs: ReleaseInputs[str, float]) -> str:
    """Return a digest that is another one for another combination, another live service or another question."""
    # The same number is a float from the engine and may be an int in the program.
    parts = {
        name: float(value) if isinstance(value, int) else value
        for name, value in ((name, inputs.get(name)) for name in IDENTITY)
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
