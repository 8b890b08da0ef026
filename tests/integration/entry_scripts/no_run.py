# ruff: noqa: ANN201, D100, D103 - as users write it
# mypy: ignore-errors
def init():
    pass
