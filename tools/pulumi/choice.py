"""Gets the Pulumi CLI, and prints the folder that holds it.

In this order: the `pulumi` on PATH, if it is new enough and has its Python language host; the one kept in the user's
cache from before; the official release; one that is built once from Go modules in about 4 minutes.
"""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import platformdirs

from tools.pulumi import sources
from tools.pulumi.cli import VERSION, ReleaseUnreachableError, Report, find_on_path, is_complete

_BUILT_FROM = "sources.sha256"  # in a folder that was built


class Fetch(Protocol):
    """Puts the official release into a folder; until then its archive is in `downloads`."""

    def __call__(self, directory: Path, downloads: Path) -> None:
        """Raise ReleaseUnreachableError when the site has none to give."""


class Build(Protocol):
    """Builds the CLI into a folder; `because` says why there is no release."""

    def __call__(self, directory: Path, *, because: str) -> None:
        """Raise BuildFailedError when that cannot be done."""


def locate() -> Path:
    """Return the folder of the CLI that this user gets, fetched or built first if need be; says so on stderr."""
    path, cache = os.environ.get("PATH", os.defpath), platformdirs.user_cache_path("digits") / "pulumi"
    report = partial(print, file=sys.stderr)
    found = find(path, cache, report)
    if found is not None:
        return found
    from tools.pulumi import build, release  # httpx and rich: only the first run pays for them

    return install(cache, report, release.fetch, partial(build.build, path=path))


def find(path: str, cache: Path, report: Report) -> Path | None:
    """Return the folder of a CLI that is there already."""
    on_path = find_on_path(path, report)
    if on_path is not None:
        return on_path
    kept = _name_kept(cache)
    return kept if _is_usable(kept) else None


def install(cache: Path, report: Report, fetch: Fetch, build: Build) -> Path:
    """Fetch or build the CLI into the cache, one process at a time, and return its folder."""
    kept = _name_kept(cache)
    with _locked(cache, report):
        if _is_usable(kept):  # another process has just put it there
            return kept
        for leftover in cache.glob("partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix="partial-", dir=cache))
        try:
            try:
                fetch(partial, cache / "downloads")
            except ReleaseUnreachableError as error:
                report(f"No official release of the Pulumi CLI: {error}.")
                build(partial, because=str(error))
                (partial / _BUILT_FROM).write_text(sources.digest())
            if kept.exists():  # broken, or built from other sources
                kept.rename(f"{partial}-old")
            partial.rename(kept)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(f"{partial}-old", ignore_errors=True)
    return kept


def _name_kept(cache: Path) -> Path:
    return cache / f"v{VERSION}"


def _is_usable(kept: Path) -> bool:
    """Say whether the folder is whole and, if it was built, was built from these sources."""
    built_from = kept / _BUILT_FROM
    return is_complete(kept) and (not built_from.exists() or built_from.read_text() == sources.digest())


@contextmanager
def _locked(cache: Path, report: Report) -> Iterator[None]:
    """Hold the cache's lock, which ends with this process."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Another process is getting the Pulumi CLI: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
