"""The emulator's status: its URL, its subscriptions and web services, and the requests that it does not know."""

import time
from pathlib import Path
from typing import TypedDict

from emulator.host import certificates, clients, instance
from emulator.host.instance import EmulatorError, Record


class Place(TypedDict):
    """Where a resource lies."""

    subscription: str
    resourceGroup: str


class ServiceStatus(Place):
    """A web service as `status` shows it."""

    workspace: str
    name: str
    state: str
    scoringUri: str
    error: str | None
    log: str


class RouteStatus(TypedDict):
    """A route that the emulator does not have, and how often it was asked for."""

    route: str
    count: int


class Contents(TypedDict):
    """An emulator's answer about itself."""

    subscriptions: list[str]
    resourceGroups: list[Place]
    services: list[ServiceStatus]
    unknownRoutes: list[RouteStatus]


class Status(Contents):
    """An emulator's content, and its process."""

    running: bool
    version: str
    url: str
    pid: int
    uptimeSeconds: int
    state: str


def ask(state: Path, record: Record) -> Contents:
    """Return the emulator's own answer; raises EmulatorError if it does not answer."""
    try:
        answer: Contents = instance.ask(record.port, instance.STATUS_PATH, certificates.locate(state).authority)
    except OSError as error:
        raise EmulatorError(
            f"The emulator (process {record.pid}) does not answer ({error}): stop it and start it again."
        ) from error
    if not Contents.__required_keys__ <= answer.keys():
        raise EmulatorError(
            f"The emulator that runs (process {record.pid}) is of another version of this program: "
            f"stop it with `azureml-emulator stop` and start it again; its state is kept."
        )
    return answer


def collect(state: Path, record: Record) -> Status:
    """Return the status of an emulator that runs."""
    return {
        "running": True,
        "version": record.version,
        "url": clients.base_url(record.port),
        "pid": record.pid,
        "uptimeSeconds": int(time.time() - record.createTime),
        "state": str(state),
        **ask(state, record),
    }


def find_log(services: list[ServiceStatus], asked: str) -> Path:
    """Return the log of a web service's container; raises EmulatorError unless exactly one service is meant.

    A name is enough if it is the only one. In front of it may stand the workspace, resource group and subscription.
    """
    logs = {
        f"{each['subscription']}/{each['resourceGroup']}/{each['workspace']}/{each['name']}": Path(each["log"])
        for each in services
    }
    found = [path for path in logs if f"/{path}".endswith(f"/{asked}")]
    if not found:
        names = ", ".join(each["name"] for each in services) or "none"
        raise EmulatorError(f"There is no web service '{asked}'; there are: {names}.")
    if len(found) > 1:
        raise EmulatorError(f"There are {len(found)} web services '{asked}': write {' or '.join(found)}.")
    return logs[found[0]]


def render(found: Status) -> str:
    """Return the status as lines for a person."""
    where = f"Emulator {found['version']} on {found['url']}, process {found['pid']}"
    lines = [f"{where}, up {found['uptimeSeconds']} s, state in {found['state']}"]
    lines += [f"  subscription {subscription}" for subscription in found["subscriptions"]]
    for service in found["services"]:
        lines.append(
            f"  {service['workspace']}/{service['name']}  container {service['state']}  {service['scoringUri']}"
        )
        lines += [f"      {service['error'].splitlines()[0]}"] if service["error"] else []
    if not found["services"]:
        lines.append("  no web services")
    if found["unknownRoutes"]:
        lines.append("Asked for, but not done by the emulator (answered 501):")
        lines += [f"  {entry['count']} x {entry['route']}" for entry in found["unknownRoutes"]]
    return "\n".join(lines)
