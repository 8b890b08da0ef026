# ruff: noqa: ANN001, ANN201, D103 - as users write it
# mypy: ignore-errors
"""A service that answers with what it was sent."""

import json


def init():
    print("echo is ready")


def run(raw):
    return json.loads(raw)
