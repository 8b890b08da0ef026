# ruff: noqa: INP001 - a folder that is deployed, not a package
"""What runs in the service: init() loads the verified model once, run() answers each request.

The contract is the tutorial's: {"data": [[784 numbers], …]} → [label, …]. Any other body is a 400 with one sentence.
"""

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np

MANIFEST = Path(__file__).with_name("manifest.json")

model: Any = None


class ModelRefusedError(Exception):
    """The model is not the one that was deployed with this code."""


class BadRequestError(Exception):
    """The body is not what the service takes; the sentence goes to the caller."""


def init() -> None:
    """Load the model from AZUREML_MODEL_DIR; the inference server calls this once, before the first request."""
    global model  # noqa: PLW0603 - the inference server's contract: what init() loads, run() finds
    content = read_verified_model(MANIFEST, Path(os.environ["AZUREML_MODEL_DIR"]))
    model = joblib.load(io.BytesIO(content))


def run(raw: str) -> Any:  # noqa: ANN401 - labels, or the server's response object
    """Answer one request: a list with one label for each row."""
    try:
        rows = read_rows(raw, model.n_features_in_)
    except BadRequestError as error:
        return bad_request(str(error))
    return model.predict(rows).tolist()


def read_verified_model(manifest: Path, directory: Path) -> bytes:
    """Return the model file's bytes if they have the SHA-256 that the manifest names.

    Unpickling runs whatever code the file holds, so exactly the bytes that were checked are the ones to unpickle.
    """
    if not manifest.is_file():
        raise ModelRefusedError(f"{manifest} is missing, so no model can be verified: deploy it beside score.py.")
    expected = json.loads(manifest.read_text(encoding="utf-8"))["model"]
    file: Path = directory / expected["file"]
    if not file.is_file():
        raise ModelRefusedError(f"{file} is missing: deploy the registered model that {manifest.name} names.")
    content = file.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != expected["sha256"]:
        raise ModelRefusedError(
            f"{file} has SHA-256 {sha256} and {manifest.name} names {expected['sha256']}: it was not loaded; "
            f"deploy the model and the code that belong together."
        )
    return content


def read_rows(raw: str, width: int) -> np.ndarray:
    """Return the rows of {"data": [[number, …], …]}, each of `width` finite numbers."""
    try:
        data = json.loads(raw)["data"]
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"The body is not JSON: {error}.") from None
    except (KeyError, TypeError, IndexError):
        raise BadRequestError('The body has no key "data": send {"data": [[...], ...]}.') from None
    if not isinstance(data, list) or not data:
        raise BadRequestError('"data" is not a list of at least one row.')
    for number, row in enumerate(data):
        if not isinstance(row, list) or len(row) != width:
            length = f"has {len(row)} values" if isinstance(row, list) else "is not a list"
            raise BadRequestError(f'Row {number} of "data" {length}: the model takes {width} numbers in each row.')
    try:
        rows = np.array(data)
        if rows.dtype.kind == "O":  # integers beyond 64 bits, nulls
            rows = rows.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        raise BadRequestError('"data" holds something other than numbers.') from None
    if rows.dtype.kind not in "biuf" or rows.shape != (len(data), width):
        raise BadRequestError('"data" holds something other than numbers.')
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise BadRequestError(f'Row {finite.argmin()} of "data" holds a value that is not a finite number.')
    return rows


def bad_request(sentence: str) -> Any:  # noqa: ANN401 - the server's class has no types
    """Return a 400 that says what was wrong."""
    # Only the inference server has this module; good input needs none of it, so run() works in a notebook too.
    from azureml_inference_server_http.api.aml_response import AMLResponse  # noqa: PLC0415

    return AMLResponse({"message": sentence}, 400, json_str=True)
