"""Training: the same bytes from the same data, written down so that it need not be done twice."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.tree import DecisionTreeClassifier

from digits import datasets
from digits.__main__ import main
from digits.training.model import METADATA_FILE, MODEL_FILE, SKOPS_FILE, fit, write

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that `digits train` made."""
    directory = tmp_path_factory.mktemp("model")
    train(directory, PYTHONHASHSEED="1", OPENBLAS_NUM_THREADS="2", OPENBLAS_CORETYPE="Haswell")
    return directory


def train(directory: Path, **environment: str) -> None:
    """Run `digits train` in a process of its own."""
    command = [sys.executable, "-W", "error", "-m", "digits", "train", "--force", "--output", str(directory)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **environment}, capture_output=True)


def metadata(directory: Path) -> dict[str, Any]:
    """Return what was written down."""
    document: dict[str, Any] = json.loads((directory / METADATA_FILE).read_text())
    return document


def test_two_runs_write_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    """Neither the hash seed nor the number of threads nor the CPU's BLAS kernel shows in model or metadata."""
    train(tmp_path, PYTHONHASHSEED="2", OPENBLAS_NUM_THREADS="1", OPENBLAS_CORETYPE="Nehalem")
    for file in (MODEL_FILE, METADATA_FILE):
        assert (tmp_path / file).read_bytes() == (trained / file).read_bytes()


def test_the_metadata_describe_the_model_next_to_them(trained: Path) -> None:
    """SHA-256, data and accuracy are those of the pickle that lies there."""
    written = metadata(trained)
    test = datasets.load("digits", "test")
    model = joblib.load(trained / MODEL_FILE)
    assert written["sha256"] == hashlib.sha256((trained / MODEL_FILE).read_bytes()).hexdigest()
    assert written["dataset"] == {"name": "digits", "digest": datasets.DIGESTS["digits", "train"], "rows": 1347}
    assert written["accuracy"] == pytest.approx(model.score(test.images / 255, test.labels), abs=1e-6)
    assert written["accuracy"] > 0.9
    assert written["rowsEvaluated"] == test.rows
    assert model.n_features_in_ == 784


def test_other_data_give_another_model(tmp_path: Path) -> None:
    """A single row less is another digest and another file."""
    train, test = datasets.load("digits", "train"), datasets.load("digits", "test")
    some = datasets.Dataset("digits", train.images[:200], train.labels[:200], "200 rows")
    fewer = datasets.Dataset("digits", train.images[:199], train.labels[:199], "199 rows")
    one, other = (write(fit(data), data, test, tmp_path) for data in (some, fewer))
    assert one["sha256"] != other["sha256"]
    assert one["dataset"] != other["dataset"]


def test_an_up_to_date_model_is_not_changed(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run says so and writes nothing."""
    before = (trained / MODEL_FILE).stat().st_mtime_ns
    assert main(["train", "--output", str(trained)]) == 0
    assert "is up to date" in capsys.readouterr().out
    assert (trained / MODEL_FILE).stat().st_mtime_ns == before


def test_an_up_to_date_skops_file_is_never_written_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its bytes would be others each time, so the recipe and the SHA-256 of the file that is there decide."""
    command = ["--format", "skops", "--output", str(tmp_path)]
    assert main(["train", *command]) == 0
    before = (tmp_path / SKOPS_FILE).read_bytes()
    written = metadata(tmp_path)
    assert written["modelFile"] == SKOPS_FILE
    assert written["sha256"] == hashlib.sha256(before).hexdigest()
    assert written["trustedTypes"] == []
    capsys.readouterr()
    assert main(["train", *command]) == 0
    assert f"{SKOPS_FILE} is up to date" in capsys.readouterr().out
    assert (tmp_path / SKOPS_FILE).read_bytes() == before
    assert metadata(tmp_path) == written
    assert main(["train", *command, "--force"]) == 0
    assert (tmp_path / SKOPS_FILE).read_bytes() != before


def test_the_types_that_a_model_needs_are_pinned(tmp_path: Path) -> None:
    """What skops would not load by itself stands in the metadata, and nothing else."""
    train = datasets.load("digits", "train")
    images, labels = train.images[:100] / 255, train.labels[:100]
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(images, labels)
    assert write(tree, train, train, tmp_path, SKOPS_FILE)["trustedTypes"] == ["sklearn.tree._tree.Tree"]


@pytest.mark.parametrize("other", ["pickle", "skops"])
def test_a_model_of_the_other_format_is_not_taken_for_this_one(
    tmp_path: Path, other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder holds one model: the one that its metadata name."""
    (wanted,) = {"pickle", "skops"} - {other}
    assert main(["train", "--format", other, "--output", str(tmp_path)]) == 0
    assert main(["train", "--format", wanted, "--output", str(tmp_path)]) == 0
    assert "up to date" not in capsys.readouterr().out
    assert metadata(tmp_path)["modelFile"] == {"pickle": MODEL_FILE, "skops": SKOPS_FILE}[wanted]


@pytest.mark.parametrize("file", [MODEL_FILE, METADATA_FILE])
def test_a_model_that_was_tampered_with_is_trained_again(
    trained: Path, tmp_path: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytes and record have to agree with each other and with what training would do."""
    for name in (MODEL_FILE, METADATA_FILE):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes().replace(b"liblinear", b"saga"))
    assert main(["train", "--output", str(tmp_path)]) == 0
    assert "written" in capsys.readouterr().out
    assert metadata(tmp_path)["parameters"]["solver"] == "liblinear"


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, the path is named, nothing half-written is left."""
    (tmp_path / "file").write_text("not a folder")
    assert main(["train", "--output", str(tmp_path / "file" / "model")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
