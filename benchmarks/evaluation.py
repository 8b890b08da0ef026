"""Times the evaluation's client on 10,000 images against the tutorial's way, and the opening of their report.

The tutorial turns all rows into one JSON request for its own entry script. Both ways run in turn on this machine,
also each with the other's service, from images in memory to labels. The labels must be the same.
Then Chromium opens the report and an empty page in turn: `make bench`.
"""

import digits.cli.interrupt  # before all else, see there

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import yaml
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from digits import datasets
from digits.evaluation import report, smoke
from digits.evaluation.scoring_client import Body, Client
from digits.runtime import environment, server
from digits.training.model import MODEL_FILE
from infra.model import ModelFile
from infra.scoring_directory import CONDA_FILE, ENTRY_SCRIPT
from infra.scoring_package import ScoringPackage

ROOT = Path(__file__).parents[1]
ROWS = 10_000
# 10,000 of scikit-learn's digits are 98 MB of JSON, of MNIST 61.
_LARGE_ENOUGH = {"MAX_BODY_MB": "128"}
Labels = list[int]


def main() -> None:
    """Measure and print a table of medians."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="digits-bench-") as directory, ExitStack() as stack:
        model = (options.model or _train(options.mnist, Path(directory) / "model")).absolute()
        data = datasets.load("mnist" if options.mnist else "digits", "test", directory=options.mnist)
        images = np.resize(data.images, (ROWS, data.images.shape[1]))
        ours = stack.enter_context(_serving(Path(directory) / "ours", model, _write_ours))
        theirs = stack.enter_context(_serving(Path(directory) / "tutorial", model, _write_tutorial_s))
        ways: dict[str, Callable[[], Labels]] = {
            "tutorial's way, tutorial's service": lambda: _tutorial_s_way(theirs, images),
            "tutorial's way, our service": lambda: _tutorial_s_way(ours, images),
            "our client, tutorial's service": lambda: _our_way(theirs, images),
            "our client, our service, JSON": lambda: _our_way(ours, images, "json"),
            "our client, our service": lambda: _our_way(ours, images),
        }
        samples: dict[str, list[float]] = {way: [] for way in ways}
        found = []
        for _ in range(options.repeats):
            for way, score in ways.items():
                started = time.perf_counter()
                found.append(score())
                samples[way].append(time.perf_counter() - started)
        dataset = datasets.Dataset(data.name, images, np.resize(data.labels, ROWS), data.digest)
        page = report.publish(smoke.evaluate(ours, None, dataset), dataset, Path(directory) / "report")
        opened = _open(page, options.repeats)
    if any(labels != found[0] for labels in found):
        sys.exit("The ways answered different labels, so their times say nothing.")
    _print(samples, data.name)
    size = "the report, ms until its load event: {:.0f} (median), {:.0f} to {:.0f}; an empty page: {:.0f}"
    print(size.format(statistics.median(opened[0]), min(opened[0]), max(opened[0]), statistics.median(opened[1])))


def _open(page: Path, repeats: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds until the load event of the page, and of an empty one, turn by turn."""
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        sys.exit("The report is opened in Chromium, which is not on PATH: install it, or run `make chromium`.")
    times: tuple[list[float], list[float]] = ([], [])
    loaded = "performance.getEntriesByType('navigation')[0].loadEventEnd"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        empty = page.with_name("empty.html")
        empty.write_text("<!doctype html><title>Empty</title>")
        for _ in range(repeats):
            for samples, file in zip(times, (page, empty), strict=True):
                tab = browser.new_page()
                tab.goto(file.as_uri())
                samples.append(float(tab.evaluate(loaded)))
                tab.close()
        browser.close()
    return times


def _tutorial_s_way(uri: str, images: Any) -> Labels:
    """Score all rows in one request, as service.run sends them."""
    body = json.dumps({"data": (images / 255).tolist()})
    response = httpx.post(uri, content=body, headers={"Content-Type": "application/json"}, timeout=300, trust_env=False)
    labels: Labels = response.raise_for_status().json()
    return labels


def _our_way(uri: str, images: Any, body: Body = "uint8") -> Labels:
    with Client(uri, None, body) as client:
        return client.score(images)


@contextmanager
def _serving(directory: Path, model: Path, write: Callable[[Path, Path], dict[str, str]]) -> Iterator[str]:
    """Serve the model with the package that `write` makes and yield the scoring URI."""
    conda = yaml.safe_load((ROOT / "scoring" / CONDA_FILE).read_text(encoding="utf-8"))
    variables = write(directory / "package", model)
    running = server.start(
        directory / "run",
        python=environment.build(conda, lambda line: print(line, file=sys.stderr)) / "bin" / "python",
        source_directory=directory / "package",
        entry_script=ENTRY_SCRIPT,
        model_directory=model.parent,
        port=0,
        environment_variables=variables,
        memory_gb=4,
    )
    try:
        running.wait_until_healthy(120)
        yield running.scoring_uri
    finally:
        running.stop(grace_seconds=0)


def _write_ours(package: Path, model: Path) -> dict[str, str]:
    """Write the package as the program deploys it, and return the settings of its server."""
    for name, content in ScoringPackage.read(ROOT / "scoring", ModelFile.read(model).manifest).files.items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    conda = yaml.safe_load((ROOT / "scoring" / CONDA_FILE).read_text(encoding="utf-8"))
    return {**environment.variables(conda), **_LARGE_ENOUGH}


def _write_tutorial_s(package: Path, _model: Path) -> dict[str, str]:
    """Write only the tutorial's entry script; the server uses its defaults."""
    package.mkdir(parents=True)
    shutil.copy(ROOT / "benchmarks" / "peers" / "tutorial.py", package / ENTRY_SCRIPT)
    return {}


def _train(mnist: Path | None, output: Path) -> Path:
    """Train a model for this run on the same data."""
    data = ["--dataset", "mnist", "--directory", str(mnist)] if mnist else ["--dataset", "digits"]
    command = [sys.executable, "-m", "digits", "train", *data, "--output", str(output)]
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit(2)  # it printed the reason
    return output / MODEL_FILE


def _print(samples: dict[str, list[float]], data: str) -> None:
    title = f"{ROWS:,} images of {data}, {os.cpu_count()} cores"
    table = Table("", "median s", "min", "max", "images/s", "speed-up", title=title)
    first = statistics.median(next(iter(samples.values())))
    for way, seconds in samples.items():
        median = statistics.median(seconds)
        figures = [f"{value:.2f}" for value in (median, min(seconds), max(seconds))]
        table.add_row(way, *figures, f"{ROWS / median:,.0f}", f"{first / median:.1f}x")
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often each figure is taken (default: %(default)s)")
    parser.add_argument("--mnist", type=Path, metavar="DIRECTORY", help="take MNIST from here (default: digits)")
    parser.add_argument("--model", type=Path, help="a model of `digits train` (default: train one now)")
    return parser


if __name__ == "__main__":
    main()
