"""What runs: where the emulator answers, its subscription and peers, its web services, what it was asked in vain."""

import time
from pathlib import Path
from typing import Any

from emulator.host import certificates, clients, instance
from emulator.host.instance import EmulatorError, Record


def ask(state: Path, record: Record) -> dict[str, Any]:
    """Return what the emulator itself says; raises EmulatorError where it does not answer."""
    try:
        answer: dict[str, Any] = instance.ask(record.port, instance.STATUS_PATH, certificates.locate(state).authority)
    except OSError as error:
        raise EmulatorError(
            f"The emulator (process {record.pid}) does not answer ({error}): stop it and start it again."
        ) from error
    return answer


def collect(state: Path, record: Record) -> dict[str, Any]:
    """Return all there is to say of an emulator that runs."""
    return {
        "running": True,
        "version": record.version,
        "url": clients.base_url(record.port),
        "pid": record.pid,
        "uptimeSeconds": int(time.time() - record.createTime),
        "state": str(state),
        "subscription": record.subscription,
        **ask(state, record),
    }


def render(found: dict[str, Any]) -> str:
    """Return what `collect` found as lines for a person."""
    where = f"Emulator {found['version']} on {found['url']}, process {found['pid']}"
    lines = [f"{where}, up {found['uptimeSeconds']} s, state in {found['state']}"]
    lines.append(f"  subscription {found['subscription']}")
    lines += [
        f"  peer {peer['subscription']}  {'runs' if peer['running'] else 'stopped'}  {peer['state']}"
        for peer in found["peers"]
    ]
    lines += [f"  peer never started  {folder}" for folder in found["unknownPeers"]]
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
