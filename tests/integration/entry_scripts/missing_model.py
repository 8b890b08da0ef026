# ruff: noqa: ANN001, ANN201, D100, D103 - as users write it
# mypy: ignore-errors
import os
from pathlib import Path


def init():
    Path(os.environ["AZUREML_MODEL_DIR"], "no_such_model.pkl").read_bytes()


def run(raw):
    return raw
