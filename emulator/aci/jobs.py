"""Work in the background: the jobs of one key run in a row, those of different keys at the same time."""

import logging
import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]

_log = logging.getLogger("emulator.jobs")


class Jobs:
    """Jobs by key; none runs before release()."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Job]] = {}
        self._released = threading.Event()
        self._stopped = False

    def add(self, key: str, job: Job) -> None:
        """Run the job after those before it."""
        with self._lock:
            if key in self._waiting:
                self._waiting[key].append(job)
                return
            self._waiting[key] = deque([job])
        threading.Thread(target=self._work, args=[key], name="jobs", daemon=True).start()

    def is_busy(self, key: str) -> bool:
        """Return whether a job of this key runs or waits."""
        with self._lock:
            return key in self._waiting

    def release(self) -> None:
        """Let the jobs begin."""
        self._released.set()

    def stop(self) -> None:
        """Begin no more jobs."""
        self._stopped = True

    def _work(self, key: str) -> None:
        self._released.wait()
        while True:
            with self._lock:
                if not self._waiting[key] or self._stopped:
                    del self._waiting[key]
                    return
                job = self._waiting[key].popleft()
            try:
                job()
            except Exception:  # noqa: BLE001 - the next job is another request
                _log.exception("A job of %s failed", key)
