"""The releases of a stack, read from its state: the last one, and those before it, which each release carries along.

Pulumi's own history has no outputs, and its message is written before it is known what will be released.
"""

from collections.abc import Iterable

from digits.engine.deployments import read_outputs
from digits.release import PromotionError, Release, unfold


def read_releases(stack: str) -> list[Release]:
    """Return what the stack released, the newest first; raises EngineError."""
    last = Release.from_state(stack, read_outputs(stack).get("release"))
    return unfold(last) if last else []


def choose(releases: Iterable[Release], id_: str, stack: str) -> Release:
    """Return what another stack takes of the release whose id begins like this.

    Raises PromotionError if there is no such release, or more than one.
    """
    found = {one.id: one for one in releases if one.id.startswith(id_)}
    if len(found) != 1:
        number = "no" if not found else "more than one"
        raise PromotionError(
            f"Stack '{stack}' has {number} release '{id_}' in its history: `make releases STACK={stack}` lists them."
        )
    return next(iter(found.values())).promotable
