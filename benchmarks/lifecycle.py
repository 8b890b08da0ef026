"""Times a deployment, from `make up` on a bare clone to `make down`: `make bench`.

Every figure is taken with the user's own commands, on clones in a temporary folder with caches of their own.
An empty Pulumi program is timed in turn with the unchanged stack. Getting the CLI is not counted.
"""

from digits.cli import children, interrupt

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools import working_copy

ROOT = working_copy.ROOT
Samples = dict[str, list[float]]


def main() -> None:
    """Measure and print a table of medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lifecycle", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="how often each figure is taken (default 3)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="digits-bench-") as directory:
        samples = _measure(Path(directory), arguments.repeats)
    _print(samples, arguments.repeats)


def _measure(directory: Path, repeats: int) -> Samples:
    samples: Samples = {}
    environment = _environment(directory)
    for turn in range(repeats):
        shutil.rmtree(directory / "cache", ignore_errors=True)
        for name in ("make up, bare clone, empty caches", "make up, second clone"):
            clone = directory / f"clone-{turn}"
            _run(["git", "clone", "-q", str(ROOT), str(clone)], directory, environment)
            with _deployed(clone, environment):
                _time(samples, name, ["make", "up"], clone, environment)
                if name == "make up, second clone":
                    _measure_deployed(samples, clone, environment, directory)
            shutil.rmtree(clone)
    return samples


@contextmanager
def _deployed(clone: Path, environment: dict[str, str]) -> Iterator[None]:
    """Leave nothing running, even after an error."""
    try:
        yield
    finally:
        with interrupt.held_off():
            subprocess.run(["make", "down"], cwd=clone, env=environment, capture_output=True, check=False)


def _measure_deployed(samples: Samples, clone: Path, environment: dict[str, str], directory: Path) -> None:
    shell = _shell(clone, environment)
    empty = _empty_program(directory / "empty", clone, shell)
    for _ in range(3):
        for what in (["up", "--yes", "--skip-preview"], ["preview"]):
            _time(samples, f"pulumi {what[0]}, unchanged", ["pulumi", *what], clone, shell)
            _time(samples, f"pulumi {what[0]}, empty program", ["pulumi", *what], empty, shell)
    for change in range(3):
        with (clone / "scoring/score.py").open("a") as script:
            script.write(f"# change {change}\n")
        _time(
            samples, "changed score.py to a verified release", ["pulumi", "up", "--yes", "--skip-preview"], clone, shell
        )
    started = time.perf_counter()
    _run(["make", "down"], clone, environment)
    _run(["make", "up"], clone, environment)
    samples.setdefault("make down, then make up", []).append(time.perf_counter() - started)


def _empty_program(directory: Path, clone: Path, shell: dict[str, str]) -> Path:
    """Make the smallest Python program, on the same packages and state backend."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text(
        f"name: empty\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {clone / '.venv'}\n"
    )
    (directory / "Pulumi.dev.yaml").write_text("config:\n  empty:nothing: here\n")
    (directory / "__main__.py").write_text("import pulumi\n")
    _run(["pulumi", "stack", "select", "--create", "dev"], directory, shell)
    _run(["pulumi", "up", "--yes", "--skip-preview"], directory, shell)
    return directory


def _environment(directory: Path) -> dict[str, str]:
    """Return this shell's environment with caches and Pulumi's home in the temporary folder, and the CLI on PATH."""
    found = children.run([sys.executable, "-m", "tools.pulumi"], cwd=ROOT, stdout=subprocess.PIPE)
    if found.returncode != 0:
        sys.exit(found.returncode)  # it printed the reason
    kept = working_copy.clean_environment()
    return kept | {
        "PATH": f"{found.stdout.strip()}:{kept['PATH']}",
        "XDG_CACHE_HOME": str(directory / "cache"),
        "UV_CACHE_DIR": str(directory / "cache/uv"),
        "PIP_CACHE_DIR": str(directory / "cache/pip"),
        "PULUMI_HOME": str(directory / "pulumi"),
    }


def _shell(clone: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of a shell after the README's `eval` line."""
    printed = subprocess.run(
        ["bash", "-c", 'eval "$(make -s env)" && env -0'],
        cwd=clone,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    pairs = dict(pair.split("=", 1) for pair in printed.decode().split("\0") if "=" in pair)
    pairs.pop("PYTHONDONTWRITEBYTECODE", None)
    return pairs


def _time(samples: Samples, name: str, command: list[str], directory: Path, environment: dict[str, str]) -> None:
    started = time.perf_counter()
    _run(command, directory, environment)
    samples.setdefault(name, []).append(time.perf_counter() - started)
    print(f"{samples[name][-1]:7.2f} s  {name}", flush=True)


def _run(command: list[str], directory: Path, environment: dict[str, str]) -> None:
    done = children.run(command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} exited {done.returncode}:\n{done.stdout}\n{done.stderr}")


def _print(samples: Samples, repeats: int) -> None:
    table = Table("", "median s", "min", "max", "samples", title=f"Lifecycle, {repeats} clones, {os.cpu_count()} cores")
    for name, values in samples.items():
        table.add_row(
            name, f"{statistics.median(values):.1f}", f"{min(values):.1f}", f"{max(values):.1f}", str(len(values))
        )
    console = Console()
    console.print(table)
    for what in ("up", "preview"):
        ours, theirs = (samples[f"pulumi {what}, {which}"] for which in ("unchanged", "empty program"))
        ratio = statistics.median(ours) / statistics.median(theirs)
        console.print(f"pulumi {what}, unchanged: {ratio:.2f} times an empty Python program's")


if __name__ == "__main__":
    main()
