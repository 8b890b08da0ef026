"""When a container that ended is started again: at once, then after ever longer pauses, as ACI does."""

import threading
import time
from collections.abc import Callable

PAUSES_SECONDS = (0.0, 1.0, 5.0, 25.0, 60.0, 300.0)
_STEADY_SECONDS = 60.0  # a container that ran for so long begins again with the shortest pause


class Restarts:
    """The restarts that are due, by the service's key in the store."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._started: dict[str, float] = {}
        self._ended: dict[str, int] = {}  # how often in a row
        self._due: dict[str, float] = {}

    def note_start(self, key: str) -> None:
        """Remember that the container is healthy."""
        with self._lock:
            self._started[key] = self._clock()
            self._due.pop(key, None)

    def note_end(self, key: str) -> int:
        """Plan the next start of a container that ended or did not start; return how often in a row it has."""
        with self._lock:
            if self._clock() - self._started.pop(key, self._clock()) >= _STEADY_SECONDS:
                self._ended.pop(key, None)
            times = self._ended[key] = self._ended.get(key, 0) + 1
            self._due[key] = self._clock() + PAUSES_SECONDS[min(times, len(PAUSES_SECONDS)) - 1]
            return times

    def forget(self, key: str) -> None:
        """Plan nothing more: the service is deployed anew, or deleted."""
        with self._lock:
            for known in (self._started, self._ended, self._due):
                known.pop(key, None)

    def take_due(self) -> list[str]:
        """Return the keys whose pause is over, each once."""
        with self._lock:
            due = [key for key, at in self._due.items() if at <= self._clock()]
            for key in due:
                del self._due[key]
            return due
