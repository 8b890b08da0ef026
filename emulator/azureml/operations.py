"""Long-running operations and their logs: the Operation-Location of a 202 answer leads to one."""

import asyncio
import contextlib
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.azureml.blobs import Blobs
from emulator.azureml.models import now
from emulator.http.errors import NotFoundError
from emulator.http.routing import WORKSPACE, Answer, Call, ignore_case, read_call
from emulator.service_kinds import Failure, Operation, Outcome, ServiceChange
from emulator.store import Store

DONE = frozenset({"Succeeded", "Failed", "Cancelled", "TimedOut"})
# The SDK looks, sleeps five seconds and looks again. An answer that waits for news takes the true time.
_HELD_SECONDS = 20.0
_KEPT = 20  # operations that are done, of each service


class Operations:
    """Operations by id; each has a state, kept in the store, and a log, kept as a blob."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs
        self._lock = threading.Lock()
        self._ending = False
        self._ends: dict[str, Outcome] = {}  # by id, those that a full disk did not take yet
        self._listeners: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    def create(self, workspace: str, service: str, request: ServiceChange, state: str = "NotStarted") -> Operation:
        """Make an operation on a web service."""
        operation: Operation = {
            "id": str(uuid.uuid4()),
            "workspace": workspace,
            "service": service,
            "request": request,
            "state": state,
            "subOperation": "BuildEnvironment",
            "createdTime": now(),
        }
        self._store.operations.put(f"{workspace}/{operation['id']}", operation)
        self._forget_old(workspace, service)
        return operation

    def get(self, workspace: str, operation_id: str) -> Operation:
        """Return the operation."""
        operation = self._store.operations.get(f"{workspace}/{operation_id}")
        if operation is None:
            raise NotFoundError(f"Operation with id {operation_id} not found.", code="OperationNotFound")
        return operation if operation["state"] in DONE else {**operation, **self._ends.get(operation_id, {})}

    def unfinished(self, prefix: str = "") -> Iterator[Operation]:
        """Yield the operations that are not done, oldest first, of all workspaces or those of a prefix."""
        operations = self._store.operations.find(prefix)
        operations.sort(key=lambda operation: str(operation["createdTime"]))
        return (operation for operation in operations if operation["state"] not in DONE)

    def change(self, operation: Operation, **fields: Unpack[Outcome]) -> bool:
        """Change the operation's fields unless it is done (cancelled, say) or gone; say whether they changed."""
        key = f"{operation['workspace']}/{operation['id']}"
        with self._store.transaction():
            known = self._store.operations.get(key)
            if known is None or known["state"] in DONE:
                return False
            if fields.get("state") in DONE:
                fields["endTime"] = now()
            self._store.operations.put(key, {**known, **fields})
        self._wake(operation["id"])
        return True

    def show_end(self, operation: Operation, error: Failure) -> None:
        """Answer that the operation failed, although the disk takes no word of it."""
        self._ends[operation["id"]] = {"state": "Failed", "error": error, "endTime": now()}
        self._wake(operation["id"])

    def log(self, operation: Operation, message: str) -> None:
        """Add a line to the operation's log; a full disk loses the line, not the operation."""
        # The SDK splits at these two characters, so a message may not have them.
        text = message.translate({ord("#"): "\N{FULLWIDTH NUMBER SIGN}", ord("|"): "\N{BROKEN BAR}"})
        with contextlib.suppress(OSError), self._log_path(operation).open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y%m%d%H%M%S}|{text}#")
        self._wake(operation["id"])

    def read_log(self, operation: Operation) -> str:
        """Return the operation's log as the SDK takes it: "time|message#time|message#"."""
        with contextlib.suppress(FileNotFoundError):
            return self._log_path(operation).read_text(encoding="utf-8")
        return ""

    def lines(self, operation: Operation) -> str:
        """Return the operation's log as a person reads it."""
        records = (record.partition("|") for record in self.read_log(operation).split("#") if record)
        return "\n".join(message for _, _, message in records)

    def drop(self, workspace: str) -> None:
        """Remove all operations of a workspace."""
        for key, operation in self._store.operations.items(f"{workspace}/"):
            self._log_path(operation).unlink(missing_ok=True)
            self._store.operations.delete(key)
            self._wake(operation["id"])

    async def wait(self, workspace: str, operation_id: str, offset: int | None) -> Operation:
        """Return the operation once it is done, or has more log than the offset, or after some seconds."""
        with self._listening(operation_id) as news, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HELD_SECONDS):
                while not self._ending and not await run_in_threadpool(
                    self._is_worth_telling, workspace, operation_id, offset
                ):
                    await news.wait()
                    news.clear()
        return self.get(workspace, operation_id)

    def end_waits(self) -> None:
        """Answer every request that waits, and let no other one wait: the emulator stops."""
        self._ending = True
        with self._lock:
            waking = [wake for listeners in self._listeners.values() for wake in listeners]
        for wake in waking:
            wake()

    def describe(self, operation: Operation, base_url: str, offset: int | None) -> Answer:
        """Return the operation as the SDK reads it."""
        described: dict[str, object] = {
            "id": operation["id"],
            "operationType": "Service",
            "state": operation["state"],
            "createdTime": operation["createdTime"],
            "operationDetails": {"subOperationType": operation["subOperation"]},
            "operationLog": self._blobs.download_uri(base_url, self._log_name(operation)),
            "streamingOperationLog": self.read_log(operation)[offset or 0 :],
        }
        if operation.get("error"):
            described["error"] = operation["error"]
        if operation.get("endTime"):
            described["endTime"] = operation["endTime"]
        return described

    def _forget_old(self, workspace: str, service: str) -> None:
        found = self._store.operations.find(f"{workspace}/")
        done = [operation for operation in found if operation["service"] == service and operation["state"] in DONE]
        done.sort(key=lambda operation: str(operation["createdTime"]))
        for operation in done[:-_KEPT]:
            self._log_path(operation).unlink(missing_ok=True)
            self._store.operations.delete(f"{workspace}/{operation['id']}")

    def _is_worth_telling(self, workspace: str, operation_id: str, offset: int | None) -> bool:
        operation = self.get(workspace, operation_id)
        return operation["state"] in DONE or (offset is not None and len(self.read_log(operation)) > offset)

    @contextlib.contextmanager
    def _listening(self, operation_id: str) -> Iterator[asyncio.Event]:
        news, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop ended: the emulator stops
                loop.call_soon_threadsafe(news.set)

        with self._lock:
            self._listeners[operation_id].append(wake)
        try:
            yield news
        finally:
            with self._lock:
                self._listeners[operation_id].remove(wake)
                if not self._listeners[operation_id]:
                    del self._listeners[operation_id]

    def _wake(self, operation_id: str) -> None:
        with self._lock:
            listeners = list(self._listeners.get(operation_id, ()))
        for wake in listeners:
            wake()

    def _log_path(self, operation: Operation) -> Path:
        return self._blobs.path(self._log_name(operation))

    @staticmethod
    def _log_name(operation: Operation) -> str:
        return f"{operation['workspace']}/operations/{operation['id']}"


def routes(store: Store, operations: Operations) -> list[Route]:
    """Return the route to poll; its answer waits without holding a thread."""

    async def read(request: Request) -> Response:
        call: Call = await read_call(store, request)
        offset = int(call.query["offset"]) if call.query.get("offset", "").isdecimal() else None
        operation = await operations.wait(call.workspace, call.params["operation"], offset)
        return JSONResponse(operations.describe(operation, call.base_url, offset))

    return [ignore_case(Route("/modelmanagement/v1.0" + WORKSPACE + "/operations/{operation}", read))]
