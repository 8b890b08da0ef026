"""The tutorial's entry script, for the inference server: load, parse, predict, no checks."""

import json
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np

model: Any = None


def init() -> None:
    """Load the model."""
    global model  # noqa: PLW0603 - the inference server's contract: what init() loads, run() finds
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "sklearn_mnist_model.pkl")


def run(raw: str) -> Any:
    """Answer one request."""
    return model.predict(np.array(json.loads(raw)["data"])).tolist()
