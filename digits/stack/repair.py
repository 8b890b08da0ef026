"""Repairs the state in a folder of this machine after a CLI that was killed or met a full disk.

The CLI replaces each file by a new one, but does so too when the disk takes only a part of the new one. A checkpoint, a
lock, an entry of the history or `meta.yaml` is then cut or empty, and the CLI refuses every command. The `.attrs` file
next to each, which the CLI writes unless the backend's URL says `?metadata=skip`, has the same fate.
Nothing is lost: a cut checkpoint stays next to the whole one that takes its place.
"""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import yaml

from digits import atomic_files

_PROJECT = "digits"
_WRITE_SECONDS = 0.2  # a CLI that runs has written its lock by then
_GZIP = b"\x1f\x8b"
_FORMS = ("json", "json.gz")
_WHY = "by a full disk or because pulumi was killed"


class RepairError(Exception):
    """The state cannot be repaired; one sentence."""


def repair(backend: str, stack: str) -> list[str]:
    """Make the state readable and drop the locks of processes that are gone; return what was done.

    Raises RepairError if the disk is still full.
    Any backend except a folder of this machine stays as it is, and so does a state that a running CLI may be writing.
    """
    address = urlsplit(backend)
    if address.scheme != "file":
        return []
    root = Path(f"{address.netloc}{address.path}", ".pulumi").expanduser()  # file://~ and file://./.state too
    locks = root / f"locks/organization/{_PROJECT}/{stack}"
    try:
        done = list(_drop_locks(locks))
        if _list(locks):
            return done
        return [*done, *_drop_attributes(root, stack), *_set_aside(root, stack), *_restore(root, stack)]
    except OSError as error:
        raise RepairError(
            f"The state of stack '{stack}' in {root} cannot be repaired ({error.strerror}): make room or fix the "
            f"folder's rights, and run it again."
        ) from error


def _drop_locks(folder: Path) -> Iterator[str]:
    """Drop locks that nobody holds, temporary files of theirs included: the CLI takes each file there for a lock."""
    for lock in _list(folder):
        if _was_never_taken(lock):
            why = "that was never written whole, so no pulumi holds it"
        elif _is_stale(lock):
            why = "of a pulumi that was killed"
        else:
            continue
        for file in (lock, lock.with_name(f"{lock.name}.attrs")):
            file.unlink(missing_ok=True)
        yield f"Dropped the lock {why}: {lock.name}."


def _drop_attributes(root: Path, stack: str) -> Iterator[str]:
    """Drop attributes that are cut: they say what kind of file the other is, which is the same without."""
    files = [root / "meta.yaml.attrs", *root.glob(f"stacks/{_PROJECT}/{stack}.json*.attrs")]
    for attributes in [*files, *root.glob(f"history/{_PROJECT}/{stack}/*.attrs")]:
        if attributes.exists() and not _is_whole(attributes):
            attributes.unlink()
            yield f"Dropped {attributes.name}, which was cut {_WHY}."


def _set_aside(root: Path, stack: str) -> Iterator[str]:
    """Rename cut files that the CLI makes anew or does without: the version of the folder, entries of the history."""
    meta = root / "meta.yaml"
    history = [file for form in _FORMS for file in root.glob(f"history/{_PROJECT}/{stack}/*.{form}")]
    cut = [meta] if meta.exists() and not _is_version(meta) else []
    for file in [*cut, *(each for each in history if not _is_whole(each))]:
        yield f"{file.name} was cut {_WHY}: pulumi does without it, and it is kept as {_keep(file).name}."


def _restore(root: Path, stack: str) -> Iterator[str]:
    """Put the newest whole checkpoint in the place of one that is cut, or that was moved away to be replaced."""
    folder, again = root / f"stacks/{_PROJECT}", f"`make up STACK={stack}`"
    history = [file for form in _FORMS for file in root.glob(f"history/{_PROJECT}/{stack}/*.checkpoint.{form}")]
    for checkpoint in [folder / f"{stack}.{form}" for form in _FORMS]:
        backup = checkpoint.with_name(f"{checkpoint.name}.bak")
        is_cut = checkpoint.exists() and not _is_whole(checkpoint)
        # Removing a stack leaves the backup too, but no history.
        is_gone = backup.exists() and history and not any((folder / f"{stack}.{form}").exists() for form in _FORMS)
        if not is_cut and not is_gone:
            continue
        newest_first = sorted(history, key=lambda file: file.name, reverse=True)
        whole = next((file for file in (backup, *newest_first) if _is_whole(file)), None)
        content = _read(whole) if whole else None  # before anything is moved: the disk may be full still
        kept = f" The cut file is kept as {_keep_copy(checkpoint).name}." if is_cut else ""
        if whole is None or content is None:
            checkpoint.unlink(missing_ok=True)
            yield (
                f"The state of stack '{stack}' was cut {_WHY}, and no whole copy of it is left: "
                f"{again} adopts what is deployed; run it before `make down`.{kept}"
            )
            continue
        atomic_files.replace(checkpoint, gzip.compress(content) if checkpoint.suffix == ".gz" else content)
        yield (
            f"The state of stack '{stack}' was cut {_WHY}: {whole.name}, of {_date(whole)}, took its place, and "
            f"{again} adopts what was deployed since.{kept}"
        )


def _list(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix != ".attrs")


def _read(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(_GZIP) else content


def _is_whole(path: Path) -> bool:
    """Say whether the file holds a whole JSON object; a part of one never is one."""
    try:
        return isinstance(json.loads(_read(path)), dict)
    except (FileNotFoundError, gzip.BadGzipFile, EOFError, zlib.error, ValueError, RecursionError):
        return False


def _is_version(path: Path) -> bool:
    try:
        return isinstance(yaml.safe_load(path.read_bytes())["version"], int)
    except (yaml.YAMLError, TypeError, KeyError):
        return False


def _name_kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.cut-{path.stat().st_mtime_ns}")  # a name that pulumi does not read


def _keep(path: Path) -> Path:
    return path.rename(_name_kept(path))


def _keep_copy(path: Path) -> Path:
    """Give the file a second name, which needs no room on the disk; what replaces it takes the first one."""
    kept = _name_kept(path)
    kept.unlink(missing_ok=True)
    kept.hardlink_to(path)
    return kept


def _date(path: Path) -> str:
    return f"{datetime.fromtimestamp(path.stat().st_mtime).astimezone():%Y-%m-%d %H:%M:%S}"


def _was_never_taken(lock: Path) -> bool:
    """Say whether the file is cut: a CLI goes on only once its lock is written."""
    if _is_whole(lock) or not lock.exists():
        return False
    time.sleep(_WRITE_SECONDS)
    return lock.exists() and not _is_whole(lock)


def _is_stale(lock: Path) -> bool:
    """Say whether the lock's process ran on this machine and is gone; a doubtful lock stays."""
    try:
        holder = json.loads(lock.read_bytes())
        taken = datetime.fromisoformat(holder["timestamp"]).timestamp()
        if holder["hostname"] != socket.gethostname():
            return False
        return psutil.Process(holder["pid"]).create_time() > taken
    except psutil.NoSuchProcess:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
