"""Microsoft's public notebooks about models and web services, cell by cell, as an unmodified SDK sees them.

The calls, their order and their arguments are the notebooks'; the packages are scoring/conda.yml's, so that one venv
serves all. Cells about clusters, datastores and images are tried too: they are refused by name.
"""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest

from digits.datasets import load
from tests.integration.deployed import digits_model
from tests.integration.scripting import Scripts
from tests.integration.wire import Emulator

_SEEN = {
    "mnist_deploy": {
        "sdk": ["True"],
        "rows": ["True"],
        "accuracy": ["True"],
        "samples": ["True"],
        "by hand": ["True"],
        "printed": ["True"],
        "swagger": ["2.0"],
        "services": ["[]"],
    },
    "mnist_linear": {"key": ["mine"], "scores": ["True"], "prediction": ["True"], "log": ["True"]},
    "multi_model": {
        "workspace": ["multi-model", "digits", "eastus"],
        "state": ["Healthy", "['my_first_model:1', 'my_second_model:1']"],
        "first": ["True"],
        "second": ["True"],
        "caught": ["True"],
    },
    "register_and_deploy": {
        "model": ["my-sklearn-model", "1", "ScikitLearn", "1.9"],
        "resources": ["{'cpu': 1.0, 'memoryInGB': 0.5, 'gpu': None}"],
        "output": ["True"],
        "schema": ["array"],
        "not of the schema": ["400"],
    },
    "app_insights": {
        "model": ["sklearn_regression_model.pkl", "Ridge regression model", "1"],
        "state": ["Healthy", "True"],
        "predictions": ["2"],
        "error as text": ["True"],
        "traces": ["True", "True", "True"],
        "cluster": ["True"],
        "new cluster": ["True"],
        "switched True": ["True"],
        "switched False": ["False"],
        "models": ["[]"],
    },
}
# What the notebooks ask for that is of Azure only; the table of differences has it.
_REFUSED = {
    "mnist_deploy": set(),
    "mnist_linear": {"GET default"},
    "multi_model": set(),
    "register_and_deploy": {"GET default", "POST packages"},
    "app_insights": {"GET computes/my-aks-insights", "PUT computes/my-aks-insights"},
}


def _write_digits(directory: Path) -> None:
    """Write the model and the test data where the tutorial's first part leaves them."""
    joblib.dump(digits_model(), directory / "sklearn_mnist_model.pkl")
    digits, folder = load("digits", "test"), directory / "data"
    folder.mkdir()
    images = struct.pack(">IIII", 2051, len(digits.images), 28, 28) + digits.images.tobytes()
    labels = struct.pack(">II", 2049, len(digits.labels)) + bytes(digits.labels.tolist())
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


@pytest.fixture(scope="module")
def notebooks(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    """Give what runs a notebook next to the model and the data."""
    scripts = Scripts(emulator, tmp_path_factory, _write_digits)
    yield scripts
    scripts.close()


@pytest.mark.parametrize("name", _SEEN)
def test_every_cell_shows_what_it_shows_on_azure(notebooks: Scripts, name: str) -> None:
    """Each value that a notebook prints, and no cell raises."""
    printed = notebooks.printed(name)
    assert {key: printed.get(key) for key in _SEEN[name]} == _SEEN[name]


@pytest.mark.parametrize("name", _REFUSED)
def test_only_what_the_table_excludes_is_refused(notebooks: Scripts, name: str) -> None:
    """No other request of a notebook got a 501."""
    assert notebooks.unknown_routes(name) == _REFUSED[name]


def test_what_is_of_azure_only_says_so(notebooks: Scripts) -> None:
    """Without code, images and datastores are refused in one sentence that names them; what is left goes on."""
    printed = notebooks.printed("register_and_deploy")
    assert "The emulator does not do GET /datastore/" in printed["datastore"][1]
    assert "The emulator deploys with an InferenceConfig that has an environment" in printed["no code"][1]
    assert "/packages; `azureml-emulator status`" in printed["package"][1]
    assert "/packages; `azureml-emulator status`" in printed["dockerfile"][1]
    assert printed["profile"][0] == "UserErrorException"
    assert "WebserviceNotFound" in printed["gone"][1]
    printed = notebooks.printed("mnist_linear")
    assert "The emulator does not do GET /datastore/" in printed["datastore"][0]
