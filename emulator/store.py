"""The emulator's memory: JSON documents in one sqlite file, bytes in one folder.

A write is on the disk before the call returns, so an acknowledged request survives `kill -9`.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from digits import atomic_files
from emulator import kinds, service_kinds

_VERSION = 1

Kind = TypeVar("Kind")


class StaleStateError(Exception):
    """The state was written by another version of the emulator."""


class Repository(Generic[Kind]):
    """The documents of one kind, by key."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.RLock, kind: str) -> None:
        self._connection = connection
        self._lock = lock
        self._kind = kind

    def get(self, key: str) -> Kind | None:
        """Return the document, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT body FROM documents WHERE kind = ? AND key = ?", (self._kind, key)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, key: str, document: Kind) -> None:
        """Write the document, replacing what was there."""
        with self._lock:
            self._connection.execute("REPLACE INTO documents VALUES (?, ?, ?)", (self._kind, key, json.dumps(document)))

    def delete(self, key: str) -> None:
        """Remove the document; one that is not there is no error."""
        with self._lock:
            self._connection.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (self._kind, key))

    def delete_below(self, prefix: str) -> None:
        """Remove all documents whose key starts with the prefix."""
        for key in self.find_keys(prefix):
            self.delete(key)

    def items(self, prefix: str = "") -> list[tuple[str, Kind]]:
        """Return (key, document) for each key that starts with the prefix, by key."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key, body FROM documents WHERE kind = ? ORDER BY key", (self._kind,)
            ).fetchall()
        return [(key, json.loads(body)) for key, body in rows if key.startswith(prefix)]

    def find_keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with the prefix."""
        return [key for key, _ in self.items(prefix)]

    def find(self, prefix: str = "") -> list[Kind]:
        """Return the documents whose key starts with the prefix, by key."""
        return [document for _, document in self.items(prefix)]


class Store:
    """A repository for each kind of document, and files below a folder; safe to use from several threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        # No WAL: sqlite before 3.51.3 can corrupt one when two processes checkpoint at once.
        self._connection = sqlite3.connect(directory / "emulator.sqlite", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise StaleStateError(
                f"{directory} was written by another version of the emulator (format {version}, ours is {_VERSION}): "
                f"stop that version and delete the folder, or choose another with --state."
            )
        with self.transaction():
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS documents"
                " (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
            )
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        self._open_repositories()

    def _open_repositories(self) -> None:
        place = (self._connection, self._lock)
        self.subscriptions = Repository[kinds.Subscription](*place, "subscription")
        self.resources = Repository[kinds.Resource](*place, "arm")
        self.signing_keys = Repository[kinds.SigningKey](*place, "secret")
        self.principals = Repository[kinds.Principal](*place, "secret")
        self.artifacts = Repository[kinds.Artifact](*place, "artifact")
        self.assets = Repository[kinds.Asset](*place, "asset")
        self.models = Repository[kinds.Model](*place, "model")
        self.model_versions = Repository[kinds.ModelVersion](*place, "model-version")
        self.environments = Repository[kinds.Environment](*place, "environment")
        self.environment_labels = Repository[kinds.EnvironmentLabel](*place, "environment-label")
        self.operations = Repository[service_kinds.Operation](*place, "operation")
        self.services = Repository[service_kinds.Service](*place, "service")
        self.unknown_routes = Repository[kinds.UnknownRoute](*place, "unknown-route")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the reads and writes in it one step that no other thread interrupts: all happen or none; nests."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # sqlite rolls back by itself when the disk is full
                    self._connection.execute("ROLLBACK")
                raise

    def write_file(self, relative: str, data: bytes) -> None:
        """Write a file below the folder, whole and on the disk, or not at all; only its owner may read it."""
        atomic_files.replace(self.directory / relative, data, private=True)

    def close(self) -> None:
        """Release the sqlite file."""
        with self._lock:
            self._connection.close()
