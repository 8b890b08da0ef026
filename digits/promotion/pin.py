"""The release that a run deploys: it stays the same from the preview to the deployment."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from digits.engine import deployments
from digits.promotion.history import choose, read_releases
from digits.release import PromotionError, Release
from digits.stack import StackFile, StackFileError, read

KEY = "digits:release"


def locate(stack: str) -> Path:
    """Return the stack's file."""
    return Path(f"Pulumi.{stack}.yaml")


def read_source(stack: str) -> str:
    """Return the stack whose releases this one takes, empty if none; raises PromotionError."""
    return str(_read(stack).get("promoteFrom") or "")


def require_stack(stack: str) -> None:
    """Raise PromotionError if there is no such stack, or its file cannot be used."""
    _read(stack)


def find(stack: str, id_: str | None) -> Release:
    """Return the release that the stack is to take: the named one, else its source's last; raises PromotionError."""
    source = read_source(stack)
    if not source:
        raise PromotionError(
            f"{locate(stack)} lets stack '{stack}' take no other stack's releases: "
            "write `digits:promoteFrom: <stack>` there."
        )
    released = read_releases(source)
    if id_:
        # A release that the source no longer carries along may have been promoted here before.
        return choose([*released, *(one for one in read_releases(stack) if one.record.get("promoted"))], id_, stack)
    return released[0].promotable if released else Release.from_output(source, None)


@contextmanager
def hold(stack: str, record: Release) -> Iterator[Sequence[str]]:
    """Yield the options with which the CLI deploys exactly this release: a copy of the stack's file names it."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, locate(stack).name)
        copy.write_bytes(locate(stack).read_bytes())
        deployments.set_value(stack, KEY, record.to_json(), copy)
        yield ("--config-file", str(copy))


def keep(stack: str, record: Release | None) -> None:
    """Hold the stack at a release, so that later deployments do not replace it; None releases the hold."""
    if record:
        deployments.set_value(stack, KEY, record.to_json())
    elif is_kept(stack):
        deployments.remove_value(stack, KEY)


def read_kept(stack: str) -> Release | None:
    """Return the release that the stack's file itself names; raises PromotionError if it is none."""
    release = _read(stack).get("release")
    return Release.from_json(release) if release else None


def is_kept(stack: str) -> bool:
    """Say whether the stack's file itself names a release."""
    return bool(_read(stack).get("release"))


def _read(stack: str) -> StackFile:
    try:
        return read(Path(), stack)
    except StackFileError as error:
        raise PromotionError(str(error)) from None
