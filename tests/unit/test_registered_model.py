"""The registered model: no byte is loaded that is not the deployed one's, and no type that is not trusted."""

import copyreg
import hashlib
import io
import json
import pickle
import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import registered_model
import sklearn
import skops.io
from classifier import Classifier, NoWidthError
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from digits import datasets
from digits.training.model import MODEL_FILE, SKOPS_FILE, fit, write
from infra.model import ModelFile

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
def tree() -> Any:
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


def test_a_type_that_is_not_pinned_is_refused_by_name(tmp_path: Path, tree: Any) -> None:
    """Only types that the manifest trusts are loaded; another type next to them does not help."""
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


class _Aged(pickle.Pickler):
    """Pickles scikit-learn's estimators with the state that version 0.22 gave them."""

    def reducer_override(self, thing: object) -> Any:
        if not isinstance(thing, BaseEstimator):
            return NotImplemented
        unknown = (
            {"n_features_in_", "feature_names_in_", "verbose"}
            if isinstance(thing, OneVsRestClassifier)
            else {"n_features_in_"}
        )
        state = {name: value for name, value in vars(thing).items() if name not in unknown}
        return copyreg.__newobj__, (type(thing),), {**state, "_sklearn_version": "0.22.2"}  # type: ignore[attr-defined] # typeshed lacks it


def aged(model: BaseEstimator) -> bytes:
    """Return the model as scikit-learn 0.22 would have pickled it."""
    content = io.BytesIO()
    _Aged(content, protocol=4).dump(model)
    return content.getvalue()


@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression(solver="liblinear")),
        make_pipeline(StandardScaler(), LinearSVC()),
        make_pipeline(FunctionTransformer(), KNeighborsClassifier()),
        SVC(),
        GaussianNB(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_model_of_scikit_learn_022_is_served_with_one_warning(tmp_path: Path, model: Any) -> None:
    """It does not say its width, which is found in what it learnt or in its parts."""
    images, labels = _some_digits()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(images, labels)
    loaded = load(tmp_path, "model.pkl", aged(model), frameworkVersion="0.22.2")
    assert not hasattr(loaded.model, "n_features_in_")
    assert "was trained with scikit-learn 0.22.2 and runs with" in str(loaded.warning)
    classifier = Classifier(loaded.model)
    assert classifier.width == images.shape[1]
    assert np.array_equal(classifier.predict([images]), model.predict(images))


def test_the_tutorial_s_own_model_of_scikit_learn_022_is_served_with_one_warning(tmp_path: Path) -> None:
    """Version 0.22.2 itself saved the file, and today's scikit-learn reads the same digits in it."""
    content = (Path(__file__).parent / "models" / "scikit-learn-0.22.2.pkl").read_bytes()
    loaded = load(tmp_path, "model.pkl", content, frameworkVersion="0.22.2.post1")
    assert "was trained with scikit-learn 0.22.2.post1 and runs with" in str(loaded.warning)
    classifier = Classifier(loaded.model)
    assert classifier.width == 784
    images = datasets.load("digits", "test").images / 255
    assert np.array_equal(classifier.predict([images]), loaded.model.predict(images))


def test_a_model_without_any_width_is_one_sentence() -> None:
    """Nothing says how many numbers a row has."""
    with pytest.raises(NoWidthError, match="does not say how many numbers it takes in a row"):
        Classifier(FunctionTransformer())


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("__main__\nscale", "put scale into a module in scoring/"),
        ("my_features\nscale", "needs the module my_features, which is not here: put my_features.py into scoring/"),
        ("my_features.scaling\nscale", "put my_features.py into scoring/"),
        ("sklearn.linear_model.logistic\nLogisticRegression", "names the module sklearn.linear_model.logistic, which"),
        ("sklearn.linear_model\nLogistic", "names Logistic of the module sklearn.linear_model, which does not have it"),
        ("classifier\nscale", "names scale of the module classifier"),
    ],
)
def test_what_a_pickle_names_and_is_not_here_is_named_with_the_way_out(
    tmp_path: Path, named: str, sentence: str
) -> None:
    """A function of the training script, a module that was not deployed, a class that scikit-learn moved."""
    assert sentence in refusal(tmp_path, "model.pkl", f"c{named}\n.".encode())


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps(list(range(9)))[:-3]])
def test_a_pickle_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    """Cut off, or something else altogether."""
    assert "cannot be loaded with scikit-learn" in refusal(tmp_path, "model.pkl", content)


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


def test_another_scikit_learn_is_one_warning(tmp_path: Path, tree: Any) -> None:
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
