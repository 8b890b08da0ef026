"""Every label is model.predict's: for every way to send rows and to be answered, and for every kind of model."""

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from digits import datasets
from tests.integration.deployed import (
    FLOAT32,
    PROBABILITIES,
    UINT8,
    Service,
    as_body,
    digits_model,
    every_way,
    refused,
    row,
    serving_model,
    variables,
    write_package,
)
from tests.integration.serving import healthy

# A server that answers for many models: each has a whole package, and a header chooses.
MANY = """
import importlib.util, os
from pathlib import Path
from azureml_inference_server_http.api.aml_request import rawhttp

SERVICES = {}

def init():
    for folder in sorted(Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()):
        os.environ["AZUREML_MODEL_DIR"] = str(folder / "model")
        specification = importlib.util.spec_from_file_location(folder.name, folder / "scoring" / "score.py")
        SERVICES[folder.name] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(SERVICES[folder.name])
        SERVICES[folder.name].init()

@rawhttp
def run(request):
    return SERVICES[request.headers["X-Model"]].run(request)
"""


def names(digits: np.ndarray) -> np.ndarray:
    """Return labels that are texts, not in the order of the digits, and not all of them ASCII."""
    words = np.array(["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"])
    return np.take(words, digits)


def halves(digits: np.ndarray) -> np.ndarray:
    """Return two classes."""
    return (digits > 4).astype(int)


