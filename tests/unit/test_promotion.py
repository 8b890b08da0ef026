"""Promotion: a release travels by its digests, its record comes back from Pulumi's history, a checkout must fit it."""

from digits.cli.commands.releasing import print_releases, show_evidence

import dataclasses
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from digits.__main__ import main
from digits.promotion.history import choose
from digits.release import PromotionError, Release, carry, unfold
from digits.release_record import ReleaseRecord
from infra.azureml import AzureMLError
from infra.configuration import SettingsError
from infra.live import Live
from infra.promotion import ReleasedModel, fetch, require_checkout

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
RECORD = Release.from_output("staging", RELEASE)


def released(**changes: Any) -> ReleaseRecord:
    """Return the outputs of a release resource."""
    own = {"fingerprint": "1" * 64, "promoted": None, "scoringFiles": "…", "history": "[]"}
    return cast("ReleaseRecord", {**RELEASE, **own, **changes})


def altered(**changes: Any) -> Release:
    """Return the release as it travels, with another value for these keys."""
    return Release("staging", cast("ReleaseRecord", {**RECORD.record, **changes}))


def test_a_record_comes_back_as_it_was_written() -> None:
    """What is pinned in a stack's file is what was released."""
    assert Release.from_json(RECORD.to_json()) == RECORD


def test_the_evidence_says_that_the_release_was_worse_than_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    """Anyone who approves a promotion sees it, although no threshold of the source forbade it."""
    loss = "Accuracy fell from 0.9501 with sklearn_mnist:2 to 0.9205."
    record = Release.from_output("staging", {**RELEASE, "loss": loss})
    show_evidence(record, "prod")
    assert f"  worse         {loss}" in capsys.readouterr().out
    assert (record.source["loss"], RECORD.source["loss"]) == (loss, None)


def test_the_same_bytes_are_the_same_release_wherever_they_run() -> None:
    """Model, environment content and scoring files make the identity; stack, version, name and time do not."""
    elsewhere = altered(modelVersion=1.0, environment="other:0123456789ab", time="later")
    assert dataclasses.replace(elsewhere, stack="prod").id == RECORD.id
    for name in ("modelSha256", "environment", "scoringDigest"):
        assert altered(**{name: "e:f"}).id != RECORD.id


@pytest.mark.parametrize(
    ("release", "sentence"),
    [
        (None, "has released nothing yet"),
        ({**RELEASE, "gateEnabled": False}, "gateEnabled: false"),
        ({**RELEASE, "manifest": None, "commit": None}, r"manifest is null, not an object"),
    ],
)
def test_what_is_no_evidence_is_not_promoted(release: object, sentence: str) -> None:
    """Each is one sentence that names the stack and the fix; a release outside git is one all the same."""
    with pytest.raises(PromotionError, match=f"'staging'.*{sentence}|{sentence}.*STACK=staging"):
        Release.from_output("staging", release)


def test_a_release_carries_those_before_it_each_once() -> None:
    """Newest first, whatever deployed them; going back to a combination does not list it twice."""
    first, second = released(), released(modelSha256="e" * 64, modelVersion=4.0, accuracy=0.9301)
    third = released(modelSha256="f" * 64, modelVersion=5.0, history=carry({**second, "history": carry(first)}))
    assert [one.model for one in unfold(Release("staging", third))] == [
        "sklearn_mnist:5",
        "sklearn_mnist:4",
        "sklearn_mnist:3",
    ]
    back: ReleaseRecord = {**first, "history": carry(third)}
    assert [one.model for one in unfold(Release("staging", back))] == [
        "sklearn_mnist:3",
        "sklearn_mnist:5",
        "sklearn_mnist:4",
    ]
    assert "scoringFiles" not in back["history"]


def test_the_history_keeps_the_newest_fifty() -> None:
    """A state does not grow with each release for ever."""
    outputs = released()
    for number in range(60):
        outputs = released(modelSha256=f"{number:064}", modelVersion=float(number), history=carry(outputs))
    listed = unfold(Release("staging", outputs))
    assert [listed[0].model, listed[-1].model, len(listed)] == ["sklearn_mnist:59", "sklearn_mnist:9", 51]
    assert len(outputs["history"]) < 65_000


