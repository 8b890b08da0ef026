"""The rows that a model was trained on are no evidence, wherever it is evaluated."""

from digits.cli.commands import services

from dataclasses import replace
from typing import Any, cast

import pytest

from digits import datasets
from digits.datasets import Dataset, DatasetError
from digits.evaluation.evidence import SeenDataError, require_unseen
from digits.preview.trial import Trial, _try
from digits.release import Release, carry, unfold
from infra.candidate import Candidate
from infra.gate import Inputs, _Judge
from infra.promotion import ReleasedModel
from tests.unit.test_promotion import RELEASE, released

NOWHERE = "http://127.0.0.1:9/score"  # an evaluation that begins fails with another sentence


@pytest.fixture(scope="module")
def rows() -> Dataset:
    """The rows of this module's model."""
    return datasets.load("digits", "train")


def test_the_training_rows_are_refused_and_other_rows_are_not(rows: Dataset) -> None:
    """The digest decides. A model whose training recorded none is not refused."""
    with pytest.raises(
        SeenDataError, match=r"^digits holds the rows that the model was trained on .* evaluationDataset"
    ):
        require_unseen(rows, rows.digest)
    require_unseen(rows, datasets.load("digits", "test").digest)
    require_unseen(rows, None)


def test_the_training_rows_are_the_same_under_another_name(rows: Dataset) -> None:
    """A copy of the file does not hide them."""
    with pytest.raises(SeenDataError, match=r"^copy\.csv holds"):
        require_unseen(replace(rows, name="copy.csv"), rows.digest)


def test_a_release_hands_the_digest_on() -> None:
    """A promoted stack, and each release after it, know what the model was trained on."""
    release = Release.from_output("staging", {**RELEASE, "trainingDigest": "e" * 64})
    assert ReleasedModel(Release.from_json(release.to_json())).training_digest == "e" * 64
    (carried,) = unfold(Release("dev", released(trainingDigest="e" * 64)))
    assert '"trainingDigest":"' + "e" * 64 in carry(carried.record)


def test_a_release_without_the_digest_can_be_promoted() -> None:
    """An older version of this program recorded none."""
    assert ReleasedModel(Release.from_output("staging", RELEASE)).training_digest is None
    assert ReleasedModel(Release("staging", cast("Any", dict(RELEASE)))).training_digest is None


def test_digits_evaluate_refuses_the_training_rows() -> None:
    """Nothing is sent to the service."""
    data = datasets.load("digits", "test")
    service = services.Service(NOWHERE, None, "dev", {"dataset": "digits", "trainingDigest": data.digest})
    chosen = dict.fromkeys(("dataset", "directory", "rows", "previous"))
    with pytest.raises(DatasetError, match="the rows that the model was trained on"):
        services.evaluate(service, label_column="", json_body=False, **chosen)


def test_the_gate_refuses_the_training_rows_of_the_combination_that_it_judges(rows: Dataset) -> None:
    """After a rollback this is the released model, which may have been trained on other rows."""
    judge = _Judge(cast("Any", None), rows, None)
    record = cast("Inputs", {"trainingDigest": rows.digest})
    with pytest.raises(SeenDataError):
        judge.evaluate(record, NOWHERE, None, lambda _line: None, "rollback")


def test_a_candidate_refuses_the_training_rows(rows: Dataset) -> None:
    """The rehearsal and the preview's trial run candidates; the trial shows it as a failure."""
    candidate = object.__new__(Candidate)
    object.__setattr__(candidate, "training_digest", rows.digest)
    trial = _try(lambda: cast("Any", candidate._load(lambda: rows)))
    assert isinstance(trial, Trial)
    assert trial.refusal is not None
    assert "the rows that the model was trained on" in trial.refusal
