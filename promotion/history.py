"""The releases of a promoted stack, from Pulumi's own history: each promotion's message carries its record."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from promotion.record import PromotionError, ReleaseRecord


@dataclass(frozen=True)
class Promoted:
    """One promotion that succeeded: when it ended, and what it took."""

    time: str
    record: ReleaseRecord


def write_message(record: ReleaseRecord) -> str:
    """Return the update's message: a line for people, then the record for read_history."""
    return f"Promote {record.model} from {record.stack} ({record.id})\n\n{record.to_json()}"


def read_history(updates: Iterable[Mapping[str, Any]]) -> list[Promoted]:
    """Return the promotions among what `pulumi stack history --json` prints, newest first, each release once."""
    found: dict[str, Promoted] = {}
    for update in updates:  # the CLI has the newest first
        if update.get("result") != "succeeded" or update.get("kind") != "update":
            continue
        # The message of any other update is its commit's, whatever that says.
        with suppress(PromotionError):
            record = ReleaseRecord.from_json(update.get("message", "").partition("\n\n")[2])
            found.setdefault(record.id, Promoted(update.get("endTime", ""), record))
    return list(found.values())


def choose(history: Iterable[Promoted], id_: str, stack: str) -> ReleaseRecord:
    """Return the record whose id begins so; raises PromotionError where there is none, or more than one."""
    records = [promoted.record for promoted in history if promoted.record.id.startswith(id_)]
    if len(records) != 1:
        number = "no" if not records else "more than one"
        raise PromotionError(
            f"Stack '{stack}' has {number} release {id_!r} in its history: `make releases STACK={stack}` lists them."
        )
    return records[0]
