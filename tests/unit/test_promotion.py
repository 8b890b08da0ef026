"""Promotion: a release travels by its digests, its record comes back from Pulumi's history, a checkout must fit it."""

import dataclasses
import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.azureml import AzureMLError
from infra.promotion import ReleasedModel, fetch, require_checkout
from infra.settings import SettingsError
from promotion.__main__ import main
from promotion.history import choose, read_history, write_message
from promotion.record import PromotionError, ReleaseRecord

ROOT = Path(__file__).parents[2]

RELEASE: dict[str, Any] = {
    "workspaceId": "/subscriptions/2/…/workspaces/digits-staging-ml",
    "modelName": "sklearn_mnist",
    "modelVersion": 3.0,
    "modelSha256": "a" * 64,
    "modelTags": {"sha256": "a" * 64, "accuracy": "0.9205"},
    "manifest": {"model": {"file": "sklearn_mnist_model.pkl", "sha256": "a" * 64}},
    "environment": "tutorial-env:0123456789ab",
    "scoringDigest": "b" * 64,
    "commit": "c" * 40,
    "commitDirty": False,
    "dataset": "mnist",
    "datasetDigest": "d" * 64,
    "rowsEvaluated": 10000.0,
    "accuracy": 0.9205,
    "time": "2026-11-25T10:00:00+00:00",
    "gateEnabled": True,
    "service": "digits-staging",
}
RECORD = ReleaseRecord.from_output("staging", RELEASE)


def update(record: ReleaseRecord, time: str, **more: str) -> dict[str, Any]:
    """Return an entry of a stack's history."""
    return {"kind": "update", "result": "succeeded", "endTime": time, "message": write_message(record), **more}


def test_a_record_comes_back_as_it_was_written() -> None:
    """What is pinned in a stack's file is what was released."""
    assert ReleaseRecord.from_json(RECORD.to_json()) == RECORD


def test_the_same_bytes_are_the_same_release_wherever_they_run() -> None:
    """Model, environment content and scoring files make the identity; stack, version, name and time do not."""
    elsewhere: dict[str, Any] = {
        "stack": "prod",
        "modelVersion": 1.0,
        "environment": "other:0123456789ab",
        "time": "later",
    }
    assert dataclasses.replace(RECORD, **elsewhere).id == RECORD.id
    for name in ("modelSha256", "environment", "scoringDigest"):
        other: dict[str, Any] = {name: "e:f"}
        assert dataclasses.replace(RECORD, **other).id != RECORD.id


@pytest.mark.parametrize(
    ("release", "sentence"),
    [
        (None, "has released nothing yet"),
        ({**RELEASE, "gateEnabled": False}, "gateEnabled: false"),
        ({**RELEASE, "manifest": None, "commit": None}, "does not say its manifest, which"),
    ],
)
def test_what_is_no_evidence_is_not_promoted(release: object, sentence: str) -> None:
    """Each is one sentence that names the stack and the fix; a release outside git is one all the same."""
    with pytest.raises(PromotionError, match=f"'staging'.*{sentence}|{sentence}.*STACK=staging"):
        ReleaseRecord.from_output("staging", release)


def test_the_history_lists_each_release_once_and_failed_promotions_never() -> None:
    """Newest first; refreshes, plain updates and promotions that failed released nothing."""
    newer = dataclasses.replace(RECORD, modelSha256="e" * 64)
    history = [
        update(RECORD, "4"),
        update(dataclasses.replace(RECORD, modelSha256="f" * 64), "3", result="failed"),
        update(newer, "2"),
        {"kind": "refresh", "result": "succeeded", "message": ""},
        {"kind": "update", "result": "succeeded", "message": "Promote by digest\n\n[1]"},
        update(RECORD, "1"),
    ]
    assert [(found.time, found.record) for found in read_history(history)] == [("4", RECORD), ("2", newer)]


def test_an_older_release_is_named_by_the_start_of_its_id() -> None:
    """One that is not there, or not the only one, is a sentence with the command that lists them."""
    other = dataclasses.replace(RECORD, modelSha256="e" * 64)
    history = read_history([update(RECORD, "2"), update(other, "1")])
    assert choose(history, other.id[:6], "prod") == other
    for unknown in ("zz", ""):
        with pytest.raises(PromotionError, match="make releases STACK=prod"):
            choose(history, unknown, "prod")


def test_a_checkout_that_fits_the_release_is_taken() -> None:
    """The environment's name may differ: its content is its version."""
    require_checkout(RECORD, RECORD.scoringDigest, "0123456789ab")


def test_an_environment_registered_beside_a_foreign_one_is_the_same_content() -> None:
    """Somebody else took the version's name in the source's registry: ours has a number after it there alone."""
    beside = dataclasses.replace(RECORD, environment="tutorial-env:0123456789ab-2")
    assert beside.id == RECORD.id
    require_checkout(beside, RECORD.scoringDigest, "0123456789ab")


@pytest.mark.parametrize(
    ("scoring", "environment", "differs"),
    [
        ("f" * 64, "0123456789ab", r"the scoring files differ"),
        ("b" * 64, "ba9876543210", r"scoring/conda\.yml differ"),
        ("f" * 64, "ba9876543210", r"the scoring files and scoring/conda\.yml differ"),
    ],
)
def test_another_checkout_is_refused_with_the_commit_to_check_out(scoring: str, environment: str, differs: str) -> None:
    """Prod never builds anew what staging released."""
    with pytest.raises(SettingsError, match=rf"{differs}\): git checkout {'c' * 40}"):
        require_checkout(RECORD, scoring, environment)


@pytest.mark.parametrize(
    ("origin", "said"),
    [({"commitDirty": True}, "not committed"), ({"commit": None, "commitDirty": None}, "outside git")],
)
def test_a_release_of_what_no_commit_holds_says_so(origin: dict[str, Any], said: str) -> None:
    """A commit that would not do is not given as the fix."""
    with pytest.raises(SettingsError, match=said):
        require_checkout(dataclasses.replace(RECORD, **origin), "f" * 64, "0123456789ab")


def test_only_the_released_bytes_are_copied(tmp_path: Path) -> None:
    """What the source's registry holds by now is held against the SHA-256 that was released."""
    source = ReleasedModel(RECORD).inputs["source"]

    def download(workspace_id: str, name: str, version: int, directory: Path) -> Path:
        assert (workspace_id, name, version) == (RECORD.workspaceId, "sklearn_mnist", 3)
        (directory / "model.pkl").write_bytes(b"weights")
        return directory / "model.pkl"

    released = hashlib.sha256(b"weights").hexdigest()
    assert fetch(source, released, tmp_path, download).read_bytes() == b"weights"
    with pytest.raises(AzureMLError, match=r"sklearn_mnist:3 .* its bytes were replaced since"):
        fetch(source, "a" * 64, tmp_path, download)


def test_a_stack_takes_releases_of_the_stack_that_its_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is asked of a backend."""
    monkeypatch.chdir(tmp_path)
    promote = ["promote", "--from", "dev", "--to", "prod"]
    assert main(promote) == 2
    assert "There is no Pulumi.yaml here" in capsys.readouterr().err
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    assert main(promote) == 2
    assert "There is no stack 'prod'" in capsys.readouterr().err
    shutil.copy(ROOT / "Pulumi.prod.yaml", tmp_path)
    assert main(promote) == 2
    assert "write `digits:promoteFrom: dev` there" in capsys.readouterr().err
