"""Splits the time of our requests: the entry script, the inference server around it, the worker and the network."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.serving.lanes import Lane
from benchmarks.serving.measurement import Race
from benchmarks.serving.servers import Server

_PROGRAM = Path(__file__).with_name("in_process.py")


class BreakdownFailedError(Exception):
    """The application could not be called without its server."""


@dataclass(frozen=True)
class Breakdown:
    """The seconds of one request; `rest` is the time of gunicorn's worker, the sockets and the client.

    Each is from the quickest request, so that other work of the machine does not count as a part of it.
    """

    lane: str
    rows: int
    script: float
    server: float
    rest: float


def measure(race: Race, lanes: Sequence[Lane], sizes: Sequence[int], directory: Path) -> list[Breakdown]:
    """Time a client, then the application of the lane's server without a worker, and return the difference too."""
    found = []
    requests = [directory / f"request-{size}" for size in sizes]
    for lane in lanes:
        for path, size in zip(requests, sizes, strict=True):
            path.write_bytes(race.request(lane, size))
        seen = [min(race.time_client(lane, size)) for size in sizes]
        for size, client, (whole, script) in zip(
            sizes, seen, _call(race.servers[lane.server], requests, directory), strict=True
        ):
            found.append(Breakdown(lane.name, size, script, whole - script, client - whole))
    return found


def _call(server: Server, requests: list[Path], directory: Path) -> list[tuple[float, float]]:
    """Run the program as the server's worker runs: the same environment, the same folder."""
    results = directory / "in-process.json"
    running = psutil.Process(server.pid)
    with (directory / "in-process.log").open("w+b") as log:
        # -P: the service must not import from the program's own folder.
        command: list[str | Path] = [server.python, "-P", _PROGRAM, results, *requests]
        done = subprocess.run(
            command, env=running.environ(), cwd=running.cwd(), stdout=log, stderr=log, check=False, timeout=300
        )
        if done.returncode != 0:
            log.seek(0)
            last = log.read().decode(errors="replace").splitlines()[-20:]
            raise BreakdownFailedError("\n".join(["The breakdown could not be measured. Its log ends:", *last]))
    taken: list[tuple[float, float]] = json.loads(results.read_text(encoding="utf-8"))
    return taken
