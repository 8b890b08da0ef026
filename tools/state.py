"""Mends the state of a file backend after a CLI that was killed or met a full disk: `python -m tools.state STACK`.

The CLI writes a checkpoint in place, so such an end can leave it empty, and its lock behind. The checkpoint before it
lies beside it; taking it up again is safe, because every create adopts what is there.
"""

import json
import os
import shutil
import socket
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil

_PROJECT = "digits"


def mend(backend: str, stack: str) -> list[str]:
    """Drop locks of processes that are gone and restore a checkpoint that is not whole; return what was done.

    A backend other than a folder of this machine is left alone.
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
    checkpoint = root / f"stacks/{_PROJECT}/{stack}.json"
    previous = checkpoint.with_suffix(".json.bak")
    if checkpoint.exists() and not _is_whole(checkpoint) and _is_whole(previous):
        whole = checkpoint.with_suffix(".json.mended")
        shutil.copyfile(previous, whole)
        whole.replace(checkpoint)
        done.append(
            "Restored the state before the last step: pulumi was killed, or the disk full, while it was written."
        )
    return done


def _is_whole(checkpoint: Path) -> bool:
    try:
        return isinstance(json.loads(checkpoint.read_bytes()), dict)
    except (OSError, ValueError):
        return False


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


if __name__ == "__main__":
    for line in mend(os.environ.get("PULUMI_BACKEND_URL", ""), sys.argv[1]):
        print(line, file=sys.stderr)
