# ruff: noqa: ANN001, ANN201, D103 - as users write it
# mypy: ignore-errors
"""A service that loads once the file exists that gate.txt next to it names."""

import time
from pathlib import Path


def init():
    gate = Path(Path(__file__).with_name("gate.txt").read_text())
    while not gate.exists():
        time.sleep(0.05)


def run(raw):
    return raw
