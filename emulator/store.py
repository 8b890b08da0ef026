"""What the emulator remembers: JSON documents in one sqlite file, bytes in one folder.

A write is on the disk before the call returns, so an acknowledged request survives `kill -9`.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_VERSION = 1


class StaleStateError(Exception):
    """The state was written by another version of the emulator."""


class Store:
    """Documents by (kind, key), and files below a folder; safe to use from several threads."""

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

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is read and written inside one step: all of it or none, and alone; nests."""
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

    def get(self, kind: str, key: str) -> Document | None:
        """Return the document, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, kind: str, key: str, document: Document) -> None:
        """Write the document, replacing what was there."""
        with self._lock:
            self._connection.execute("REPLACE INTO documents VALUES (?, ?, ?)", (kind, key, json.dumps(document)))

    def delete(self, kind: str, key: str) -> bool:
        """Remove the document; say whether it was there."""
        with self._lock:
            return (
                self._connection.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key)).rowcount > 0
            )

    def items(self, kind: str, prefix: str = "") -> list[tuple[str, Document]]:
        """Return (key, document) of this kind whose key starts with the prefix, by key."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key, body FROM documents WHERE kind = ? ORDER BY key", (kind,)
            ).fetchall()
        return [(key, json.loads(body)) for key, body in rows if key.startswith(prefix)]

    def write_file(self, relative: str, data: bytes) -> None:
        """Write a file below the folder, whole and on the disk, or not at all; only its owner may read it."""
        path = self.directory / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{threading.get_ident()}")
        try:
            with open(temporary, "wb", opener=partial(os.open, mode=0o600)) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the sqlite file."""
        with self._lock:
            self._connection.close()
