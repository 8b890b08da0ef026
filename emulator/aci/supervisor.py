"""Runs the web services: each deployment, update and restart is a job, and the jobs of one service run in a row.

A job reads its task from the store and writes its result there. If `kill -9` cuts it short, it runs again.
"""

import contextlib
import logging
import sqlite3
import threading
from functools import partial
from pathlib import Path

from digits.runtime import server
from emulator.aci import container, scoring_environment
from emulator.aci.failures import describe, is_disk_full, is_internal
from emulator.aci.folders import Folders
from emulator.aci.jobs import Jobs
from emulator.aci.restarts import Restarts
from emulator.aci.running_servers import RunningServers
from emulator.aci.scoring_environment import ScoringEnvironment
from emulator.azureml import services
from emulator.azureml.artifacts import Artifacts
from emulator.azureml.models import Models
from emulator.azureml.operations import Operations
from emulator.http import json_patch
from emulator.service_kinds import Failure, Operation, Service
from emulator.store import Store

_log = logging.getLogger("emulator.supervisor")

_HEALTHY_WITHIN_SECONDS = 300.0
_CRASH_CHECK_SECONDS = 1.0
_QUIET_FAILURES = 4  # restarts in which the emulator itself failed, before the service's state is Failed
_FULL_DISK_SECONDS = 1.0  # before the end of an operation is written again


