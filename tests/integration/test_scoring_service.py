"""The package that is deployed, under the real inference server, evaluated over HTTP as the gate does it."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digits import datasets
from digits.evaluation import image_file
from digits.evaluation.reading import read_evaluation
from digits.evaluation.scoring_client import Client, score
from digits.runtime import server
from digits.training.model import MODEL_FILE, fit
from tests.integration.deployed import digits_model, serving_model, variables, write_package
from tests.integration.serving import ROOT, python

KEY = "a-key-that-must-not-be-shown"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scoring package and the model that it names."""
    directory = tmp_path_factory.mktemp("deployed")
    write_package(directory, digits_model(), datasets.load("digits", "train"))
    return directory


def start(package: Path, directory: Path) -> server.ScoringServer:
    """Start the package with a key."""
    return server.start(
        directory / "run",
        python=python(),
        source_directory=package / "scoring",
        entry_script="score.py",
        model_directory=package / "model",
        port=0,
        keys=[KEY],
        environment_variables=variables(),
    )


@pytest.fixture(scope="module")
def service(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.ScoringServer]:
    """The package, answering."""
    running = start(package, tmp_path_factory.mktemp("service"))
    try:
        running.wait_until_healthy(60)
        yield running
    finally:
        running.stop()


def run(*arguments: str, key: str | None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run `digits` with the key in its environment."""
    environment = {name: value for name, value in os.environ.items() if name not in ("SCORING_KEY", "SCORING_URI")}
    if key is not None:
        environment["SCORING_KEY"] = key
    command = [sys.executable, "-m", "digits", *arguments]
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, input=stdin)


def evaluate(uri: str, *arguments: str, key: str | None = KEY) -> subprocess.CompletedProcess[str]:
    """Evaluate the service."""
    return run("evaluate", "--uri", uri, *arguments, key=key)


def predict(
    uri: str | None, *arguments: str, key: str | None = KEY, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Have the service read a picture."""
    return run("predict", *(["--uri", uri] if uri else []), *arguments, key=key, stdin=stdin)


def test_the_deployed_package_reads_digits(service: server.ScoringServer, tmp_path: Path) -> None:
    """Exit 0, the verdict on the terminal, the counts in the file, and the key in neither."""
    ended = evaluate(service.scoring_uri, "--output", str(tmp_path / "evaluation.json"))
    written = (tmp_path / "evaluation.json").read_text()
    evaluation = read_evaluation(json.loads(written))
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"PASSED  {evaluation.verdict}")
    assert ended.stderr == "Scoring digits …\n", "a bar on a terminal, one line in a log"
    assert evaluation.rows == 450
    assert evaluation.accuracy > 0.9
    assert evaluation.digest == datasets.DIGESTS["digits", "test"]
    assert evaluation.misses
    images = datasets.load("digits", "test").images / 255
    for row, _, read, probability in evaluation.misses:
        assert probability == pytest.approx(digits_model().predict_proba(images[[row]])[0, read], abs=0.0006)
    assert KEY not in ended.stdout + ended.stderr + written + service.log_file.read_text()


def test_a_model_that_learned_text_is_evaluated_by_value(service: server.ScoringServer, tmp_path: Path) -> None:
    """As `fetch_openml` gives the labels; the reverse too, texts in the data against a model that learned numbers."""
    train, test = datasets.load("digits", "train"), datasets.load("digits", "test")
    texts = dataclasses.replace(train, labels=train.labels.astype(str).astype(object))
    np.savez(tmp_path / "own.npz", X=test.images, y=test.labels.astype(str))
    with serving_model(tmp_path, fit(texts), texts, key=KEY) as learned:
        ended = evaluate(learned.running.scoring_uri, "--report", str(tmp_path / "report"))
    assert ended.returncode == 0, ended.stderr
    read = read_evaluation(json.loads((tmp_path / "report" / "evaluation.json").read_text()))
    ended = evaluate(service.scoring_uri, "--dataset", str(tmp_path / "own.npz"), "--output", str(tmp_path / "numbers"))
    assert ended.returncode == 0, ended.stderr
    numbers = read_evaluation(json.loads((tmp_path / "numbers").read_text()))
    assert read.misses
    assert (read.predictions, read.misses, read.confusion_matrix, read.digest) == (
        numbers.predictions,
        numbers.misses,
        numbers.confusion_matrix,
        numbers.digest,
    )


def test_an_accuracy_below_the_minimum_is_exit_1(service: server.ScoringServer) -> None:
    """Evaluated and failed is not the same as not evaluated; --json prints one object and nothing else."""
    ended = evaluate(service.scoring_uri, "--minimum-accuracy", "1", "--rows", "200", "--json")
    document = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert (document["passed"], document["rows"]) == (False, 200)
    assert all(" read as " in sentence for sentence in document["worstConfusions"])


