"""The record of a release as it travels from stack to stack: which bytes passed where, and by what evidence."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

_DIGITS = 12
_OPTIONAL = ("commit", "commitDirty", "loss")


class PromotionError(Exception):
    """What cannot be promoted; one sentence with the fix."""


@dataclass(frozen=True)
class ReleaseRecord:
    """What a stack released, named as in its `release` output; `stack` is that stack's name."""

    stack: str
    workspaceId: str  # noqa: N815 - the output's own names
    modelName: str  # noqa: N815
    modelVersion: float  # noqa: N815 - numbers come from the engine as fractions
    modelSha256: str  # noqa: N815
    modelTags: Mapping[str, str]  # noqa: N815
    manifest: Mapping[str, Any]
    environment: str
    scoringDigest: str  # noqa: N815
    commit: str | None
    commitDirty: bool | None  # noqa: N815
    dataset: str
    datasetDigest: str  # noqa: N815
    rowsEvaluated: float  # noqa: N815
    accuracy: float
    time: str
    loss: str | None = None  # against the release before it in its own stack, in one sentence

    @classmethod
    def from_output(cls, stack: str, release: object) -> "ReleaseRecord":
        """Read the `release` output of a stack; raises PromotionError where it is no evidence."""
        if not isinstance(release, Mapping):
            raise PromotionError(f"Stack '{stack}' has released nothing yet: deploy it first, `make up STACK={stack}`.")
        if not release.get("gateEnabled", True):
            raise PromotionError(
                f"Stack '{stack}' released with gateEnabled: false, so nothing says that it is any good: "
                f"switch the gate on in Pulumi.{stack}.yaml and run `make up STACK={stack}`."
            )
        missing = [name for name in FIELDS if release.get(name) is None and name not in _OPTIONAL]
        if missing:
            raise PromotionError(
                f"The release of stack '{stack}' does not say its {', '.join(missing)}, which an older version of "
                f"this program left out: change or re-tag the service and run `make up STACK={stack}`."
            )
        values: dict[str, Any] = {name: release.get(name) for name in FIELDS}
        return cls(stack=stack, **values)

    @classmethod
    def from_json(cls, text: str) -> "ReleaseRecord":
        """Read what to_json wrote; raises PromotionError."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            raise PromotionError(
                "digits:release is no record of a release: `make promote RELEASE=…` writes one that "
                "`make releases` lists."
            ) from None

    def to_json(self) -> str:
        """Return the record on one line."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def id(self) -> str:
        """The first digits of the combination's own digest: the same bytes are the same release wherever they run."""
        return identify(self.modelSha256, self.environment, self.scoringDigest)

    @property
    def model(self) -> str:
        """The model's name and version in the workspace that it was released in."""
        return f"{self.modelName}:{self.modelVersion:g}"

    @property
    def environment_version(self) -> str:
        """The environment's content, by its digest, without the number of one registered next to a foreign one."""
        return _content(self.environment)

    @property
    def origin(self) -> str:
        """How to get the files that it was released from."""
        if not self.commit:
            return "it was released from files outside git"
        return f"git checkout {self.commit}" + (", with changes that were not committed" if self.commitDirty else "")

    @property
    def evidence(self) -> dict[str, Any]:
        """What the promoted release says of where it comes from."""
        shown = (
            "stack",
            "commit",
            "commitDirty",
            "dataset",
            "datasetDigest",
            "rowsEvaluated",
            "accuracy",
            "loss",
            "time",
        )
        return {"model": self.model, "release": self.id, **{name: getattr(self, name) for name in shown}}


FIELDS = tuple(field.name for field in fields(ReleaseRecord) if field.name != "stack")


def identify(model_sha256: str, environment: str, scoring_digest: str) -> str:
    """Return the id of the release of this combination: the first digits of its own digest."""
    parts = (model_sha256, _content(environment), scoring_digest)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def _content(environment: str) -> str:
    return environment.rsplit(":", 1)[-1].partition("-")[0]
