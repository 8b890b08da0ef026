"""A service that takes its time to load."""

import time


def init():
    print("loading begins", flush=True)
    time.sleep(3)


def run(raw):
    return raw