@pytest.mark.parametrize(
    ("path", "key", "sentence"),
    [
        ("/score", "wrong", "refuses the key (401)"),
        ("/score", None, "wants a key (401), and none was sent: set SCORING_KEY."),
        ("/score", "two\nlines", "The key of the service is empty or holds characters"),
        ("/scores", KEY, "answered 404"),
        ("/swagger.json", KEY, "answered 405"),
    ],
)
def test_a_service_that_cannot_be_evaluated_is_exit_2(
    service: server.ScoringServer, path: str, key: str | None, sentence: str
) -> None:
    """One sentence on stderr, no traceback, and never the key."""
    ended = evaluate(service.scoring_uri.removesuffix("/score") + path, key=key)
    *_, last = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert last.startswith("error: ")
    assert sentence in last
    assert "Traceback" not in ended.stderr
    assert key is None or key not in ended.stderr


def test_a_service_that_is_gone_is_exit_2() -> None:
    """Nothing listens: the URI and the reason are named."""
    ended = evaluate("http://127.0.0.1:9/score")
    assert ended.returncode == 2
    assert "No service answers at http://127.0.0.1:9/score (" in ended.stderr
    assert "'nonsense' is not a scoring URI" in evaluate("nonsense").stderr


def as_file(image: np.ndarray, side: int, margin: int, path: Path) -> Path:
    """Write a digit as people have them: of another size, somewhere in a larger picture, some as ink on paper."""
    picture = np.pad(
        np.asarray(Image.fromarray(image.reshape(28, 28)).resize((side, side))), ((margin, 0), (9, margin))
    )
    Image.fromarray(255 - picture if side % 2 else picture).save(path)
    return path


def test_a_picture_of_any_size_is_read_as_the_digit_in_it(service: server.ScoringServer, tmp_path: Path) -> None:
    """A hundred test digits, in sizes from 14 to 410 pixels: at most three get another label than as they were."""
    images = datasets.load("digits", "test").images[:100]
    with Client(service.scoring_uri, KEY) as client:
        expected = client.score(images)
        files = [as_file(image, 14 + 4 * at + at % 2, at, tmp_path / f"{at}.png") for at, image in enumerate(images)]
        labels = client.score(np.stack([image_file.read(file) for file in files]))
    assert sum(label != true for label, true in zip(labels, expected, strict=True)) <= 3


def test_a_picture_is_read_on_the_command_line(service: server.ScoringServer, tmp_path: Path) -> None:
    """Exit 0, the digit as it was sent and what was read, as sure as the model is; the key and its absence as ever."""
    image = datasets.load("digits", "test").images[1]
    file = as_file(image, 280, 30, tmp_path / "a digit's.png")
    probabilities = digits_model().predict_proba(image_file.read(file)[None] / 255)[0]
    ended = predict(service.scoring_uri, str(file))
    *drawn, said = ended.stdout.splitlines()
    assert (ended.returncode, len(drawn)) == (0, 14)
    assert said == f"{probabilities.argmax()}, {100 * probabilities.max():.0f} % sure"
    assert predict(service.scoring_uri, "--json-body", str(file)).stdout == ended.stdout
    outputs = json.dumps({"scoringUri": service.scoring_uri, "primaryKey": KEY})
    assert predict(None, "--outputs", "-", str(file), key=None, stdin=outputs).stdout == ended.stdout
    Image.fromarray(np.concatenate([np.asarray(Image.open(file).convert("L"))] * 2, axis=1)).save(tmp_path / "two.png")
    doubted = predict(service.scoring_uri, str(tmp_path / "two.png"))
    assert (doubted.returncode, len(doubted.stdout.splitlines())) == (0, 15)
    (warning,) = doubted.stderr.splitlines()
    assert warning.startswith(f"Warning: {tmp_path / 'two.png'} shows several shapes next to each other: ")
    wrong = predict(service.scoring_uri, str(file), key="wrong")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: The service at http://127.0.0.1:")
    assert "refuses the key (401)" in wrong.stderr


def test_a_model_that_is_not_the_deployed_one_never_serves(package: Path, tmp_path: Path) -> None:
    """The server ends in start-up, and says which two digests differ."""
    other = tmp_path / "other"
    shutil.copytree(package, other)
    (other / "model" / MODEL_FILE).write_bytes((other / "model" / MODEL_FILE).read_bytes() + b"\n")
    running = start(other, tmp_path)
    try:
        with pytest.raises(server.ServerFailedError, match=r"ModelRefusedError: .* has SHA-256 .* was not loaded"):
            running.wait_until_healthy(60)
    finally:
        running.stop()


def test_every_answer_counts_for_its_own_image(service: server.ScoringServer, package: Path) -> None:
    """Over HTTP, in batches, the labels are those of the model in this process."""
    import joblib  # only here

    test = datasets.load("digits", "test")
    model: Any = joblib.load(package / "model" / MODEL_FILE)
    steps: list[tuple[int, int]] = []
    labels = score(service.scoring_uri, KEY, test.images, lambda done, total: steps.append((done, total)))
    assert labels == model.predict(test.images / 255).tolist()
    assert steps == [(0, 450), (250, 450), (450, 450)]
