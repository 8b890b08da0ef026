"""Ends a server of the benchmark once the process that started it is gone, kill -9 included."""

import os
import signal
import threading
import time

_WATCH_SECONDS = 0.5
_LAST_SECONDS = 5


def watch() -> None:
    """Watch the parent from now on: if it is gone, send SIGTERM to this process, and later SIGKILL."""
    parent = os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="owner-watch", daemon=True).start()
