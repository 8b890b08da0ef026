# ruff: noqa: INP001 - a folder that is deployed, not a package
"""The registered model: first compared with the manifest that travels with the code, then loaded.

Unpickling runs any code that the file holds, so exactly the bytes whose SHA-256 was checked are loaded.
The file's suffix chooses the format: .pkl and .joblib are pickles, .skops builds only types that are trusted.
"""

import hashlib
import io
import json
import re
import time
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

MAX_EXPANDED_BYTES = 512 * 2**20  # of a .skops file: half of the container's memory, the rest is for the process

# The messages of the two kinds of unpickling.
_MISSING = (
    re.compile(r"[Cc]an't get attribute '(?P<name>[^']+)' on <module '(?P<module>[^']+)'"),
    re.compile(r"module '(?P<module>[^']+)' has no attribute '(?P<name>[^']+)'"),
)
_OF_LIBRARIES = ("sklearn", "numpy", "scipy", "joblib", "pandas")


class ModelRefusedError(Exception):
    """The model is not the one that was deployed with this code, or not in a form that may be loaded."""


@dataclass(frozen=True)
class LoadedModel:
    """The model and the facts for the start-up line; `warning` is a sentence or None."""

    model: Any
    file: Path
    sha256: str
    trained_with: str | None  # scikit-learn's version; None if the manifest names none
    running_with: str
    warning: str | None
    seconds: float


def load(manifest: Path, directory: Path) -> LoadedModel:
    """Load the model that the manifest names from AZUREML_MODEL_DIR; raises ModelRefusedError."""
    started = time.perf_counter()
    expected = read_manifest(manifest)
    file = directory / expected["file"]
    content = read_verified_model(file, expected["sha256"])
    trained = expected.get("frameworkVersion")
    warning = None
    if trained and trained != sklearn.__version__:
        warning = (
            f"{file.name} was trained with scikit-learn {trained} and runs with {sklearn.__version__}: its labels may "
            f"differ; pin scikit-learn=={trained} in conda.yml, or train the model with {sklearn.__version__}."
        )
    with warnings.catch_warnings():
        if warning:  # scikit-learn would say it again, once for each estimator
            warnings.simplefilter("ignore", InconsistentVersionWarning)
        model = deserialize(file, content, expected.get("trustedTypes", []))
    seconds = time.perf_counter() - started
    return LoadedModel(model, file, expected["sha256"], trained, sklearn.__version__, warning, seconds)


def read_manifest(manifest: Path) -> dict[str, Any]:
    """Return the manifest's entry for the model."""
    if not manifest.is_file():
        raise ModelRefusedError(f"{manifest} is missing, so no model can be verified: deploy it next to score.py.")
    try:
        expected: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))["model"]
        _ = expected["file"], expected["sha256"]
    except (ValueError, KeyError, TypeError):
        raise ModelRefusedError(
            f"{manifest} names no model with file and sha256, so none can be verified: deploy it with `pulumi up`."
        ) from None
    return expected


def read_verified_model(file: Path, sha256: str) -> bytes:
    """Return the file's bytes if they have this SHA-256."""
    if not file.is_file():
        raise ModelRefusedError(f"{file} is missing: deploy the registered model that the manifest names.")
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelRefusedError(
            f"{file} has SHA-256 {found} and the manifest names {sha256}: it was not loaded; "
            f"deploy the model and the code that belong together."
        )
    return content


def deserialize(file: Path, content: bytes, trusted: list[str]) -> Any:
    """Return the object in these verified bytes; the file's suffix names their format."""
    if file.suffix in (".pkl", ".joblib"):
        return _read_pickle(file, content)
    if file.suffix == ".skops":
        return _read_skops(file, content, trusted)
    raise ModelRefusedError(
        f"{file} ends in {file.suffix or 'no suffix'!r}, which names no format that is loaded here: "
        f"register the model as .pkl, .joblib or .skops."
    )


def _read_pickle(file: Path, content: bytes) -> Any:
    """Unpickle; an error names the module or class that the pickle needs and that is missing here."""
    try:
        return joblib.load(io.BytesIO(content))
    except ModuleNotFoundError as error:
        raise ModelRefusedError(f"{file} {_explain_module(str(error.name))}") from error
    except AttributeError as error:
        missing = next(filter(None, (words.search(str(error)) for words in _MISSING)), None)
        if missing is None:
            raise _unreadable(file, error) from error
        raise ModelRefusedError(f"{file} {_explain_name(**missing.groupdict())}") from error
    except Warning:  # if warnings are errors, they are their own sentence
        raise
    except Exception as error:  # a pickle runs code, which may raise anything
        raise _unreadable(file, error) from error


def _explain_module(module: str) -> str:
    if module.partition(".")[0] in _OF_LIBRARIES:
        return (
            f"names the module {module}, which the installed version does not have: pin in conda.yml the version that "
            f"it was saved with, or train the model again with the installed one."
        )
    return (
        f"needs the module {module}, which is not here: put {module.partition('.')[0]}.py into scoring/ if it is your "
        f"own, or name its package in conda.yml."
    )


def _explain_name(name: str, module: str) -> str:
    if module.rpartition(".")[2] == "__main__":
        return (
            f"names {name} of the script or notebook that saved it, which is not here: put {name} into a module in "
            f"scoring/, import it from there in the training, and save the model again."
        )
    return (
        f"names {name} of the module {module}, which does not have it here: deploy the module that it was saved with, "
        f"or train the model again."
    )


def _unreadable(file: Path, error: Exception) -> ModelRefusedError:
    reason = str(error).partition("\n")[0].rstrip(".")
    return ModelRefusedError(
        f"{file} cannot be loaded with scikit-learn {sklearn.__version__} ({type(error).__name__}: {reason}): "
        f"train the model again, or pin in conda.yml the versions that it was saved with."
    )


def _read_skops(file: Path, content: bytes, trusted: list[str]) -> Any:
    """Build the object from the types that skops trusts by itself and those that the manifest pins."""
    import skops.io  # a second of imports, which a pickle does not need

    try:
        _require_bounded(file, content)
        untrusted = sorted({*skops.io.get_untrusted_types(data=content)} - {*trusted})
        if untrusted:
            raise ModelRefusedError(
                f"{file} holds types that its manifest does not trust ({', '.join(untrusted)}): it was not loaded; "
                f"name them under trustedTypes in metadata.json if they are meant to be there."
            )
        return skops.io.loads(content, trusted=trusted)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, RecursionError) as error:
        raise ModelRefusedError(f"{file} is not a model that skops can read: {error}.") from None


def _require_bounded(file: Path, content: bytes) -> None:
    """Refuse an archive that would fill the memory before its types are checked; one of a megabyte can.

    zipfile expands a compressed entry whole, even beyond the size that it declares. skops reads an entry anew for each
    object that names it. skops.io.dump compresses nothing and names each entry once.
    """
    names: list[Any] = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist())
        if not compressed:
            json.loads(archive.read("schema.json"), object_hook=lambda node: names.append(node.get("file")))
    if compressed or sum(entries[name].file_size for name in names if name in entries) > MAX_EXPANDED_BYTES:
        raise ModelRefusedError(
            f"{file} is compressed or expands beyond {MAX_EXPANDED_BYTES >> 20} MiB: it was not loaded; "
            f"write it with skops.io.dump, without compression."
        )
