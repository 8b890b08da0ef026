# /// script
# requires-python = "==3.11.*"
# dependencies = [
#   "bentoml==1.4.39",
#   "joblib==1.6.0",
#   "numpy==2.4.6",
#   "scikit-learn==1.9.1",
# ]
# ///
# mypy: ignore-errors
# Its imports are installed in its own environment, not here.
"""A BentoML service that takes and gives arrays, under `bentoml serve` with its default settings."""

import os
from pathlib import Path

import bentoml
import joblib
import numpy as np
import owner

owner.watch()  # here, because `bentoml serve` and each of its workers import this module anew


@bentoml.service
class Digits:
    """The pickle behind predict()."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL_FILE"])

    @bentoml.api
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Answer {"rows": [[number, …], …]} with [label, …]."""
        labels: np.ndarray = self.model.predict(rows)
        return labels


if __name__ == "__main__":
    from bentoml_cli.cli import cli

    here = Path(__file__)
    cli(
        [
            "serve",
            f"{here.stem}:Digits",
            "--working-dir",
            str(here.parent),
            "--host",
            "127.0.0.1",
            "--port",
            os.environ["PORT"],
        ]
    )