class Supervisor:
    """Jobs and servers of the web services, by the service's key in the store."""

    def __init__(self, store: Store, artifacts: Artifacts, models: Models, operations: Operations) -> None:
        self._store = store
        self._folders = Folders(store.directory / "services")
        self._artifacts = artifacts
        self._models = models
        self._operations = operations
        self.end_waits = operations.end_waits
        self._jobs = Jobs()
        self._restarts = Restarts()
        self._build_environment = partial(scoring_environment.build, store.directory, artifacts)
        self._servers = RunningServers()
        self._stopping = threading.Event()

    def recover(self) -> None:
        """Run again every service and every unfinished operation, after a killed emulator's leftovers have ended."""
        found = self._store.services.items()
        unfinished = list(self._operations.unfinished())
        resumed = {operation["id"] for operation in unfinished}  # these fill their folders anew
        for key, service in found:
            if service["deployment"] is not None and service["deployment"] not in resumed:
                services.show_state(self._store, key, state="Transitioning", error=None)
                self._jobs.add(key, partial(self._restart, key))
        for operation in unfinished:
            self.submit(operation)
        kept = {service["deployment"] for _, service in found}
        threading.Thread(target=self._sweep, args=[kept], name="sweep", daemon=True).start()
        threading.Thread(target=self._watch, name="crash-watch", daemon=True).start()

    def submit(self, operation: Operation) -> None:
        """Run the operation after those before it on the same service."""
        key = f"{operation['workspace']}/{operation['service']}"
        self._jobs.add(key, partial(self._carry_out, key, operation))

    def end(self, key: str, deployed: str | None) -> None:
        """End the service's server and remove its folder; its operations must have been cancelled before."""
        self._restarts.forget(key)
        self._servers.end(key)
        self._folders.remove(deployed)

    def write_keys(self, key: str, service: Service) -> None:
        """Give a running server the service's keys."""
        running = self._servers.get(key)
        if running is not None and service["authEnabled"]:
            server.write_keys(running.directory, services.list_keys(service))

    def log_file(self, service: Service) -> Path:
        """Return the path of the container's log, which need not exist."""
        return self._folders.path(service["deployment"] or "none") / "run" / "server.log"

    def stop(self) -> None:
        """End all servers; they come back when the emulator is started again."""
        self._stopping.set()
        self._jobs.stop()
        self._servers.end_all()

    def _sweep(self, kept: set[str | None]) -> None:
        """Clear up after a killed emulator, then let the jobs begin."""
        self._folders.sweep(kept)
        self._jobs.release()

    def _carry_out(self, key: str, operation: Operation) -> None:
        service = self._store.services.get(key)
        if service is None:
            return
        error = None
        try:
            if not self._operations.change(operation, state="Running"):
                return
            wanted = services.change(service, operation["request"])
            patch = operation["request"].get("patch")
            if patch is not None and not json_patch.touched(patch) & services.REDEPLOYED_BY:
                self._store.services.put(key, wanted)
                self._operations.change(operation, state="Succeeded")
                return
            self._deploy(key, wanted, operation)
        except Exception as failure:  # noqa: BLE001 - the operation has to end after any failure
            error = describe(failure, service["name"])
        if not self._stopping.is_set():  # a server that ended because the emulator stops is no failure
            self._finish(key, operation, service["deployment"], error)

    def _deploy(self, key: str, wanted: Service, operation: Operation) -> None:
        """Build first, so that the old container goes on answering if the build fails; then replace it."""
        folder = self._folders.path(operation["id"])
        environment, layout = self._build(folder, wanted, operation)
        report = partial(self._operations.log, operation)
        report("Submitting deployment to compute.")
        with self._store.transaction():
            service = self._store.services.get(key)  # again: its keys may have changed meanwhile
            if service is None or not self._operations.change(operation, subOperation="DeployService"):
                return  # deleted meanwhile
            wanted = {**services.change(service, operation["request"]), "deployment": operation["id"]}
            self._store.services.put(key, wanted)
        self._restarts.forget(key)
        self._servers.end(key)
        running = self._start(key, wanted, folder, environment, layout)
        report(f"Checking the status of deployment {wanted['name']}.")
        running.wait_until_healthy(_HEALTHY_WITHIN_SECONDS, report)

    def _build(
        self, folder: Path, service: Service, operation: Operation
    ) -> tuple[ScoringEnvironment, container.Layout]:
        report = partial(self._operations.log, operation)
        request = service["environmentImageRequest"]
        report("Registering the environment.")
        layout = container.layout(folder, request)
        environment = self._build_environment(service["name"], layout.conda, report)
        report("Generating deployment configuration.")
        container.prepare(folder, operation["workspace"], request, self._artifacts, self._models)
        return environment, layout

    def _start(
        self, key: str, service: Service, folder: Path, environment: ScoringEnvironment, layout: container.Layout
    ) -> server.ScoringServer:
        workspace = self._store.resources.get(key.rpartition("/")[0])
        running = container.start(folder, service, workspace["name"] if workspace else "", environment, layout)
        self._servers.put(key, running)
        current = self._store.services.get(key)
        if self._stopping.is_set() or current is None or current["deployment"] != service["deployment"]:
            self._servers.end(key)  # deleted meanwhile
        elif current["keys"] != service["keys"]:
            self.write_keys(key, current)
        return running

    def _finish(self, key: str, operation: Operation, replaced: str | None, error: Failure | None) -> None:
        """Write the operation's end and the service's state in one step, and remove the folder that is not used."""
        while True:
            try:
                done, started = self._write_end(key, operation, error)
                break
            except Exception as failure:
                if not is_disk_full(failure):
                    raise
                error = error or describe(failure, operation["service"])
                self._operations.show_end(operation, error)  # anyone who waits for it gets the answer now
                if self._stopping.wait(_FULL_DISK_SECONDS):
                    return
        if started and not error:
            self._restarts.note_start(key)
        if error and done:
            _log.warning("Web service %s: %s", operation["service"], error["message"])
        if error and started:
            self._servers.end(key)  # one that was too slow still runs
        if replaced != operation["id"] and (started or not done):
            self._folders.remove(replaced)
        if not started:
            self._folders.remove(operation["id"])

    def _write_end(self, key: str, operation: Operation, error: Failure | None) -> tuple[bool, bool]:
        """Return whether the operation ended so, and whether its container had replaced the one before."""
        started = False
        with self._store.transaction():
            done = self._operations.change(operation, state="Failed" if error else "Succeeded", error=error)
            service = self._store.services.get(key)
            if done and service is not None:
                started = service["deployment"] == operation["id"]
                answers = error is None or (not started and self._servers.get(key) is not None)
                services.show_state(self._store, key, state="Healthy" if answers else "Failed", error=error)
        return done, started

    def _restart(self, key: str) -> None:
        """Start the service's last deployment again, as it was; if that fails, it is tried again after a pause."""
        error = self._start_again(key)
        if self._stopping.is_set():
            return
        if error is None:
            self._restarts.note_start(key)
            services.show_state(self._store, key, state="Healthy", error=None)
            return
        self._servers.end(key)
        times = self._restarts.note_end(key)
        _log.warning("The restart of %s failed and is tried again", key)
        if not is_internal(error) or times > _QUIET_FAILURES:
            services.show_state(self._store, key, state="Failed", error=error)

    def _start_again(self, key: str) -> Failure | None:
        """Start the service's last deployment and return what went wrong, if anything."""
        service = self._store.services.get(key)
        if self._stopping.is_set() or service is None or service["deployment"] is None:
            return None
        folder = self._folders.path(service["deployment"])
        try:
            layout = container.layout(folder, service["environmentImageRequest"])
            environment = self._build_environment(service["name"], layout.conda, lambda _: None)
            running = self._start(key, service, folder, environment, layout)
            running.wait_until_healthy(_HEALTHY_WITHIN_SECONDS)
        except Exception as failure:  # noqa: BLE001 - the service's state has to show any failure
            error = describe(failure, service["name"])
            _log.warning("Web service %s: %s", service["name"], error["message"])
            return error
        return None

    def _watch(self) -> None:
        """Start containers again that ended or could not be started, as ACI does."""
        while not self._stopping.wait(_CRASH_CHECK_SECONDS):
            for key in self._servers.find_ended():
                if not self._jobs.is_busy(key):  # its job takes care of it
                    _log.warning("The container of %s ended and is started again", key)
                    self._servers.end(key)
                    self._restarts.note_end(key)
                    with contextlib.suppress(sqlite3.Error):  # on a full disk the service goes on all the same
                        services.show_state(self._store, key, state="Transitioning", error=None)
            for key in self._restarts.take_due():
                self._jobs.add(key, partial(self._restart, key))
