"""Servers for the tests of digits.runtime: a small entry script in the real scoring environment."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from digits.runtime import environment, server

ROOT = Path(__file__).parents[2]


@functools.cache
def python() -> Path:
    """Return the interpreter of the environment that scoring/conda.yml describes."""
    conda = yaml.safe_load((ROOT / "scoring" / "conda.yml").read_text(encoding="utf-8"))
    return environment.build(conda) / "bin" / "python"


def package(directory: Path, script: str) -> Path:
    """Write a scoring package with this entry script."""
    source = directory / "package"
    source.mkdir(exist_ok=True)
    (source / "score.py").write_text(script, encoding="utf-8")
    return source


@contextmanager
def started(directory: Path, script: str, **options: Any) -> Iterator[server.ScoringServer]:
    """Start a server with the entry script; always end it."""
    settings: dict[str, Any] = {
        "python": python(),
        "source_directory": package(directory, script),
        "entry_script": "score.py",
        "model_directory": directory,
        "port": 0,
    }
    running = server.start(directory / "run", **{**settings, **options})
    try:
        yield running
    finally:
        running.stop(grace_seconds=0)


@contextmanager
def healthy(directory: Path, script: str, **options: Any) -> Iterator[server.ScoringServer]:
    """Start a server and wait until it answers."""
    with started(directory, script, **options) as running:
        running.wait_until_healthy(60)
        yield running
