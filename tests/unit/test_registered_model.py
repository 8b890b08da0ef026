"""The registered model: no byte is loaded that is not the deployed one's, and no type that is not trusted."""

import hashlib
import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import registered_model
import sklearn
import skops.io
from sklearn.tree import DecisionTreeClassifier

from evaluation import datasets
from infra.model import ModelFile
from training.model import MODEL_FILE, SKOPS_FILE, fit, write

TREE = "sklearn.tree._tree.Tree"


class Trap:
    """Runs code when it is loaded, pickled or not: it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, str]) -> None:
        Path(state["path"]).touch()


def load(directory: Path, name: str, content: bytes, **more: object) -> registered_model.LoadedModel:
    """Write the model and a manifest that names it, and load it as the service does."""
    (directory / name).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    manifest = directory / "manifest.json"
    manifest.write_text(json.dumps({"model": {"file": name, "sha256": sha256, **more}}))
    return registered_model.load(manifest, directory)


def refusal(directory: Path, name: str, content: bytes, **more: object) -> str:
    """Return the one sentence with which loading is refused."""
    with pytest.raises(registered_model.ModelRefusedError) as refused:
        load(directory, name, content, **more)
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def archive(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as written:
        for name, data in entries.items():
            written.writestr(name, data)
    return content.getvalue()


def entries(content: bytes) -> dict[str, bytes]:
    """Return what a zip holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as read:
        return {name: read.read(name) for name in read.namelist()}


@pytest.fixture(scope="module")
def tree() -> Any:  # noqa: ANN401 - scikit-learn ships no types
    """A model that skops loads only where its tree is trusted."""
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(*_some_digits())


def _some_digits() -> tuple[np.ndarray, np.ndarray]:
    digits = datasets.load("digits", "train")
    return digits.images[:200] / 255, digits.labels[:200]


def test_pickle_and_skops_read_every_digit_alike(tmp_path: Path) -> None:
    """From training through infra's manifest to the loader: the same model, whichever the format."""
    train, test = datasets.load("digits", "train"), datasets.load("digits", "test")
    model = fit(train)
    loaded = []
    for name in (MODEL_FILE, SKOPS_FILE):
        directory = tmp_path / name
        write(model, train, test, directory, name)
        deployed = ModelFile.read(directory / name)
        (directory / "manifest.json").write_text(json.dumps(deployed.manifest))
        loaded.append(registered_model.load(directory / "manifest.json", directory))
        assert loaded[-1].file == directory / name
        assert loaded[-1].sha256 == deployed.sha256
        assert loaded[-1].trained_with == loaded[-1].running_with == sklearn.__version__
        assert loaded[-1].warning is None
        assert loaded[-1].seconds > 0
    pickled, from_skops = (one.model for one in loaded)
    assert (from_skops.predict(test.images / 255) == pickled.predict(test.images / 255)).all()
    assert (from_skops.decision_function(test.images / 255) == pickled.decision_function(test.images / 255)).all()


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib"])
def test_a_swapped_pickle_runs_no_code(tmp_path: Path, name: str) -> None:
    """The digests differ, so not a byte is unpickled; the pickle that the manifest names does run its code."""
    sprung = tmp_path / "sprung"
    load(tmp_path, name, pickle.dumps("harmless"))
    (tmp_path / name).write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(registered_model.ModelRefusedError, match=r"has SHA-256 .* was not loaded"):
        registered_model.load(tmp_path / "manifest.json", tmp_path)
    assert not sprung.exists()
    load(tmp_path, name, pickle.dumps(Trap(sprung)))
    assert sprung.exists()


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    """Also where the change leaves a file that loads: the weights of another model."""
    content = skops.io.dumps(np.arange(3.0))
    load(tmp_path, "model.skops", content)
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(-np.arange(3.0)))
    with pytest.raises(registered_model.ModelRefusedError, match="was not loaded"):
        registered_model.load(tmp_path / "manifest.json", tmp_path)


def test_a_type_that_is_not_pinned_is_refused_by_name(tmp_path: Path, tree: Any) -> None:  # noqa: ANN401
    """What the manifest trusts is loaded, at most that; a type beside it does not help."""
    content = skops.io.dumps(tree)
    assert TREE in refusal(tmp_path, "model.skops", content)
    assert TREE in refusal(tmp_path, "model.skops", content, trustedTypes=["sklearn.svm._classes.SVC"])
    images, _ = _some_digits()
    trusting = load(tmp_path, "model.skops", content, trustedTypes=[TREE])
    assert (trusting.model.predict(images) == tree.predict(images)).all()


