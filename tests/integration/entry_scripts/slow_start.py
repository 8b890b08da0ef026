# ruff: noqa: ANN001, ANN201, D103 - as users write it
# mypy: ignore-errors
"""A service that takes its time to load."""

import time


def init():
    print("loading begins", flush=True)
    time.sleep(3)


def run(raw):
    return raw