# Each decides in a way of its own: the estimator, and what it learns instead of the digits.
MODELS: dict[str, tuple[Any, Callable[[np.ndarray], np.ndarray]]] = {
    "forest": (RandomForestClassifier(10, random_state=0), np.asarray),
    "tree": (DecisionTreeClassifier(random_state=0), np.asarray),
    "neighbours": (KNeighborsClassifier(), np.asarray),
    "always the same": (DummyClassifier(), np.asarray),
    "scaler": (make_pipeline(StandardScaler(), LogisticRegression(max_iter=5)), np.asarray),
    "search": (GridSearchCV(LogisticRegression(max_iter=5), {"C": [1.0]}, cv=2), np.asarray),
    "digits as text": (OneVsRestClassifier(LogisticRegression(solver="liblinear")), lambda digits: digits.astype(str)),
    "digits as objects": (LogisticRegression(max_iter=5), lambda digits: digits.astype(str).astype(object)),
    "forest of text": (RandomForestClassifier(3, random_state=0), lambda digits: digits.astype(str)),
    "SVC by name": (SVC(kernel="linear"), names),
    "SVC with two classes": (SVC(kernel="linear"), halves),
    "multinomial": (LogisticRegression(max_iter=5), np.asarray),
    "multinomial by name": (LogisticRegression(max_iter=5), names),
    "two classes": (LogisticRegression(max_iter=5, fit_intercept=False), halves),
    "two classes by name": (LogisticRegression(max_iter=5), lambda digits: np.where(digits > 4, "many", "few")),
    "two classes, true and false": (LogisticRegression(max_iter=5), lambda digits: digits > 4),
    "two classes, with a decimal point": (
        LogisticRegression(max_iter=5),
        lambda digits: np.where(digits > 4, -1.0, 2.0),
    ),
    "one class against the rest, twice": (OneVsRestClassifier(LogisticRegression(max_iter=5)), halves),
    "several labels each": (
        OneVsRestClassifier(LogisticRegression(max_iter=5)),
        lambda digits: digits[:, None] < [3, 6],
    ),
    "one forest against the rest": (OneVsRestClassifier(RandomForestClassifier(3, random_state=0)), np.asarray),
    "one against the rest by name": (OneVsRestClassifier(LinearSVC()), names),
    "one against one": (OneVsOneClassifier(LinearSVC()), np.asarray),
    "ties": (OneVsRestClassifier(LogisticRegression(solver="liblinear")), np.asarray),
    "ridge classifier": (RidgeClassifier(), np.asarray),
    "ridge classifier with two classes": (RidgeClassifier(), halves),
    "regressor": (Ridge(), np.asarray),
    "regressor with two answers": (LinearRegression(), lambda digits: np.stack([digits, digits % 2], axis=1)),
    "without probabilities": (Perceptron(random_state=0), np.asarray),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The deployed package with the dev stack's model."""
    with serving_model(tmp_path_factory.mktemp("digits"), digits_model()) as service:
        yield service


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """One of each, fitted to a few rows."""
    train = datasets.load("digits", "train")
    with warnings.catch_warnings(action="ignore"):  # five steps do not converge, and need not
        fitted = {
            name: estimator.fit(train.images[:200] / 255, learn(train.labels[:200]))
            for name, (estimator, learn) in MODELS.items()
        }
    parts = fitted["ties"].estimators_
    parts[7] = parts[5] = parts[2]
    return fitted


@pytest.fixture(scope="module")
def many(models: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server that answers for all of them, each from the package as it is deployed."""
    directory = tmp_path_factory.mktemp("many")
    train = datasets.load("digits", "train")
    for name, model in models.items():
        _, learn = MODELS[name]
        write_package(directory / "models" / name, model, replace(train, labels=learn(train.labels)))
    settings = {**variables(), "WORKER_COUNT": "1"}
    with (
        healthy(directory, MANY, model_directory=directory / "models", environment_variables=settings) as running,
        httpx.Client(trust_env=False, timeout=60) as client,
    ):
        yield Service(running, client)


@pytest.mark.parametrize(("images", "together"), [(450, 450), (100, 1), (450, 7)])
def test_every_row_gets_its_label_in_every_way(service: Service, images: int, together: int) -> None:
    """The test images of digits, all at once, each by itself, or a few at a time, get model.predict's labels."""
    pixels = datasets.load("digits", "test").images[:images]
    expected = digits_model().predict(pixels / 255).tolist()
    answers = [every_way(service, pixels[first : first + together]) for first in range(0, images, together)]
    assert len(answers[0]) == 8
    for way in answers[0]:
        assert [label for answer in answers for label in answer[way]] == expected, way


def test_every_row_gets_its_label_by_get(service: Service) -> None:
    """A picture in whole numbers fits into a URL."""
    pixels = datasets.load("digits", "test").images // 16
    for at in range(len(pixels)):
        query = json.dumps(pixels[at : at + 1].tolist(), separators=(",", ":"))
        assert (
            service.request("GET", f"/score?data={query}").json()
            == digits_model().predict(pixels[at : at + 1]).tolist()
        )


@pytest.mark.parametrize("name", MODELS)
def test_any_model_answers_as_its_predict_does(many: Service, models: dict[str, Any], name: str) -> None:
    """Forest, pipeline, names, two classes, ties, several answers to a row: in every way that its labels can go."""
    pixels = np.concatenate([datasets.load("digits", "test").images[:300], np.zeros((2, 784), np.uint8)])
    unit = pixels / 255
    single = unit.astype("<f4").astype(float)
    for way, labels in every_way(many, pixels, x_model=name).items():
        expected = models[name].predict(single if way.startswith("float32") else unit).tolist()
        if "in bytes" in way and isinstance(expected[0], str):
            expected = [int(label) for label in expected]
        assert same(labels, expected), way


@pytest.mark.parametrize("name", MODELS)
def test_any_model_decides_at_the_edge_of_numbers_as_its_predict_does(
    many: Service, models: dict[str, Any], name: str
) -> None:
    """Zeros and large numbers, by themselves and next to an ordinary row; a model that refuses them is a 400."""
    large = [1e300, -1e300, 0.0, 1e299] * 196
    for rows in ([large], [row(1), large], [[1e39] * 784, row(2)], [[3e38] * 784], [[0] * 784]):
        expected = predicted(models[name], np.array(rows))
        answer = many.post(as_body(rows), x_model=name)
        assert answer.status_code == (400 if expected is None else 200), answer.text
        assert expected is None or same(answer.json(), expected)
        if np.abs(rows).max() < np.finfo("f4").max:
            single = np.array(rows, "<f4")
            answer = many.post(single.tobytes(), FLOAT32, x_model=name)
            assert same(answer.json(), predicted(models[name], single.astype(float)))


@pytest.mark.parametrize("name", MODELS)
def test_any_model_survives_numbers_that_no_score_can_hold(many: Service, name: str) -> None:
    """What is infinite inside the model is either a label or a 400, and never something that is not JSON."""
    for rows in ([[1.7e308] * 784], [row(1), [1e308, -1e308, 1.7e308, 0.0] * 196]):
        answer = many.post(as_body(rows), x_model=name)
        labels = json.loads(answer.text, parse_constant=pytest.fail)
        assert answer.status_code == 400 or (answer.status_code, len(labels)) == (200, len(rows))


def same(labels: list[Any], expected: list[Any] | None) -> bool:
    """Say whether the labels are the same; a regressor's numbers may differ where a sum in another order does."""
    if np.array(expected).dtype.kind == "f":
        return np.allclose(labels, np.array(expected), rtol=1e-6, atol=1e-6)
    return labels == expected


def predicted(model: Any, rows: np.ndarray) -> list[Any] | None:
    """Return predict()'s labels; None where it raises or answers with something that JSON has no word for."""
    try:
        with np.errstate(all="ignore"):
            labels: list[Any] = model.predict(rows).tolist()
        json.dumps(labels, allow_nan=False)
    except ValueError:
        return None
    return labels


@pytest.mark.parametrize(
    "name", ["digits as text", "digits as objects", "forest of text", "two classes, with a decimal point"]
)
def test_labels_that_are_whole_numbers_in_another_type_go_as_bytes(
    many: Service, models: dict[str, Any], name: str
) -> None:
    """As text, as the objects of a data frame, or with a decimal point: the number is the label."""
    unit = datasets.load("digits", "test").images[:50] / 255
    answer = many.post(as_body(unit.tolist()), accept=FLOAT32, x_model=name)
    assert answer.status_code == 200
    labels = np.frombuffer(answer.content, "<i4")
    assert labels.tolist() == [int(label) for label in models[name].predict(unit)]


@pytest.mark.parametrize("name", ["SVC by name", "regressor", "several labels each"])
def test_only_one_integer_for_each_row_goes_as_bytes(many: Service, name: str) -> None:
    """A caller who accepts nothing else learns that these labels are none."""
    answer = many.post(as_body([row(1)]), accept=FLOAT32, x_model=name)
    assert answer.status_code == 406
    assert "application/json" in answer.json()["message"]
    assert many.post(as_body([row(1)]), accept=FLOAT32, x_model="forest").status_code == 200


@pytest.mark.parametrize("name", MODELS)
def test_any_model_is_as_sure_as_its_predict_proba_is(many: Service, models: dict[str, Any], name: str) -> None:
    """For each row each class, however the rows are sent; a model that has none is a 406, or labels if they will do."""
    pixels = datasets.load("digits", "test").images[:50]
    unit = pixels / 255
    single = unit.astype("<f4")
    bodies = ((as_body(unit.tolist()), None), (single.tobytes(), FLOAT32), (pixels.tobytes(), UINT8))
    for (content, content_type), rows in zip(bodies, (unit, single.astype(float), unit), strict=True):
        answer = many.post(content, content_type, accept=PROBABILITIES, x_model=name)
        labels = many.post(content, content_type, accept=f"{PROBABILITIES}, application/json;q=0.5", x_model=name)
        assert labels.status_code == (406 if name == "several labels each" else 200)
        if not hasattr(models[name], "predict_proba") or name == "several labels each":
            assert "accept application/json" in refused(answer, 406)
            continue
        assert labels.content == answer.content
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, PROBABILITIES)
        found = answer.json()
        assert found["labels"] == models[name].predict(rows).tolist()
        assert found["classes"] == models[name].classes_.tolist()
        assert np.allclose(found["probabilities"], models[name].predict_proba(rows))


def test_a_model_without_probabilities_is_not_described_as_if_it_had_them(many: Service) -> None:
    """Neither by GET nor in /swagger.json, which here is that of the last model."""
    assert max(MODELS) == "without probabilities"
    assert PROBABILITIES not in many.request("GET", "/score", x_model="without probabilities").text
    assert PROBABILITIES in many.request("GET", "/score", x_model="forest").text
    document = many.request("GET", "/swagger.json").json()
    assert [list(operation["responses"]["200"]["content"]) for operation in document["paths"]["/score"].values()] == [
        ["application/json", FLOAT32]
    ] * 2


@pytest.mark.parametrize("value", ["NaN", "null"])
def test_a_model_that_takes_missing_numbers_is_given_them(many: Service, models: dict[str, Any], value: str) -> None:
    """The tutorial answers with labels where the model does; a model that does not is a 400."""
    text = f'{{"data": [{json.dumps(row(1))}, [{", ".join([value, "1"] * 392)}]]}}'
    expected = models["forest"].predict(np.array(json.loads(text)["data"])).tolist()
    assert many.post(text, x_model="forest").json() == expected
    refused = many.post(text, x_model="multinomial")
    assert refused.status_code == 400
    assert "ow 1" in refused.json()["message"]
