"""Repairs the state in a folder of this machine after a CLI that was killed or met a full disk.

Checkpoints are replaced whole. The lock stays behind, and the `.attrs` file next to a checkpoint, which the CLI writes
in place unless the backend's URL says `?metadata=skip`, may be empty: the CLI then calls the checkpoint unreadable.
"""

import json
import socket
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil

_PROJECT = "digits"


def repair(backend: str, stack: str) -> list[str]:
    """Drop locks of processes that are gone and attributes that were never written; return what was done.

    Any backend except a folder of this machine stays as it is.
    """
    address = urlsplit(backend)
    if address.scheme != "file":
        return []
    root = Path(address.path, ".pulumi")
    done = []
    for lock in root.glob(f"locks/organization/{_PROJECT}/{stack}/*.json"):
        if _is_stale(lock):
            lock.unlink(missing_ok=True)
            done.append(f"Dropped the lock of a pulumi that was killed: {lock.name}.")
    for attributes in root.glob(f"stacks/{_PROJECT}/{stack}.json*.attrs"):
        if not attributes.stat().st_size:  # it says what kind of file the checkpoint is, which is the same without
            attributes.unlink()
            done.append(f"Dropped {attributes.name}, empty since pulumi was killed, or the disk full.")
    return done


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
