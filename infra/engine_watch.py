"""The owner watch of a dynamic provider: its process ends once the engine that started it is gone.

The CLI starts it through a shell, which lives on after a `kill -9` of the engine and waits for it forever.
"""

import os
import sys
import threading
import time
from pathlib import Path

import psutil

_SECONDS = 0.5
_LAUNCHER = "pulumi-resource-pulumi-python"


def watch() -> None:
    """Begin the watch, if this is the process of a dynamic provider."""
    if Path(sys.argv[0]).parts[-3:] != ("pulumi", "dynamic", "__main__.py"):
        return
    parent = psutil.Process().parent()
    if parent is None:
        return
    is_launcher = any(Path(word).name == _LAUNCHER for word in parent.cmdline())
    threading.Thread(target=_wait, args=(parent, parent.ppid() if is_launcher else None), daemon=True).start()


def _wait(parent: psutil.Process, engine: int | None) -> None:
    while os.getppid() == parent.pid and (engine is None or parent.ppid() == engine):
        time.sleep(_SECONDS)
    os._exit(1)  # nobody is left to answer to
