"""The trained file as the program reads it: its evidence, and the scikit-learn that it will be loaded with."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import metadata
from infra.configuration import SettingsError
from infra.model import ModelFile
from tests.unit.pages import ROOT

CONDA_FILE = Path("scoring/conda.yml")


def model_file(directory: Path, name: str = "model.pkl", **more: object) -> ModelFile:
    """Write a file with its evidence and read them."""
    (directory / name).write_bytes(b"weights")
    evidence = {
        "sha256": hashlib.sha256(b"weights").hexdigest(),
        "framework": "ScikitLearn",
        "frameworkVersion": "1.9.1",
        "accuracy": 0.92,
        "dataset": {"name": "digits"},
        **more,
    }
    (directory / "metadata.json").write_text(json.dumps(evidence))
    return ModelFile.read(directory / name)


def conda(*packages: object) -> dict[str, Any]:
    """Return a definition with these among its dependencies."""
    return {"dependencies": ["python=3.11", *packages]}


def test_the_page_s_own_model_file_can_be_deployed(tmp_path: Path) -> None:
    """Its metadata.json is whole, and each field of it is needed and explained; a missing one names the page."""
    page = (ROOT / "docs/scoring-package.md").read_text(encoding="utf-8")
    section = page.partition("## Your own model file")[2].partition("\n## ")[0]
    shown = json.loads(section.partition("```json")[2].partition("```")[0])
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(shown))
    assert metadata.read(path).dataset == "my digits"
    for name in shown:
        assert re.search(rf"^\|.*`{name}`", section, re.MULTILINE)
        path.write_text(json.dumps({field: value for field, value in shown.items() if field != name}))
        with pytest.raises(metadata.MetadataError, match=name):
            metadata.read(path)
    path.unlink()
    (tmp_path / "model.pkl").write_bytes(b"weights")
    with pytest.raises(SettingsError, match=r"put it there with its metadata\.json \(docs/scoring-package\.md\)\.$"):
        ModelFile.read(tmp_path / "model.pkl")


@pytest.mark.parametrize(
    "package",
    [
        {"pip": ["numpy==2.4.6", "scikit-learn==1.9.1"]},
        {"pip": ["Scikit_Learn[alldeps] == 1.9.1 ; python_version >= '3.11'"]},
        "scikit-learn==1.9.1",
        "conda-forge::scikit-learn=1.9.1=py311_0",
    ],
)
def test_the_pin_that_trained_the_model_needs_no_word(tmp_path: Path, package: object) -> None:
    """However pip and conda write it."""
    assert model_file(tmp_path).compare_version(conda(package), CONDA_FILE) is None


@pytest.mark.parametrize("package", [{"pip": ["scikit-learn==1.8.0"]}, "scikit-learn==1.8.0"])
def test_another_pin_is_a_warning_with_both_versions_and_the_fix(tmp_path: Path, package: object) -> None:
    """One sentence, before anything is deployed."""
    model = model_file(tmp_path)
    assert model.compare_version(conda(package), CONDA_FILE) == (
        f"scoring/conda.yml pins scikit-learn 1.8.0, but {model.path} was trained with 1.9.1: "
        f"write scikit-learn==1.9.1 there, or train the model with 1.8.0."
    )


@pytest.mark.parametrize("package", ["numpy", "scikit-learn", "scikit-learn>=1.9.1", "scikit-learn=1.9", "scikit=1"])
def test_no_exact_pin_is_a_warning(tmp_path: Path, package: str) -> None:
    """Which scikit-learn will be there is then anybody's guess."""
    model = model_file(tmp_path)
    assert model.compare_version(conda(package), CONDA_FILE) == (
        f"scoring/conda.yml pins no exact scikit-learn, but {model.path} was trained with 1.9.1: "
        f"write scikit-learn==1.9.1 there."
    )


def test_a_definition_that_is_only_conda_s_is_no_obstacle(tmp_path: Path) -> None:
    """Azure may take what cannot be read here: that is said, not refused."""
    warning = model_file(tmp_path).compare_version(conda("scikit-learn=1.9|1.8"), CONDA_FILE)
    assert warning is not None
    assert "cannot be decided: The conda definition has the dependency 'scikit-learn=1.9|1.8'" in warning


def test_another_framework_has_other_versions(tmp_path: Path) -> None:
    """Nothing is said of scikit-learn where the model is none of it."""
    assert model_file(tmp_path, framework="Onnx").compare_version(conda("numpy"), CONDA_FILE) is None


def test_the_manifest_tells_the_service_what_it_may_load(tmp_path: Path) -> None:
    """Identity, versions, and for skops the trusted types that training pinned."""
    sha256 = hashlib.sha256(b"weights").hexdigest()
    framework = {"framework": "ScikitLearn", "frameworkVersion": "1.9.1"}
    assert model_file(tmp_path).manifest == {"model": {"file": "model.pkl", "sha256": sha256, **framework}}
    skops = model_file(tmp_path, "model.skops", trustedTypes=["a.Type"])
    assert skops.manifest == {
        "model": {"file": "model.skops", "sha256": sha256, **framework, "trustedTypes": ["a.Type"]}
    }


@pytest.mark.parametrize(("name", "command"), [("m.pkl", "digits train"), ("m.skops", "train --format skops")])
def test_a_file_that_is_not_the_one_described_is_trained_again_in_its_format(
    tmp_path: Path, name: str, command: str
) -> None:
    """The sentence names the command that makes this very file."""
    with pytest.raises(SettingsError, match=rf"is missing: .*{command}`"):
        ModelFile.read(tmp_path / name)
    with pytest.raises(SettingsError, match=f"SHA-256 differs.*{command} --force`"):
        model_file(tmp_path, name, sha256="0" * 64)
