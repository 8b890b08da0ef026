"""The recipe of a model: what its bytes depend on, and nothing else, makes it be trained again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digits.__main__ import main
from digits.training.model import METADATA_FILE, MODEL_FILE
from digits.training.order import Order
from digits.training.recipe import digest_code, find_change, write_recipe

ROOT = Path(__file__).parents[2]
FILES = {
    "digits/__init__.py": "",
    "digits/training/__init__.py": "",
    "digits/training/model.py": "from data.sets import load\nimport numpy\ndef fit():\n    from . import penalty\n",
    "digits/training/penalty.py": "C = 1",
    "digits/training/notes.py": "NOT_IMPORTED = 1",
    "data/__init__.py": "from data.scale import scale",
    "data/sets.py": "def load(x):\n    import data.form as form\n    return form",
    "data/scale.py": "def scale(): ...",
    "data/form.py": "SIDE = 28",
}


def digest(root: Path, **changed: str) -> str:
    """Write the modules and return the digest of what digits/training/model.py imports."""
    for name, text in {**FILES, **changed}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return digest_code(root, ("digits.training.model",))


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"digits/training/notes.py"}))
def test_every_module_that_training_imports_counts(tmp_path: Path, name: str) -> None:
    """By any kind of import, also within a function, and the packages that it is in."""
    assert digest(tmp_path, **{name: FILES[name] + "\nMORE = 1"}) != digest(tmp_path)


def test_comments_layout_and_other_modules_do_not_count(tmp_path: Path) -> None:
    """Nobody waits for a training that gives the same bytes because of a comment."""
    other = {"digits/training/notes.py": "IMPORTED = 0", "data/form.py": "# pixels\nSIDE  =  (28)\n"}
    assert digest(tmp_path, **other) == digest(tmp_path)


def test_the_code_of_this_project_s_training_is_found() -> None:
    """The fit, the kernel's choice, and the form that the digits are brought into."""
    source = (ROOT / "digits" / "training" / "recipe.py").read_text()
    assert "digits.training.order" in source
    everything = digest_code()
    assert everything != digest_code(entry=("digits.training.model",))
    assert everything == digest_code()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"scipy": "1.0"}, f"scipy is {write_recipe('digits', 'd', 1, {})['scipy']}, and it was 1.0"),
        ({"joblib": ...}, "joblib changed"),
        ({"trainingCode": "0"}, "the training code changed"),
        ({"trainingCode": ...}, "an earlier version wrote the model and did not record its training code"),
        ({"parameters": {"C": 2}}, "the parameters changed"),
        (
            {"dataset": {"name": "mnist"}, "numpy": None},
            f"numpy is {write_recipe('digits', 'd', 1, {})['numpy']}, and it was None; the data changed",
        ),
        ({"accuracy": 0.5, "more": 1}, None),
    ],
)
def test_the_reason_to_train_again_is_what_changed(change: dict[str, Any], reason: str | None) -> None:
    """Versions with both values, everything else by its name; what is no part of the recipe does not count."""
    now = write_recipe("digits", "d", 1, {"C": 1})
    written = {name: value for name, value in {**now, **change}.items() if value is not ...}
    assert find_change(written, now) == reason


def test_an_edit_of_fit_is_trained_and_so_is_taking_it_back(tmp_path: Path) -> None:
    """The model that lies there is the one that the code as it is now makes."""
    shutil.copytree(ROOT / "digits", tmp_path / "digits", ignore=shutil.ignore_patterns("__pycache__"))
    code = tmp_path / "digits" / "training" / "model.py"
    ours = code.read_text()
    edited = ours.replace("train.images / 255, train.labels)", "train.images[:600] / 255, train.labels[:600])")
    assert edited != ours

    def train(text: str) -> tuple[str, bytes]:
        code.write_text(text)
        command = [sys.executable, "-m", "digits", "train"]
        done = subprocess.run(command, check=True, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True)
        return done.stdout + done.stderr, (tmp_path / "model" / MODEL_FILE).read_bytes()

    _, first = train(ours)
    said, other = train(edited)
    assert "The model is trained again: the training code changed." in said
    assert other != first
    said, back = train(ours)
    assert "The model is trained again: the training code changed." in said
    assert back == first
    assert "is up to date" in train(ours)[0]


