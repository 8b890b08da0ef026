"""Takes the figures: every lane in turn, many times, so that the machine's noise affects all of them equally."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from benchmarks.serving.client import Client, measure_rate
from benchmarks.serving.lanes import IN_PROCESS, Lane, Rows
from benchmarks.serving.reference import Reference
from benchmarks.serving.servers import Server

CLIENTS = 4
_BURST_SECONDS = 0.4
_CLIENT_START_SECONDS = 0.1

Report = Callable[[str], None]


class WrongLabelsError(Exception):
    """A lane answered with other labels than the model's own predict()."""


@dataclass
class Samples:
    """The figures in seconds, requests per second and bytes; a list for each repeat, by lane and rows."""

    latency: dict[str, dict[int, list[list[float]]]] = field(default_factory=dict)
    throughput: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add_latency(self, lane: str, size: int, times: list[float]) -> None:
        """Add one repeat's."""
        self.latency.setdefault(lane, {}).setdefault(size, []).append(times)

    def add_throughput(self, lane: str, size: int, rate: float) -> None:
        """Add one repeat's."""
        self.throughput.setdefault(lane, {}).setdefault(size, []).append(rate)


class Race:
    """Lanes, the servers behind them, and the rows they all score; a lane's requests are built once."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        servers: Mapping[str, Server],
        rows: Mapping[int, Rows],
        reference: Reference,
    ) -> None:
        self.lanes = lanes
        self.servers = servers
        self._rows = rows
        self._reference = reference
        self._requests = {(lane.name, size): lane.request(part) for lane in lanes for size, part in rows.items()}

    def request(self, lane: Lane, size: int) -> bytes:
        """Return the lane's request of this many rows."""
        return self._requests[lane.name, size]

    def check_labels(self, report: Report) -> None:
        """Compare each lane's labels, at every size, with the model's own."""
        for size, rows in self._rows.items():
            expected = self._reference.predict(rows.images)
            for lane in self.lanes:
                report(f"{size:,} rows, labels, {lane.name}")
                with Client(self.servers[lane.server].port) as client:
                    check(lane.name, lane.labels(client.send(self.request(lane, size))), expected)
            check(IN_PROCESS, self._reference.multiply(rows.images / 255).tolist(), expected)

    def measure_memory(self, samples: Samples, largest: int, report: Report) -> None:
        """Measure memory before anything large was sent, then during the largest request, small bodies first."""
        at_rest = {name: server.measure_memory() for name, server in self.servers.items()}
        for lane in sorted(self.lanes, key=lambda lane: len(self.request(lane, largest))):
            report(f"memory of {lane.name}")
            peak = self.servers[lane.server].measure_peak_memory(self.request(lane, largest))
            samples.memory[lane.name] = at_rest[lane.server], peak

    def measure_latency(self, samples: Samples, size: int, report: Report) -> None:
        """Time one client that asks each lane in turn."""
        for lane in self.lanes:
            report(f"{size:,} rows, one client, {lane.name}")
            samples.add_latency(lane.name, size, self.time_client(lane, size))
        numbers = self._rows[size].images / 255
        samples.add_latency(IN_PROCESS, size, time_burst(partial(self._reference.multiply, numbers)))

    def time_client(self, lane: Lane, size: int) -> list[float]:
        """Return the times of a burst of requests on one connection, if the server keeps it."""
        with Client(self.servers[lane.server].port) as client:
            return time_burst(partial(client.send, self.request(lane, size)))

    def measure_throughput(
        self, samples: Samples, size: int, seconds: float, executor: ProcessPoolExecutor, report: Report
    ) -> None:
        """Count the answers that some clients, each a process, get from each lane in turn."""
        for lane in self.lanes:
            report(f"{size:,} rows, {CLIENTS} clients, {lane.name}")
            start = time.monotonic() + _CLIENT_START_SECONDS
            asked = (self.servers[lane.server].port, self.request(lane, size), start, start + seconds)
            rates = [executor.submit(measure_rate, *asked) for _ in range(CLIENTS)]
            samples.add_throughput(lane.name, size, sum(rate.result() for rate in rates))


def check(lane: str, answered: list[int], expected: list[int]) -> None:
    """Raise WrongLabelsError unless the labels are the same."""
    if len(answered) != len(expected):
        raise WrongLabelsError(f"{lane} answered {len(answered):,} labels for {len(expected):,} rows.")
    wrong = [row for row, (one, other) in enumerate(zip(answered, expected, strict=True)) if one != other]
    if wrong:
        raise WrongLabelsError(
            f"{lane} answered {len(wrong):,} of {len(expected):,} rows otherwise than the model's own predict(), "
            f"row {wrong[0]} first: {answered[wrong[0]]!r}, not {expected[wrong[0]]!r}."
        )


def time_burst(call: Callable[[], object]) -> list[float]:
    """Return the times of calls, as many as a burst takes; the first only warms, unless it is a burst by itself."""
    end = time.perf_counter() + _BURST_SECONDS
    times = [_time(call)]
    while time.perf_counter() < end:
        times.append(_time(call))
    return times[1:] or times


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