def test_an_untrusted_type_runs_no_code(tmp_path: Path) -> None:
    """A type of one's own is built only where the manifest names it."""
    sprung = tmp_path / "sprung"
    content = skops.io.dumps(Trap(sprung))
    assert f"{Trap.__module__}.Trap" in refusal(tmp_path, "model.skops", content)
    assert not sprung.exists()
    load(tmp_path, "model.skops", content, trustedTypes=[f"{Trap.__module__}.Trap"])
    assert sprung.exists()


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_is_not_expanded(tmp_path: Path, compression: int) -> None:
    """A small file that says nothing wrong, but is large once it is read."""
    padded = entries(skops.io.dumps([1]))
    padded["schema.json"] += b" " * 2**26
    content = archive(padded, compression)
    assert len(content) < 2**17
    tracemalloc.start()
    try:
        assert "compressed or expands beyond 512 MiB" in refusal(tmp_path, "model.skops", content)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_an_entry_that_is_named_a_thousand_times_is_not_read_a_thousand_times(tmp_path: Path) -> None:
    """Nothing is compressed, and the file is a megabyte: skops would make a gigabyte of it."""
    bomb = entries(skops.io.dumps([np.zeros(2**17)]))
    schema = json.loads(bomb["schema.json"])
    (array,) = schema["content"]
    schema["content"] = [{**array, "__id__": number} for number in range(1000)]
    bomb["schema.json"] = json.dumps(schema).encode()
    assert "compressed or expands beyond 512 MiB" in refusal(tmp_path, "model.skops", archive(bomb))
    schema["content"] = schema["content"][:2]
    bomb["schema.json"] = json.dumps(schema).encode()
    assert len(load(tmp_path, "model.skops", archive(bomb)).model) == 2


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.skops", b"not a zip", "is not a model that skops can read: File is not a zip file."),
        ("model.skops", archive({}), "is not a model that skops can read"),
        ("model.skops", archive({"schema.json": b"{}"}), "is not a model that skops can read"),
        ("model.skops", archive({"schema.json": b"[" * 100_000}), "is not a model that skops can read"),
        ("model.onnx", b"weights", "ends in '.onnx', which names no format that is loaded here"),
        ("model", b"weights", "ends in 'no suffix'"),
    ],
)
def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    """The suffix chooses the format; what does not keep to it is named."""
    assert sentence in refusal(tmp_path, name, content)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"model": {"file": "model.pkl"}}', '{"model": null}'])
def test_without_a_digest_nothing_is_loaded(tmp_path: Path, manifest: str) -> None:
    """A manifest that names no model is as good as none."""
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(registered_model.ModelRefusedError, match="none can be verified"):
        registered_model.load(tmp_path / "manifest.json", tmp_path)


@pytest.mark.parametrize("missing", ["manifest.json", "model.pkl"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    """The sentence says which one to deploy."""
    load(tmp_path, "model.pkl", pickle.dumps("harmless"))
    (tmp_path / missing).unlink()
    with pytest.raises(registered_model.ModelRefusedError, match=f"{missing} is missing"):
        registered_model.load(tmp_path / "manifest.json", tmp_path)


def test_another_scikit_learn_is_one_warning(tmp_path: Path, tree: Any) -> None:  # noqa: ANN401
    """Both versions and the fix in one sentence; scikit-learn's own warning is not repeated, which here is an error."""
    pickled = io.BytesIO()
    joblib.dump(tree, pickled)
    running = sklearn.__version__
    older = "0" + running[1:]
    content = pickled.getvalue().replace(running.encode(), older.encode())
    assert content != pickled.getvalue()
    loaded = load(tmp_path, "model.pkl", content, frameworkVersion=older)
    assert (loaded.trained_with, loaded.running_with) == (older, running)
    assert loaded.warning is not None
    assert loaded.warning.startswith(f"model.pkl was trained with scikit-learn {older} and runs with {running}: ")
    assert f"pin scikit-learn=={older} in conda.yml" in loaded.warning
    with pytest.raises(UserWarning, match="unpickle"):  # a manifest that hides the version silences nothing
        load(tmp_path, "model.pkl", content, frameworkVersion=running)
