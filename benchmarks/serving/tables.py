"""The figures as tables for the terminal."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.serving.breakdown import Breakdown
from benchmarks.serving.measurement import CLIENTS, Samples
from benchmarks.serving.results import LARGEST, Goal, Ratio, gain, goals, percentiles, speedup


def render(  # noqa: PLR0913 - all results
    about: str,
    versions: Mapping[str, Sequence[str]],
    samples: Samples,
    parts: Sequence[Breakdown],
    *,
    width: int,
    as_markdown: bool = False,
) -> str:
    """Return all figures, for a terminal of this width or as Markdown."""
    console = Console(file=StringIO(), width=width)
    with console.capture() as captured:
        for title, table in _tables(samples, parts):
            table.box = box.MARKDOWN if as_markdown else box.SIMPLE_HEAD
            console.print(f"{title}:", table, sep="\n", highlight=False)
    packages = (f"- {name}: {', '.join(pinned)}" for name, pinned in versions.items())
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([*lines, about, "", *packages, ""])


def _tables(samples: Samples, parts: Sequence[Breakdown]) -> Iterator[tuple[str, Table]]:
    times = "times the tutorial's score.py, median (least to most over the repeats)"
    yield f"Goals, in {times}", _goals(goals(samples))
    yield f"Latency, {times}", _ratios(samples)
    yield "Latency with one client in ms, p50 / p99 over all repeats", _latency(samples)
    yield f"Requests per second with {CLIENTS} clients, median; and {times}", _throughput(samples)
    yield "Memory of all the server's processes in MB, pages that they share counted in each", _memory(samples)
    yield "Where a request's time goes at its quickest, in ms", _parts(parts)


def _latency(samples: Samples) -> Table:
    sizes = list(next(iter(samples.latency.values())))
    table = _table(*map(_rows, sizes))
    for lane in samples.latency:
        cells = (percentiles(samples, lane, size) for size in sizes)
        table.add_row(lane, *(f"{_number(1e3 * p50)} / {_number(1e3 * p99)}" for p50, p99 in cells))
    return table


def _ratios(samples: Samples) -> Table:
    sizes = list(next(iter(samples.latency.values())))
    table = _table(*map(_rows, sizes))
    for lane in samples.latency:
        table.add_row(lane, *(_ratio(speedup(samples, lane, size)) for size in sizes))
    return table


def _throughput(samples: Samples) -> Table:
    sizes = list(next(iter(samples.throughput.values())))
    table = _table(*(column for size in sizes for column in (_rows(size), "times")))
    for lane, rates in samples.throughput.items():
        pairs = ((f"{statistics.median(rates[size]):,.0f}", _ratio(gain(samples, lane, size))) for size in sizes)
        table.add_row(lane, *(cell for pair in pairs for cell in pair))
    return table


def _memory(samples: Samples) -> Table:
    table = _table("at rest", f"peak at {LARGEST:,} rows")
    for lane in samples.throughput:
        table.add_row(lane, *(f"{size / 1e6:,.0f}" for size in samples.memory[lane]))
    return table


def _goals(reached: Sequence[Goal]) -> Table:
    table = _table("goal", "measured", "met")
    for goal in reached:
        table.add_row(goal.what, f"≥ {goal.goal:g}x", _ratio(goal.measured), "yes" if goal.is_met else "no")
    return table


def _parts(parts: Sequence[Breakdown]) -> Table:
    table = _table("in all", "entry script", "inference server", "worker, network, client")
    for part in parts:
        whole = part.script + part.server + part.rest
        cells = (f"{_number(1e3 * time)} ({time / whole:.0%})" for time in (part.script, part.server, part.rest))
        table.add_row(f"{part.lane}, {_rows(part.rows)}", _number(1e3 * whole), *cells)
    return table


def _table(*columns: str) -> Table:
    table = Table("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _rows(size: int) -> str:
    return "1 row" if size == 1 else f"{size:,} rows"


def _ratio(ratio: Ratio) -> str:
    return f"{_number(ratio.median)} ({_number(ratio.least)} to {_number(ratio.most)})"


def _number(value: float) -> str:
    """Return three digits for a number of any size."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004
