# ruff: noqa: ANN001, ANN201, D103 - as users write it
# mypy: ignore-errors
"""A service whose container can be ended by a request."""

import os


def init():
    pass


def run(raw):
    if "die" in raw:
        os._exit(3)
    return "alive"