def test_a_release_without_a_gate_is_listed_and_cannot_be_promoted() -> None:
    """It was released, and nothing says that it is any good."""
    (one,) = unfold(Release("dev", released(gateEnabled=False, accuracy=None, time=None, commit=None)))
    assert (one.accuracy, one.time, one.commit) == ("no gate", "", "no git")
    with pytest.raises(PromotionError, match="gateEnabled: false"):
        _ = one.promotable


def test_an_older_release_is_named_by_the_start_of_its_id() -> None:
    """One that is not there, or not the only one, is a sentence with the command that lists them."""
    other = released(modelSha256="e" * 64, history=carry(released()))
    releases = unfold(Release("prod", other))
    assert choose(releases, releases[1].id[:6], "prod") == dataclasses.replace(RECORD, stack="prod")
    for unknown in ("zz", ""):
        with pytest.raises(PromotionError, match="make releases STACK=prod"):
            choose(releases, unknown, "prod")


def test_a_promoted_release_is_promoted_again_from_where_it_came() -> None:
    """The record is the source stack's, whose workspace holds the bytes; what is listed is the stack's own."""
    promoted = released(modelVersion=1.0, workspaceId="/subscriptions/3", promoted=RECORD.to_json())
    (one,) = unfold(Release("prod", promoted))
    assert (one.promotable, one.model, one.id) == (RECORD, "sklearn_mnist:1", RECORD.id)


@pytest.mark.parametrize(("dirty", "said"), [(False, "ccccccc"), (True, "ccccccc-dirty"), (None, "ccccccc")])
def test_ids_are_whole_in_80_columns_and_a_dirty_checkout_is_marked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    dirty: bool | None,  # noqa: FBT001
    said: str,
) -> None:
    """The id is what RELEASE= needs; a commit with uncommitted changes is not what was released."""
    resources = {"release": released(commitDirty=dirty, modelName="a-model-with-a-rather-long-name")}
    monkeypatch.setattr("digits.engine.deployments.read_outputs", lambda _stack: resources)
    monkeypatch.setattr("infra.live.look", lambda *_about: Live("other", "live, not released: x."))
    monkeypatch.setattr("digits.cli.commands.releasing._WIDTH", 80)
    print_releases("staging")
    lines = capsys.readouterr().out.splitlines()
    (row,) = (line for line in lines if line.startswith(RECORD.id))
    assert row.split()[1] == "no"
    assert re.search(rf"0\.9205 +{said} +2026-11-25 10:00", row)
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1] == "live, not released: x."


def test_a_checkout_that_fits_the_release_is_taken() -> None:
    """The environment's name may differ: its content is its version."""
    require_checkout(RECORD, RECORD.record["scoringDigest"], "0123456789ab")


def test_an_environment_registered_next_to_a_foreign_one_is_the_same_content() -> None:
    """Somebody else took the version's name in the source's registry: only there ours has a number after it."""
    numbered = altered(environment="tutorial-env:0123456789ab-2")
    assert numbered.id == RECORD.id
    require_checkout(numbered, RECORD.record["scoringDigest"], "0123456789ab")


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
        require_checkout(altered(**origin), "f" * 64, "0123456789ab")


def test_only_the_released_bytes_are_copied(tmp_path: Path) -> None:
    """What the source's registry holds by now is held against the SHA-256 that was released."""
    source = ReleasedModel(RECORD).place["source"]

    def download(workspace_id: str, name: str, version: int, directory: Path) -> Path:
        assert (workspace_id, name, version) == (RECORD.record["workspaceId"], "sklearn_mnist", 3)
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
    assert "There is no stack 'dev'" in capsys.readouterr().err
    shutil.copy(ROOT / "Pulumi.dev.yaml", tmp_path)
    assert main(promote) == 2
    assert "There is no stack 'prod'" in capsys.readouterr().err
    shutil.copy(ROOT / "Pulumi.prod.yaml", tmp_path)
    assert main([*promote[:-1], "dev"]) == 2
    assert "Stack 'dev' cannot take its own releases: name another one with FROM=." in capsys.readouterr().err
    assert main(promote) == 2
    assert "write `digits:promoteFrom: dev` there" in capsys.readouterr().err