def test_a_model_of_before_the_code_was_recorded_is_trained_once_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows which code made it."""
    command = ["--output", str(tmp_path)]
    assert main(["train", *command]) == 0
    evidence = tmp_path / METADATA_FILE
    old = {name: value for name, value in json.loads(evidence.read_text()).items() if name != "trainingCode"}
    evidence.write_text(json.dumps(old))
    capsys.readouterr()
    assert main(["train", *command]) == 0
    assert "did not record its training code." in capsys.readouterr().err
    assert main(["train", *command]) == 0
    assert "is up to date" in capsys.readouterr().out


def test_a_model_of_the_user_s_own_is_not_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where modelFile lies elsewhere than what is trained, nothing is trained, and nothing next to it is written."""
    ours, own = tmp_path / "model", tmp_path / "model" / "own.pkl"
    ours.mkdir()
    command = ["--output", str(ours), "--model-file", str(own)]
    assert main(["train", *command]) == 2
    assert f"{own} (modelFile) is missing: put it there with metadata.json next to it" in capsys.readouterr().err
    own.write_bytes(b"mine")
    assert main(["train", *command]) == 0
    assert capsys.readouterr().out == f"{own} is used as it is, nothing is trained: modelFile names it.\n"
    assert main(["train", *command, "--force"]) == 2
    assert "is not what is trained here: take the setting out to use" in capsys.readouterr().err
    assert list(ours.iterdir()) == [own]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--stack", "dev"], Order("digits")),
        (["--stack", "dev", "--force"], Order("digits", force=True)),
        (["--stack", "own"], Order("mnist", model_file=Path("own/model.skops"))),
        (["--stack", "own", "--dataset", "digits"], Order("digits", model_file=Path("own/model.skops"))),
    ],
)
def test_the_stack_s_file_says_what_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: Order
) -> None:
    """The data by its cloud, and its modelFile; an option says otherwise."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    azure = "".join(f"  azure-native:{name}: x\n" for name in ("subscriptionId", "tenantId", "location"))
    (tmp_path / "Pulumi.own.yaml").write_text(f"config:\n{azure}  digits:modelFile: own/model.skops\n")
    monkeypatch.chdir(tmp_path)
    filled: list[Order] = []

    def fill(order: Order) -> str:
        filled.append(order)
        return "filled"

    monkeypatch.setattr("digits.training.order.fill", fill)
    assert main(["train", *words]) == 0
    assert filled == [expected]


@pytest.mark.parametrize("file", [MODEL_FILE, "sklearn_mnist_model.skops"])
def test_a_model_file_that_is_trained_here_chooses_the_format(
    tmp_path: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """However its path is written."""
    path = tmp_path / ".." / tmp_path.name / file
    assert main(["train", "--output", str(tmp_path), "--model-file", str(path)]) == 0
    assert f"{file} written" in capsys.readouterr().out
    assert json.loads((tmp_path / METADATA_FILE).read_text())["modelFile"] == file


@pytest.mark.parametrize("accuracy", ["0.9", None, float("nan"), 95, [], True])
def test_metadata_that_were_edited_are_no_evidence_of_an_up_to_date_model(
    tmp_path: Path, accuracy: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are written anew with the model, and that is said."""
    command = ["--output", str(tmp_path)]
    assert main(["train", *command]) == 0
    evidence = tmp_path / METADATA_FILE
    evidence.write_text(json.dumps({**json.loads(evidence.read_text()), "accuracy": accuracy}))
    capsys.readouterr()
    assert main(["train", *command]) == 0
    assert "The model is trained again: " in capsys.readouterr().err
