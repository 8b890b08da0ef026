# ruff: noqa: ANN001, ANN201, D100, D103 - as users write it
# mypy: ignore-errors
import a_package_that_nobody_made


def init():
    a_package_that_nobody_made.begin()


def run(raw):
    return raw
