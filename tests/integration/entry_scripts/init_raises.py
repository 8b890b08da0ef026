# ruff: noqa: ANN001, ANN201, D100, D103 - as users write it
# mypy: ignore-errors
def init():
    raise ValueError("the model is upside down")


def run(raw):
    return raw
