"""The scoring files that change, and by how many lines.

The preview names each file with its SHA-256 and has no text. The released text comes from the release's own record,
or from git's history. Its SHA-256 proves that it is the text that was deployed.
"""

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits import git
from digits.engine.events import Preview
from infra import scoring_package

_COMMITS = "200"  # of a file's history, the newest


@dataclass(frozen=True)
class FileChange:
    """A file; `lines` are the numbers of added and removed lines, None if its old text is not available."""

    name: str
    kind: str  # added, changed, removed
    is_generated: bool  # by the program, such as the manifest that pins the model
    lines: tuple[int, int] | None


def changed_files(preview: Preview) -> list[FileChange]:
    """Return the files that differ from those of the deployed service; none if nothing is deployed."""
    service, release = preview.step("webservice"), preview.step("release")
    if service is None or not service.before or not service.after:
        return []
    recorded = _recorded(release.outputs if release else {})
    old, new = (inputs.get("scoringPackage", {}).get("assets", {}) for inputs in (service.before, service.after))
    changes = []
    for name in sorted({*old, *new}):
        if old.get(name, {}).get("hash") != new.get(name, {}).get("hash"):
            kind = "changed" if name in old and name in new else "removed" if name in old else "added"
            lines = _count(_released(old.get(name), recorded.get(name)), _present(new.get(name)))
            is_generated = not any("path" in assets[name] for assets in (old, new) if name in assets)
            changes.append(FileChange(name, kind, is_generated, lines))
    return changes


def _count(old: str | None, new: str | None) -> tuple[int, int] | None:
    if old is None or new is None:
        return None
    before, after = old.splitlines(), new.splitlines()
    matching = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    kept = sum(block.size for block in matching)
    return len(after) - kept, len(before) - kept


def _present(asset: Mapping[str, Any] | None) -> str | None:
    """Return the text that would be deployed; empty for a removed file."""
    if asset is None:
        return ""
    return _verified(_read(Path(asset["path"])), asset["hash"]) if "path" in asset else None


def _released(asset: Mapping[str, Any] | None, recorded: bytes | None) -> str | None:
    """Return the deployed text; empty for a new file, None if it cannot be found."""
    if asset is None:
        return ""
    if (text := _verified(recorded, asset["hash"])) is not None:
        return text
    return _from_history(asset["path"], asset["hash"]) if "path" in asset else None


def _recorded(outputs: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the scoring files that the release kept, by name."""
    try:
        return scoring_package.expand(outputs["scoringFiles"], outputs["scoringDigest"])
    except (KeyError, TypeError, ValueError):  # an older release kept none
        return {}


def _from_history(path: str, sha256: str) -> str | None:
    """Return the version of the file that has this SHA-256, the newest commit first."""
    here = Path.cwd()
    for commit in (git.ask(here, "log", "-n", _COMMITS, "--format=%H", "--", path) or b"").decode().split():
        if (text := _verified(git.ask(here, "show", f"{commit}:./{path}"), sha256)) is not None:
            return text
    return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _verified(content: bytes | None, sha256: str) -> str | None:
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        return None
    return content.decode(errors="replace")
