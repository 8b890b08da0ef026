"""The servers of the web services that run now."""

import threading
from concurrent.futures import ThreadPoolExecutor

from digits.runtime.server import ScoringServer

_GRACE_SECONDS = 10.0


class RunningServers:
    """Servers by the service's key in the store; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, ScoringServer] = {}

    def put(self, key: str, server: ScoringServer) -> None:
        """Keep the server that was started."""
        with self._lock:
            self._servers[key] = server

    def get(self, key: str) -> ScoringServer | None:
        """Return the service's server, if it has one."""
        with self._lock:
            return self._servers.get(key)

    def find_ended(self) -> list[str]:
        """Return the keys of the servers that ended by themselves."""
        with self._lock:
            return [key for key, server in self._servers.items() if not server.is_running()]

    def end(self, key: str) -> None:
        """End the service's server, if it has one."""
        with self._lock:
            server = self._servers.pop(key, None)
        if server is not None:
            server.stop(_GRACE_SECONDS)

    def end_all(self) -> None:
        """End all servers at the same time."""
        with self._lock:
            servers, self._servers = list(self._servers.values()), {}
        if servers:
            with ThreadPoolExecutor(len(servers)) as ending:
                list(ending.map(lambda server: server.stop(_GRACE_SECONDS), servers))
