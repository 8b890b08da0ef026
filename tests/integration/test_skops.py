"""A model in skops' format behind the real inference server, in the environment that conda.yml describes."""

import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.tree import DecisionTreeClassifier

from digits import datasets
from digits.runtime import server
from digits.training.model import MODEL_FILE, SKOPS_FILE, write
from infra.model import ModelFile
from tests.integration.deployed import as_body, digits_model, serving, write_package


def write_skops_package(directory: Path, model: Any) -> ModelFile:
    """Write the package with the model as skops instead of a pickle."""
    train = datasets.load("digits", "train")
    write_package(directory, model, train)
    (directory / "model" / MODEL_FILE).unlink()
    write(model, train, train, directory / "model", SKOPS_FILE)
    deployed = ModelFile.read(directory / "model" / SKOPS_FILE)
    (directory / "scoring" / "manifest.json").write_text(json.dumps(deployed.manifest))
    return deployed


def test_a_skops_model_is_served_with_the_same_labels(tmp_path: Path) -> None:
    """Every test digit gets the label that the pickled model gives it; the start-up line names file and digest."""
    deployed = write_skops_package(tmp_path, digits_model())
    rows = datasets.load("digits", "test").images / 255
    with serving(tmp_path) as service:
        answer = service.post(as_body(rows.tolist()))
        log = service.running.log_file.read_text()
    assert answer.status_code == 200
    assert answer.json() == digits_model().predict(rows).tolist()
    assert SKOPS_FILE in log
    assert deployed.sha256 in log


def test_a_type_that_nobody_pinned_never_serves(tmp_path: Path) -> None:
    """The server ends in start-up with one sentence that names the type; pinned by training, it serves."""
    train = datasets.load("digits", "train")
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(train.images / 255, train.labels)
    write_skops_package(tmp_path, tree)
    with serving(tmp_path) as service:
        assert (
            service.post(as_body((train.images[:9] / 255).tolist())).json()
            == tree.predict(train.images[:9] / 255).tolist()
        )
    file = tmp_path / "scoring" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["model"]["trustedTypes"] = []
    file.write_text(json.dumps(manifest))
    refused = r"ModelRefusedError: .* does not trust \(sklearn\.tree\._tree\.Tree\): it was not loaded"
    with pytest.raises(server.ServerFailedError, match=refused), serving(tmp_path):
        pass
