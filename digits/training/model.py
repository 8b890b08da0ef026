"""The model and what is written down about it: fit, serialise, metadata, and whether they are up to date.

The same data, parameters and versions give the same pickle, so an unchanged model is never registered twice.
skops gives other bytes each time (object ids and times are in them), so such a file is recognised by the recipe and
the SHA-256 in its metadata and not written again while they hold: serialised once, those bytes are promoted.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from digits import atomic_files
from digits.datasets import DIGESTS, Dataset
from digits.training.recipe import find_change, write_recipe

MODEL_FILE = "sklearn_mnist_model.pkl"
SKOPS_FILE = "sklearn_mnist_model.skops"
METADATA_FILE = "metadata.json"
# The tutorial's: a binary liblinear classifier for each digit, its C written there as 1/0.8.
PARAMETERS = {"C": 1.25, "solver": "liblinear", "random_state": 42}

_PICKLE_PROTOCOL = 5


def fit(train: Dataset) -> Any:
    """Return the classifier fitted to the images as numbers from 0 to 1."""
    from sklearn.linear_model import LogisticRegression  # a second of imports; is_current needs none
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(LogisticRegression(**PARAMETERS)).fit(train.images / 255, train.labels)


def write(
    model: Any,
    train: Dataset,
    test: Dataset,
    directory: Path,
    file: str = MODEL_FILE,
) -> dict[str, Any]:
    """Write the model, as its file's suffix says, and metadata.json, each whole or not at all; return the metadata."""
    content, trusted = _skops(model) if file == SKOPS_FILE else (_pickle(model), {})
    metadata = {
        "modelFile": file,
        "sha256": hashlib.sha256(content).hexdigest(),
        **trusted,
        **_recipe(train.name, train.digest, train.rows, file),
        "accuracy": round(model.score(test.images / 255, test.labels), 6),
        "rowsEvaluated": test.rows,
    }
    directory.mkdir(parents=True, exist_ok=True)
    # The metadata last: it names the model's SHA-256, so being killed in between shows.
    evidence = json.dumps(metadata, indent=2).encode() + b"\n"
    atomic_files.replace_all({directory / file: content, directory / METADATA_FILE: evidence})
    return metadata


def _pickle(model: Any) -> bytes:
    import joblib

    pickled = io.BytesIO()
    joblib.dump(model, pickled, protocol=_PICKLE_PROTOCOL)
    return pickled.getvalue()


def _skops(model: Any) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes, and the types that loading them takes beyond those that skops trusts by itself."""
    import skops.io

    content = skops.io.dumps(model)
    return content, {"trustedTypes": skops.io.get_untrusted_types(data=content)}


def read_current(directory: Path, dataset: str, file: str = MODEL_FILE) -> tuple[dict[str, Any] | None, str | None]:
    """Return the metadata if this file is what training on this data set would make, else why it is not.

    Where there is no model yet, there is no reason either.
    """
    path, evidence = directory / file, directory / METADATA_FILE
    if not path.exists():
        return None, None
    try:
        metadata = json.loads(evidence.read_text(encoding="utf-8"))
        rows, described = metadata["dataset"]["rows"], (metadata["modelFile"], metadata["sha256"])
        accuracy = metadata["accuracy"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None, f"{evidence} is missing, or not what training writes"
    if described != (file, hashlib.sha256(path.read_bytes()).hexdigest()):
        return None, f"{path} is not the file that {evidence} describes"
    if type(accuracy) is not float or not 0 <= accuracy <= 1 or type(rows) is not int:
        return None, f"{evidence} gives no accuracy from 0 to 1, or no number of rows"
    change = find_change(metadata, _recipe(dataset, DIGESTS[dataset, "train"], rows, file))
    return (None, change) if change else (metadata, None)


def _recipe(dataset: str, digest: str, rows: int, file: str) -> dict[str, Any]:
    return write_recipe(dataset, digest, rows, PARAMETERS, ("skops",) if file == SKOPS_FILE else ())
