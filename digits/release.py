"""A release: the record that a combination of model, environment and scoring package passed the gate.

Here it is read and written, in a stack's state, the stack output `release` and the setting `digits:release`, and has
its identity. release_record.py names its fields.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from digits.fields import FieldError, Fields, Reader, filled, mapping, number, optional, texts, truth
from digits.release_record import ReleaseRecord, Source, model_id

_ID_DIGITS = 12
_COMMIT_DIGITS = 7
_MOST_CARRIED = 50  # of a kilobyte each


class PromotionError(Exception):
    """A release that cannot be promoted; one sentence with the fix."""


class OtherCheckoutError(PromotionError):
    """The files of this checkout are not those that were released."""


# What another stack needs of a release, each with its type.
_TRAVELLING: Mapping[str, Reader[Any]] = {
    "workspaceId": filled,
    "modelName": filled,
    "modelVersion": number(1),
    "modelSha256": filled,
    "modelTags": texts,
    "trainingDigest": optional(filled),
    "manifest": mapping,
    "environment": filled,
    "scoringDigest": filled,
    "commit": optional(filled),
    "commitDirty": optional(truth),
    "dataset": filled,
    "datasetDigest": filled,
    "rowsEvaluated": number(1),
    "accuracy": number(0, 1),
    "time": filled,
    "loss": optional(filled),
}
_NULLABLE = ("trainingDigest", "commit", "commitDirty", "loss")
_CARRIED = (*_TRAVELLING, "gateEnabled", "fingerprint", "promoted")


@dataclass(frozen=True)
class Release:
    """A release, and the stack that released it."""

    stack: str
    record: ReleaseRecord

    @classmethod
    def from_state(cls, stack: str, outputs: Mapping[str, Any] | None) -> "Release | None":
        """Return the release with these outputs in the stack's state; None if there are none."""
        return cls(stack, cast("ReleaseRecord", outputs)) if outputs else None

    @classmethod
    def from_output(cls, stack: str, output: object) -> "Release":
        """Read the stack output `release`; raises PromotionError if it is no evidence."""
        if not isinstance(output, Mapping):
            raise PromotionError(f"Stack '{stack}' has released nothing yet: deploy it first, `make up STACK={stack}`.")
        if output.get("gateEnabled") is False:
            raise PromotionError(
                f"Stack '{stack}' released with gateEnabled: false, so nothing says that the release is any good: "
                f"switch the gate on in Pulumi.{stack}.yaml and run `make up STACK={stack}`."
            )
        try:
            return cls(stack, _read(output))
        except FieldError as error:
            raise PromotionError(
                f"The output `release` of stack '{stack}' is no record of a release ({error}): name a stack that "
                f"this program deploys, or deploy it again, `make up STACK={stack}`."
            ) from None

    @classmethod
    def from_json(cls, text: str) -> "Release":
        """Read what to_json wrote; raises PromotionError."""
        try:
            document = json.loads(text)
            return cls(Fields(document).take("stack", filled), _read(document))
        except ValueError:
            raise PromotionError(
                "digits:release is no record of a release: `make promote RELEASE=…` writes one that "
                "`make releases` lists."
            ) from None

    def to_json(self) -> str:
        """Return on one line what another stack needs of the release."""
        document = {"stack": self.stack, **_choose(self.record, _TRAVELLING)}
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    @property
    def promotable(self) -> "Release":
        """The release as another stack takes it, from where it was released first; raises PromotionError."""
        promoted = self.record.get("promoted")
        return Release.from_json(promoted) if promoted else Release.from_output(self.stack, self.record)

    @property
    def id(self) -> str:
        """The first digits of a digest over model, environment and scoring files: the same in each stack."""
        parts = (self.record["modelSha256"], self.environment_version, self.record["scoringDigest"])
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_ID_DIGITS]

    @property
    def model(self) -> str:
        """The model's name and version in the workspace that it was released in."""
        return model_id(self.record)

    @property
    def environment_version(self) -> str:
        """The digest of the environment's content; a registry may have added a number to it."""
        return self.record["environment"].rsplit(":", 1)[-1].partition("-")[0]

    @property
    def source(self) -> Source:
        """What a promoted release says of this one."""
        record = self.record
        return {
            "model": self.model,
            "release": self.id,
            "stack": self.stack,
            "commit": record["commit"],
            "commitDirty": record["commitDirty"],
            "dataset": record["dataset"],
            "datasetDigest": record["datasetDigest"],
            "rowsEvaluated": record["rowsEvaluated"],
            "accuracy": record["accuracy"],
            "loss": record["loss"],
            "time": record["time"],
        }

    @property
    def evidence(self) -> list[tuple[str, str]]:
        """What a person needs to see before the release is promoted: names and texts."""
        record = self.record
        measured = f"accuracy {record['accuracy']:.4f} on {record['rowsEvaluated']:,.0f} images of {record['dataset']}"
        shown = [
            ("model", f"{self.model}, SHA-256 {record['modelSha256']}"),
            ("environment", record["environment"]),
            ("scoring files", f"SHA-256 {record['scoringDigest']}"),
            ("checkout", self._checkout),
            ("evidence", f"{measured}, {record['time']}"),
        ]
        return [*shown, ("worse", record["loss"])] if record["loss"] else shown

    def require_checkout(self, scoring_digest: str, environment_version: str) -> None:
        """Refuse a checkout with other scoring files or another environment; raises OtherCheckoutError."""
        compared = {
            "the scoring files": (scoring_digest, self.record["scoringDigest"]),
            "scoring/conda.yml": (environment_version, self.environment_version),
        }
        differing = [name for name, (ours, released) in compared.items() if ours != released]
        if differing:
            raise OtherCheckoutError(
                f"This checkout is not what stack '{self.stack}' released as {self.id} "
                f"({' and '.join(differing)} differ): {self._checkout}."
            )

    @property
    def _checkout(self) -> str:
        if not (commit := self.record["commit"]):
            return "it was released from files outside git"
        return f"git checkout {commit}" + (
            ", with changes that were not committed" if self.record["commitDirty"] else ""
        )

    # --- as a list of releases shows it

    @property
    def accuracy(self) -> str:
        """The accuracy that the gate measured."""
        measured = self.record.get("accuracy")
        return "no gate" if measured is None else f"{measured:.4f}"

    @property
    def commit(self) -> str:
        """The commit that it was released from, marked like git's own descriptions if files were changed since."""
        commit = self.record.get("commit")
        return f"{commit[:_COMMIT_DIGITS]}{'-dirty' if self.record.get('commitDirty') else ''}" if commit else "no git"

    @property
    def time(self) -> str:
        """When it passed, in UTC."""
        passed = self.record.get("time")
        return f"{datetime.fromisoformat(passed).astimezone(UTC):%Y-%m-%d %H:%M}" if passed else ""


def unfold(last: Release) -> list[Release]:
    """Return the release and those before it, each combination once, the newest first."""
    found = {last.id: last}
    for record in json.loads(last.record.get("history") or "[]"):
        before = Release(last.stack, record)
        found.setdefault(before.id, before)
    return list(found.values())


def carry(record: ReleaseRecord) -> str:
    """Return the history for the release after this one: the newest first, without what only a rollback needs."""
    releases = unfold(Release("", record))[:_MOST_CARRIED]
    return json.dumps([_choose(one.record, _CARRIED) for one in releases], separators=(",", ":"))


def _read(document: object) -> ReleaseRecord:
    """Return the keys that travel; raises FieldError."""
    fields = Fields(document)
    read = {
        name: fields.take(name, reader, *([None] if name in _NULLABLE else [])) for name, reader in _TRAVELLING.items()
    }
    return cast("ReleaseRecord", read)


def _choose(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: record.get(name) for name in names}
