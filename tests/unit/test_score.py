"""The entry script: the tutorial's contract, and no byte of a model that is not the one deployed."""

import hashlib
import importlib.util
import json
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pytest

from evaluation import datasets
from training.model import fit

SCORE = Path(__file__).parents[2] / "scoring" / "score.py"


@pytest.fixture(scope="module")
def model() -> Any:  # noqa: ANN401 - scikit-learn ships no types
    """A quickly trained model of the kind that is deployed."""
    digits = datasets.load("digits", "train")
    return fit(datasets.Dataset("digits", digits.images[:300], digits.labels[:300], ""))


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Any) -> ModuleType:  # noqa: ANN401
    """The entry script, loaded as the inference server does, with a package and a model folder in tmp_path."""
    specification = importlib.util.spec_from_file_location("entry_module", SCORE)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    joblib.dump(model, tmp_path / "model.pkl")
    write_manifest(tmp_path, (tmp_path / "model.pkl").read_bytes())
    return module


def write_manifest(directory: Path, content: bytes) -> None:
    """Write the manifest of a model with this content."""
    sha256 = hashlib.sha256(content).hexdigest()
    (directory / "manifest.json").write_text(json.dumps({"model": {"file": "model.pkl", "sha256": sha256}}))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_it_answers_as_the_tutorial_does(score: ModuleType, model: Any) -> None:  # noqa: ANN401
    """Good input gives model.predict's labels, as a list, in the order of the rows."""
    rows = datasets.load("digits", "test").images[:50] / 255
    score.init()
    answer = score.run(json.dumps({"data": rows.tolist()}))
    assert answer == model.predict(np.array(rows.tolist())).tolist()
    assert all(type(label) is int for label in answer)


@pytest.mark.parametrize("value", [0, 1, True, 1e-300, 10**20])
def test_numbers_of_any_kind_are_numbers(score: ModuleType, value: float) -> None:
    """Integers, booleans and integers beyond 64 bits are what the tutorial takes too."""
    score.init()
    assert len(score.run(json.dumps({"data": [[value] * 784]}))) == 1


def test_a_pickle_with_another_digest_runs_no_code(score: ModuleType, tmp_path: Path) -> None:
    """A swapped model is refused before it is unpickled: its code has no effect."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(score.ModelRefusedError, match="was not loaded"):
        score.init()
    assert not (tmp_path / "sprung").exists()
    write_manifest(tmp_path, (tmp_path / "model.pkl").read_bytes())
    score.init()
    assert (tmp_path / "sprung").exists(), "the trap does spring once its digest is the deployed one"


@pytest.mark.parametrize("missing", ["manifest.json", "model.pkl"])
def test_a_missing_file_is_named(score: ModuleType, tmp_path: Path, missing: str) -> None:
    """Without manifest or model nothing is loaded, and the sentence says which one to deploy."""
    (tmp_path / missing).unlink()
    with pytest.raises(score.ModelRefusedError, match=f"{missing} is missing") as raised:
        score.init()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "The body is not JSON"),
        ("[" * 100_000, "The body is not JSON"),
        ("[]", 'no key "data"'),
        ("3", 'no key "data"'),
        ("null", 'no key "data"'),
        ('{"rows": []}', 'no key "data"'),
        ('{"data": []}', "not a list of at least one row"),
        ('{"data": {"0": []}}', "not a list of at least one row"),
        ('{"data": [0, 1]}', 'Row 0 of "data" is not a list'),
        ('{"data": [[0, 1, 2], [0, 1]]}', 'Row 1 of "data" has 2 values: the model takes 3'),
        ('{"data": [[0, 1, 2], [0, 1, NaN]]}', 'Row 1 of "data" holds a value that is not a finite number'),
        ('{"data": [[0, 1, Infinity]]}', "not a finite number"),
        ('{"data": [[0, 1, null]]}', "not a finite number"),
        ('{"data": [[0, 1, "2"]]}', "something other than numbers"),
        ('{"data": [[0, 1, [2]]]}', "something other than numbers"),
        ('{"data": [[0, 1, {}]]}', "something other than numbers"),
        ('{"data": [[[0], [1], [2]]]}', "something other than numbers"),
        (f'{{"data": [[0, 1, 1{"0" * 400}]]}}', "something other than numbers"),
    ],
)
def test_a_bad_body_is_told_what_is_wrong_with_it(score: ModuleType, body: str, sentence: str) -> None:
    """Each is one sentence for the caller, with the row where there is one."""
    with pytest.raises(score.BadRequestError) as raised:
        score.read_rows(body, 3)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
