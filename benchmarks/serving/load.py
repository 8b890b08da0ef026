"""The scoring service under load: clients send requests of random size and form for minutes, and none may be lost.

Run it with `python -m benchmarks.serving.load`; it exits 1 if an answer was lost or wrong, or memory grew.
"""

import digits.cli.interrupt  # before all else, see there

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.serving import servers
from benchmarks.serving.client import Client, UnexpectedAnswerError, be_a_client
from benchmarks.serving.lanes import LANES, OURS, Rows
from benchmarks.serving.measurement import CLIENTS
from benchmarks.serving.reference import Reference
from digits import datasets
from digits.training.model import MODEL_FILE, fit, write

_LARGEST = 1_000
_KINDS_OF_REQUEST = 30  # for each client; making one takes longer than answering it
_SECONDS_BETWEEN_LOOKS = 1
_FLAT = 1.1  # the end against the first half: allocators keep memory, but must not keep growing


@dataclass(frozen=True)
class Tally:
    """The results of one client's requests."""

    requests: int = 0
    rows: int = 0
    lost: int = 0
    wrong: int = 0


def main() -> int:
    """Load the service and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long (default: %(default)g)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="append the table to this file, too")
    options = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digits-load-")))
        train, test = datasets.load("digits", "train"), datasets.load("digits", "test")
        write(fit(train), train, test, directory / "model")
        model = directory / "model" / MODEL_FILE
        expected = Reference(model).predict(test.images)
        health = LANES[1].request(Rows(test.images[:1]))
        running = servers.start(OURS, directory, model, health, stack)
        executor = stack.enter_context(ProcessPoolExecutor(CLIENTS, get_context("spawn"), initializer=be_a_client))
        asked = [executor.submit(ask, running.port, seed, options.seconds, expected) for seed in range(CLIENTS)]
        memory: list[int] = []
        while not all(client.done() for client in asked):
            memory.append(running.measure_memory())
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        tallies = [client.result() for client in asked]
    print(_render(tallies, memory, options.seconds, as_markdown=False))
    if options.markdown:
        with options.markdown.open("a", encoding="utf-8") as file:
            file.write("\n" + _render(tallies, memory, options.seconds, as_markdown=True))
    half = len(memory) // 2
    return int(any(tally.lost or tally.wrong for tally in tallies) or max(memory[half:]) > _FLAT * max(memory[:half]))


def ask(port: int, seed: int, seconds: float, expected: Sequence[int]) -> Tally:
    """Send requests of random size and form for so long, and compare every label with the model's own."""
    generator = random.Random(seed)  # noqa: S311 - sizes, not secrets
    images = datasets.load("digits", "test").images
    requests = []
    for _ in range(_KINDS_OF_REQUEST):
        lane = generator.choice([lane for lane in LANES if lane.server == OURS])
        size = round(_LARGEST ** generator.random())  # as many below 32 rows as above
        chosen = np.array(generator.choices(range(len(images)), k=size))
        requests.append((lane, lane.request(Rows(images[chosen])), [expected[row] for row in chosen]))
    sent, rows, lost, wrong = 0, 0, 0, 0
    end = time.monotonic() + seconds
    with Client(port) as client:
        while time.monotonic() < end:
            lane, request, labels = generator.choice(requests)
            sent += 1
            rows += len(labels)
            try:
                wrong += lane.labels(client.send(request)) != labels
            except (OSError, UnexpectedAnswerError):
                lost += 1
                client.__exit__()
    return Tally(sent, rows, lost, wrong)


def _render(tallies: Sequence[Tally], memory: Sequence[int], seconds: float, *, as_markdown: bool) -> str:
    table = Table("", "requests", "rows", "lost", "wrong", box=box.MARKDOWN if as_markdown else box.SIMPLE_HEAD)
    for number, tally in enumerate(tallies, 1):
        table.add_row(f"client {number}", *(f"{count:,}" for count in vars(tally).values()))
    console = Console(file=StringIO(), width=160)
    title = f"{len(tallies)} clients for {seconds:g} s, 1 to {_LARGEST:,} rows a request, JSON, float32 and uint8:"
    half = len(memory) // 2
    sizes = (memory[0], max(memory[:half]), max(memory[half:]))
    said = "Memory of its processes: {:,.0f} MB at the start, at most {:,.0f} in the first half, {:,.0f} in the second."
    with console.capture() as captured:
        console.print(title, table, sep="\n", highlight=False)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([*lines, said.format(*(size / 1e6 for size in sizes)), ""])


if __name__ == "__main__":
    sys.exit(main())
