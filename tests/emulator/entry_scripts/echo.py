"""A service that answers with what it was sent."""

import json


def init():
    print("echo is ready")


def run(raw):
    return json.loads(raw)
