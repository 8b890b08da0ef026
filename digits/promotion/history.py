"""The releases of a stack, from its state: the last one, and those before it, which each release carries along.

Pulumi's own history has no outputs, and a message is written before it is known what will be released.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from digits.engine.deployments import read_outputs
from digits.promotion.record import FIELDS, PromotionError, ReleaseRecord, identify

_MOST = 50  # releases that are carried along, a kilobyte each
_CARRIED = (*FIELDS, "gateEnabled", "fingerprint", "promoted")
_COMMIT_DIGITS = 7


@dataclass(frozen=True)
class Released:
    """One release of a stack: the outputs of its release resource, or what its successors carry of them."""

    stack: str
    outputs: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The combination's identity, the same in each stack."""
        return identify(*(self.outputs[name] for name in ("modelSha256", "environment", "scoringDigest")))

    @property
    def model(self) -> str:
        """The model's name and version in this stack's workspace."""
        return f"{self.outputs['modelName']}:{self.outputs['modelVersion']:g}"

    @property
    def accuracy(self) -> str:
        """What its gate measured."""
        measured = self.outputs.get("accuracy")
        return "no gate" if measured is None else f"{measured:.4f}"

    @property
    def commit(self) -> str:
        """The checkout that it was released from, marked as git describes one with uncommitted changes."""
        commit = self.outputs.get("commit")
        return f"{commit[:_COMMIT_DIGITS]}{'-dirty' if self.outputs.get('commitDirty') else ''}" if commit else "no git"

    @property
    def time(self) -> str:
        """When it passed, in UTC."""
        passed = self.outputs.get("time")
        return f"{datetime.fromisoformat(passed).astimezone(UTC):%Y-%m-%d %H:%M}" if passed else ""

    @property
    def record(self) -> ReleaseRecord:
        """What another stack takes: of a promoted release the one that was promoted. Raises PromotionError."""
        promoted = self.outputs.get("promoted")
        return ReleaseRecord.from_json(promoted) if promoted else ReleaseRecord.from_output(self.stack, self.outputs)


def carry(outputs: Mapping[str, Any]) -> str:
    """Return the history for the release after the one with these outputs, each combination once, the newest first."""
    releases = unfold(Released("", outputs))[:_MOST]
    return json.dumps([{name: one.outputs.get(name) for name in _CARRIED} for one in releases], separators=(",", ":"))


def unfold(last: Released) -> list[Released]:
    """Return the release and those before it, each combination once, the newest first."""
    found = {last.id: last}
    for outputs in json.loads(last.outputs.get("history") or "[]"):
        before = Released(last.stack, outputs)
        found.setdefault(before.id, before)
    return list(found.values())


def read_releases(stack: str) -> list[Released]:
    """Return what the stack released, the newest first; raises EngineError."""
    release = read_outputs(stack).get("release")
    return unfold(Released(stack, release)) if release else []


def choose(releases: Iterable[Released], id_: str, stack: str) -> ReleaseRecord:
    """Return the record whose id begins so; raises PromotionError if there is none, or more than one."""
    found = {one.id: one for one in releases if one.id.startswith(id_)}
    if len(found) != 1:
        number = "no" if not found else "more than one"
        raise PromotionError(
            f"Stack '{stack}' has {number} release '{id_}' in its history: `make releases STACK={stack}` lists them."
        )
    return next(iter(found.values())).record
