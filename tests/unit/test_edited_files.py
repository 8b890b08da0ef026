"""What a user may edit and a killed run may cut off: each fault is one sentence, or does not matter."""

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from rich.console import Console
from switch import PACK, SwitchError, require_known

from digits.__main__ import main
from digits.evaluation import report, terminal
from digits.evaluation.comparison import compare, obstacle
from digits.evaluation.evaluation_errors import EvaluationError
from digits.evaluation.page import Page
from digits.training.model import MODEL_FILE, read_current
from infra.configuration import SettingsError
from infra.gate import _read_before
from infra.model import ModelFile, service_tags
from tests.unit.evaluations import evaluated, images_of, zeros_ones_and_eights
from tests.unit.mutations import mutated

TRUTH = [0] * 50 + [1] * 50 + [8] * 100
EVALUATION = zeros_ones_and_eights(subject={"model": "sklearn_mnist:4"})
COMPARED = dataclasses.replace(
    EVALUATION, comparison=compare(evaluated(TRUTH, [8, 8, *EVALUATION.predictions[2:]]), TRUTH, EVALUATION.predictions)
)
METADATA = {
    "modelFile": MODEL_FILE,
    "sha256": hashlib.sha256(b"weights").hexdigest(),
    "framework": "ScikitLearn",
    "frameworkVersion": "1.9.1",
    "trustedTypes": ["sklearn.tree._tree.Tree"],
    "dataset": {"name": "digits", "digest": "d", "rows": 1347},
    "accuracy": 0.95,
}
OUTPUTS = {
    "scoringUri": "ftp://127.0.0.1/score",
    "primaryKey": "k",
    "release": {
        "dataset": "own.csv",
        "labelColumn": "class",
        "minimumAccuracy": 0.9,
        "maximumP95LatencyMs": 10,
        "modelName": "m",
        "modelVersion": 3.0,
        "modelSha256": "f00",
        "environment": "e:1",
    },
}
POLICIES = {"tls-on": "disabled", "workspace-closed": {"publicAccess": True, "enforcementLevel": "advisory"}}

often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def require_sentence(error: Exception, *names: str) -> None:
    """Hold an error to one sentence, or one for each fault, that name the file."""
    said = str(error)
    assert all(name in said for name in names)
    assert not any(word in said for word in ("Traceback", "object at 0x", "<class", "Error("))


@often
@given(text=mutated(METADATA))
def test_metadata_with_a_fault_is_one_sentence(tmp_path: Path, text: str) -> None:
    """The program either has tags and a manifest of it, or names the file; training then writes it anew."""
    path, evidence = tmp_path / MODEL_FILE, tmp_path / "metadata.json"
    path.write_bytes(b"weights")
    evidence.write_text(text)
    current, change = read_current(tmp_path, "digits")
    assert current is None
    assert change
    try:
        model = ModelFile.read(path)
    except SettingsError as error:
        require_sentence(error, str(evidence))
        assert "\n" not in str(error)  # noqa: PT017 - either end is right
    else:
        assert all(isinstance(value, str) for value in (model.tags | service_tags(model, "m")).values())
        assert json.dumps(model.manifest)
        model.compare_version({"dependencies": []}, Path("conda.yml"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dataset": ...}, "does not describe a model: it lacks dataset."),
        ({"dataset": {}}, "does not describe a model: dataset lacks name."),
        ({"accuracy": "0.95"}, 'does not describe a model: accuracy is "0.95", not a number from 0 to 1.'),
        ({"accuracy": 95}, "does not describe a model: accuracy is 95, not a number from 0 to 1."),
        ({"sha256": "abc"}, "does not describe a model: sha256 is not a SHA-256"),
        ({"trustedTypes": "all"}, 'does not describe a model: trustedTypes is "all", not a list.'),
        ({"trustedTypes": [1]}, "does not describe a model: trustedTypes[0] is 1, not a text on one line."),
    ],
)
def test_a_field_of_the_metadata_is_named_with_what_it_should_be(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    """And the command that writes the file anew."""
    (tmp_path / MODEL_FILE).write_bytes(b"weights")
    document = {name: value for name, value in {**METADATA, **change}.items() if value is not ...}
    (tmp_path / "metadata.json").write_text(json.dumps(document))
    with pytest.raises(SettingsError) as raised:
        ModelFile.read(tmp_path / MODEL_FILE)
    assert sentence in str(raised.value)
    assert str(raised.value).endswith("`digits train --force` writes it anew for the model that is trained here.")


@often
@given(text=mutated(COMPARED.to_json()))
def test_an_evaluation_with_a_fault_is_one_sentence(tmp_path: Path, text: str) -> None:
    """Shown, summed up, written again and compared with, or refused by its name; as --previous it is read so too."""
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    try:
        evaluation = report.read(path)
        page = Page(evaluation, images_of(TRUTH))
        report._require_same_data(evaluation, page.dataset)  # noqa: SLF001 - publish does so before it draws
    except EvaluationError as error:
        require_sentence(error)
        return
    terminal.show(evaluation, Console(file=io.StringIO()))
    assert page.markdown()
    assert [page._digit(*scored) for scored in page.sampled]  # noqa: SLF001 - without matplotlib's second
    assert page._changes() is not None  # noqa: SLF001
    assert json.dumps(evaluation.to_json())
    if not obstacle(evaluation, evaluation.digest, EVALUATION.indices):
        compare(evaluation, TRUTH, EVALUATION.predictions)


@often
@given(text=mutated(COMPARED.to_json()))
def test_a_release_whose_evaluation_cannot_be_read_does_not_block_the_next(text: str) -> None:
    """It was recorded by another version of the program, so the next one is not compared with it, and that is said."""
    evaluation, unread = _read_before(text)
    assert (evaluation is None) == (unread is not None or not text)
    assert unread is None or unread.startswith("another version of this program recorded its evaluation (")


@often
@given(text=mutated(OUTPUTS))
def test_outputs_with_a_fault_are_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """Exit 2 before anything is sent, and the key is in no message."""
    file = tmp_path_factory.getbasetemp() / "outputs.json"
    file.write_text(text)
    assert main(["evaluate", "--outputs", str(file)]) == 2
    *progress, said = capsys.readouterr().err.splitlines()
    assert progress in ([], ["Scoring digits …"])
    assert said.startswith("error: ")
    assert "object at" not in said


@often
@given(text=mutated(POLICIES))
def test_a_policy_configuration_with_a_fault_is_a_sentence(tmp_path: Path, text: str) -> None:
    """Or it is one that the engine takes."""
    config = PACK / "config" / "dev.json"
    (tmp_path / config).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / config).write_text(text)
    try:
        require_known(tmp_path, config)
    except SwitchError as error:
        require_sentence(error, str(config))


READERS: dict[str, Callable[[Path], object]] = {
    "an evaluation": report.read,
    "metadata": lambda path: ModelFile.read(path.with_name(MODEL_FILE)),
}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{", b"[" * 100_000, b"null", b"{}", b'"text"', b"1" * 5000])
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_no_json_object_is_one_sentence(tmp_path: Path, reader: str, content: bytes) -> None:
    """Empty, cut off, in another encoding, too deep: the file is named."""
    (tmp_path / MODEL_FILE).write_bytes(b"weights")
    (tmp_path / "metadata.json").write_bytes(content)
    with pytest.raises((EvaluationError, SettingsError)) as raised:
        READERS[reader](tmp_path / "metadata.json")
    require_sentence(raised.value, str(tmp_path / "metadata.json"))
    assert "\n" not in str(raised.value)
