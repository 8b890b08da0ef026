"""Measures the scoring service against the tutorial's score.py and other serving frameworks.

All servers run at once on this machine and get requests in turn, with the same client, model and rows. First, every
label of every server is compared with the model's own predict().
"""

import digits.cli.interrupt  # before all else, see there

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from benchmarks.serving import breakdown, results, servers, tables
from benchmarks.serving.client import UnexpectedAnswerError, be_a_client
from benchmarks.serving.lanes import LANES, OURS, PEERS, TUTORIAL, Lane, Rows
from benchmarks.serving.measurement import CLIENTS, Race, Report, Samples, WrongLabelsError
from benchmarks.serving.reference import Reference
from digits import datasets
from digits.runtime.environment import EnvironmentFailedError
from digits.runtime.server import ServerFailedError
from digits.training.model import MODEL_FILE
from infra.configuration import SettingsError

_SIZES, _LOADS = (1, 100, 1_000, results.LARGEST), (1, 100)
_QUICK_SIZES, _QUICK_LOADS = (1, results.LARGEST), (1,)
_LOAD_SECONDS = 1.0
_FILE_WIDTH = 160
_FAILURES = (
    datasets.DatasetError,
    EnvironmentFailedError,
    OSError,
    ServerFailedError,
    SettingsError,
    UnexpectedAnswerError,
    WrongLabelsError,
    servers.PeerFailedError,
    breakdown.BreakdownFailedError,
)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0, or 2 if it could not measure."""
    options = _parser().parse_args(arguments)
    try:
        with ExitStack() as stack:
            _run(options, stack)
    except _FAILURES as error:
        print(f"The benchmark ended early. {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: every server was ended.", file=sys.stderr)
        return 130
    return 0


def _run(options: argparse.Namespace, stack: ExitStack) -> None:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digits-bench-")))
    sizes, loads = (_QUICK_SIZES, _QUICK_LOADS) if options.quick else (_SIZES, _LOADS)
    repeats = options.repeats or (2 if options.quick else 5)
    model = (options.model or _train(options.mnist, directory / "model")).absolute()
    data = datasets.load("mnist" if options.mnist else "digits", "test", directory=options.mnist)
    rows = {size: Rows(np.resize(data.images, (size, data.images.shape[1]))) for size in sizes}
    lanes = [lane for lane in LANES if lane.server in (OURS, TUTORIAL, *options.peers)]
    reference = Reference(model)
    race = Race(lanes, _start(lanes, directory, model, rows[1], stack), rows, reference)
    samples = Samples()
    steps = len(lanes) * (1 + len(sizes) + repeats * (len(sizes) + len(loads)))
    with _progress(steps) as report, _clients() as clients:
        race.measure_memory(samples, results.LARGEST, report)
        race.check_labels(report)
        for _ in range(repeats):
            for size in sizes:
                race.measure_latency(samples, size, report)
            for size in loads:
                race.measure_throughput(samples, size, _LOAD_SECONDS, clients, report)
    ours = [lane for lane in lanes if lane.server in (OURS, TUTORIAL)]
    parts = breakdown.measure(race, ours, (1, results.LARGEST), directory)
    found = _describe(data, repeats), servers.versions(options.peers), samples, parts
    print(tables.render(*found, width=Console().width if sys.stdout.isatty() else _FILE_WIDTH))
    if options.markdown:
        options.markdown.write_text(tables.render(*found, width=_FILE_WIDTH, as_markdown=True), encoding="utf-8")
    if options.json:
        written = {"about": found[0], "versions": found[1], **results.to_json(samples)}
        written["breakdown"] = [asdict(part) for part in parts]
        options.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def _start(
    lanes: Sequence[Lane], directory: Path, model: Path, row: Rows, stack: ExitStack
) -> dict[str, servers.Server]:
    """Start the servers that the lanes need, one after the other."""
    running: dict[str, servers.Server] = {}
    for lane in lanes:
        if lane.server not in running:
            print(f"Starting {lane.server}", file=sys.stderr)
            started = servers.start(lane.server, directory, model, lane.request(row), stack)
            running[lane.server] = started
    return running


def _train(mnist: Path | None, output: Path) -> Path:
    """Train a model for this run on the same data."""
    data = ["--dataset", "mnist", "--directory", str(mnist)] if mnist else ["--dataset", "digits"]
    command = [sys.executable, "-m", "digits", "train", *data, "--output", str(output)]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit(2)  # it printed the reason
    return output / MODEL_FILE


@contextmanager
def _progress(steps: int) -> Iterator[Report]:
    """Show the current measurement, and the share that is done."""
    columns = BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=steps)
        yield lambda what: progress.update(task, description=what, advance=1)


@contextmanager
def _clients() -> Iterator[ProcessPoolExecutor]:
    """Have the client processes wait for work."""
    with ProcessPoolExecutor(CLIENTS, get_context("spawn"), initializer=be_a_client) as executor:
        # A short sleep in each, so that all of them run before the first counts.
        for nap in [executor.submit(time.sleep, 0.5) for _ in range(CLIENTS)]:
            nap.result()
        yield executor


def _describe(data: datasets.Dataset, repeats: int) -> str:
    return (
        f"Repeats: {repeats}, on {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"Python {platform.python_version()}, test rows of {data.name}. "
        f"Every label of every lane and size equals the model's own predict()."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument(
        "--peers",
        type=_peers,
        default=PEERS,
        metavar="NAME,…",
        help=f"frameworks to compare with, of {','.join(PEERS)}, or none (default: all)",
    )
    parser.add_argument("--repeats", type=int, help="how often each figure is taken (default: 5; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="only 1 and 10,000 rows")
    parser.add_argument("--mnist", type=Path, metavar="DIRECTORY", help="take MNIST from here (default: digits)")
    parser.add_argument("--model", type=Path, help="a model of `digits train` (default: train one now)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables here, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    return parser


def _peers(names: str) -> tuple[str, ...]:
    chosen = () if names == "none" else tuple(names.split(","))
    if unknown := set(chosen) - set(PEERS):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose of {', '.join(PEERS)}, or none")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
