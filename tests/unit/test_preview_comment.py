"""The comment on a pull request, made from previews that the real engine printed (see recorded_previews.py)."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digits.__main__ import main
from digits.engine.events import Preview, Step
from digits.evaluation.verdict import Thresholds
from digits.preview import cost
from digits.preview.comment import Comment
from digits.preview.scoring_files import FileChange, changed_files
from digits.preview.trial import Trial, try_candidate
from digits.rendering import code
from digits.stack import read
from infra import scoring_package
from infra.live import Live
from tests.unit import recorded_previews as recorded


def altered(preview: Preview, name: str, **values: Any) -> Preview:
    """Return the preview with these fields of one step."""
    steps = tuple(replace(step, **values) if step.name == name else step for step in preview.steps)
    return replace(preview, steps=steps)


def step(preview: Preview, name: str) -> Step:
    """Return a step that is there."""
    found = preview.step(name)
    assert found is not None
    return found


@pytest.mark.parametrize("case", recorded.CASES)
def test_a_preview_of_the_real_engine_makes_this_comment(case: str, tmp_path: Path) -> None:
    """Byte for byte: a change of the comment shows in the diff for every kind of change."""
    expected = (recorded.DIRECTORY / case / "comment.md").read_text(encoding="utf-8")
    assert recorded.comment(case, tmp_path).render() == expected


def test_nothing_changed_is_one_line() -> None:
    """Below the hidden marker there is only the verdict."""
    text = (recorded.DIRECTORY / "unchanged" / "comment.md").read_text(encoding="utf-8")
    assert text.splitlines()[1:] == ["### ✅ Nothing changes in `dev`."]


@pytest.mark.parametrize("case", ["renamed", "moved", "existing-workspace"])
def test_what_is_lost_stands_first_and_in_bold(case: str, tmp_path: Path) -> None:
    """Of all that a preview says, a reviewer must not miss this."""
    comment = recorded.comment(case, tmp_path)
    lines = comment.render().splitlines()
    assert lines[3 : 3 + len(comment.lost)] == [f"- **{line}.**" for line in comment.lost]
    operations = [step.operation for step in recorded.preview(case).steps]
    assert len(comment.lost) == operations.count("replace") + operations.count("delete") > 0


def test_an_environment_registered_next_to_a_foreign_one_is_not_new(tmp_path: Path) -> None:
    """Its live version has a number behind it, and the same content gets it each time."""
    comment = recorded.comment("score", tmp_path)
    outputs = step(comment.preview, "environment").outputs
    numbered = altered(comment.preview, "environment", outputs={**outputs, "version": f"{outputs['version']}-2"})
    assert replace(comment, preview=numbered).verdict == comment.verdict
    assert "new scoring files, " in comment.verdict


def test_each_stack_has_a_marker_of_its_own() -> None:
    """A workflow that updates the comment of one stack leaves the others' as they are."""
    first = {Comment(stack, Preview(), None, []).render().splitlines()[0] for stack in ("dev", "staging", "prod")}
    assert len(first) == 3
    assert all(line.startswith("<!--") and line.endswith("-->") for line in first)


def preview_finds(monkeypatch: pytest.MonkeyPatch, found: Preview) -> None:
    """Let the command's preview find this, with nothing to look at."""
    monkeypatch.setattr("digits.engine.automation.preview", lambda _stack, _options: found)
    monkeypatch.setattr("infra.live.look", lambda *_about: Live("released", "x"))
    monkeypatch.setattr(
        "digits.cli.commands.previewing.make_ready", lambda stack: read(Path(__file__).parents[2], stack)
    )
    monkeypatch.setattr("digits.atomic_files.replace", lambda _path, _content: None)
    monkeypatch.setattr("digits.cli.commands.stacks.prepare", lambda _file: None)
    monkeypatch.setattr("digits.cli.commands.stacks.repair_state", lambda _stack: None)


def test_a_change_is_exit_code_0_and_so_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A comment was made, whatever is in it."""
    for case in ("unchanged", "renamed", "policies"):
        preview_finds(monkeypatch, recorded.preview(case))
        assert main(["preview"]) == 0
        assert capsys.readouterr().out == (recorded.DIRECTORY / case / "comment.md").read_text(encoding="utf-8")


def test_the_secrets_in_debug_lines_are_dropped() -> None:
    """The engine's debug events quote outputs in the clear."""
    event = {"sequence": 1, "diagnosticEvent": {"severity": "debug", "message": 'string_value: "hunter2"'}}
    found = recorded.read(json.dumps(event))
    assert "hunter2" not in repr(found)
    assert found == Preview()


def test_a_traceback_becomes_its_exception() -> None:
    """One sentence, without the paths of the machine that ran it."""
    message = f"Program failed with an unhandled exception:\nTraceback:\n  File x\nKeyError: '{Path.cwd()}/model'\n"
    event = {"sequence": 1, "diagnosticEvent": {"severity": "error", "message": message}}
    assert recorded.read(json.dumps(event)).errors == ("The program failed: KeyError: 'model'",)


@pytest.mark.parametrize("value", ["a`b|c\nd", "<script>", "@everyone", "](http://x)", "| x |", "-->"])
def test_a_value_cannot_leave_its_place(value: str) -> None:
    """Tags, names and messages come from others: none ends a cell, opens a tag, or calls somebody."""
    tags = {"owner": value}
    preview = recorded.preview("resized")
    service = step(preview, "webservice")
    preview = altered(preview, "webservice", after={**service.after, "tags": tags})
    warned = replace(preview, warnings=(value,))
    plain = Comment("dev", replace(preview, warnings=("x",)), None, []).render()
    text = Comment("dev", warned, None, []).render()
    assert len(text.splitlines()) == len(plain.splitlines())
    warning = next(line for line in text.splitlines() if "**Warning**" in line)
    assert not any(sign in warning.replace("\\<", "").replace("\\>", "") for sign in "<>")
    assert "@e" not in warning
    assert code(value).count("`") == 2


def test_a_promoted_release_is_not_run_and_shows_its_sources_evidence() -> None:
    """Prod takes the bytes that staging released: what they are worth was measured there."""
    source = {
        "stack": "staging",
        "release": "0123456789ab",
        "commit": "c0ffee0000000000",
        "dataset": "mnist",
        "datasetDigest": "d" * 64,
        "rowsEvaluated": 10000.0,
        "accuracy": 0.9266,
        "time": "2026-11-25T21:03:29+00:00",
    }
    preview = recorded.preview("model")
    preview = altered(preview, "release", after={**step(preview, "release").after, "source": source})
    preview = replace(preview, config={**preview.config, "digits:promoteFrom": "staging"})
    trial = try_candidate(preview, lambda _line: None)
    assert trial is not None
    assert trial.evaluation is None
    text = Comment("prod", preview, trial, []).render()
    assert "### ✅ `prod`: new model, 3 updated; `staging` released it with accuracy 0.9266." in text
    assert "from commit `c0ffee000000…`" in text
    assert "accuracy 0.9266 on 10,000 rows of mnist" in text
    loss = "Accuracy fell from 0.9501 with sklearn_mnist:3 to 0.9266."
    worse = altered(preview, "release", after={**step(preview, "release").after, "source": {**source, "loss": loss}})
    text = Comment("prod", worse, trial, []).render()
    assert (
        "### ⚠️ `prod`: new model, 3 updated; `staging` released it with accuracy 0.9266, a significant loss there."
        in text
    )
    assert "There it was worse than the release before: Accuracy fell from 0.9501 with sklearn\\_mnist:3" in text
    outside_git = {name: value for name, value in source.items() if name != "commit"}  # as the engine drops null
    preview = altered(preview, "release", after={**step(preview, "release").after, "source": outside_git})
    assert "which released it as `0123456789ab` on 2026-11-25" in Comment("prod", preview, trial, []).render()


def test_a_change_waits_for_its_promotion() -> None:
    """A pull request cannot change a stack that takes releases: that is no failure, and says what is deployed."""
    sentence = "This checkout is not what stack 'staging' released as 1c2edc2ee7aa: git checkout 9b52d5f."
    refused = Preview(errors=(sentence,))
    assert "❌ `prod` cannot be previewed" in Comment("prod", refused, None, []).render()
    comment = Comment("prod", refused, None, [], awaits_promotion=True).render()
    assert "✅ `prod` does not change: it takes what another stack released." in comment
    assert "git checkout 9b52d5f" in comment


def test_a_refused_candidate_is_only_doubtful_where_nothing_would_refuse_it() -> None:
    """With rehearsal and gate switched off it would be released all the same."""
    preview = recorded.preview("score-worse")
    off = {"digits:rehearsalEnabled": "false", "digits:gateEnabled": "false"}
    trial = Trial(failure="Run on this machine, the candidate fails: no weights.")
    assert "❌ `dev` would not be released: Run on this" in Comment("dev", preview, trial, []).verdict
    text = Comment("dev", replace(preview, config={**preview.config, **off}), trial, []).render()
    assert "⚠️" in text.splitlines()[1]
    assert "no weights" in text


def test_a_significant_loss_is_in_the_verdict_if_no_threshold_forbids_it() -> None:
    """It would be released, so a reviewer must not see a green mark."""
    trial = recorded.trial("score-worse")
    assert trial is not None
    assert trial.evaluation is not None
    passing = replace(trial, evaluation=replace(trial.evaluation, thresholds=Thresholds(minimum_accuracy=0.8)))
    verdict = Comment("dev", recorded.preview("score-worse"), passing, []).verdict
    assert verdict.startswith("⚠️ `dev`: ")
    assert re.search(
        r"accuracy 0\.9689 → 0\.8844 on the same 450 rows, a significant loss \(p = [\de.-]+\)\.$", verdict
    )


def test_what_is_live_and_not_released_is_said_before_what_changes() -> None:
    """A reviewer compares with what runs: no green mark, and the released accuracy is not called that of now."""
    live = Live("other", "live, not released: sklearn_mnist:3, accuracy 0.8667, because it is below the minimum.")
    comment = Comment("dev", recorded.preview("score"), recorded.trial("score"), [], live)
    lines = comment.render().splitlines()
    assert lines[1].startswith("### ⚠️ `dev`: ")
    assert lines[3].startswith("**Now**: live, not released: sklearn\\_mnist:3, accuracy 0.8667, because")
    assert "| Accuracy, evaluated | 0.9689 on 450 rows, as last released |" in comment.render()
    unchanged = Comment("dev", recorded.preview("unchanged"), None, [], live).render()
    assert "### ⚠️ Nothing changes in `dev`, but look at what is live." in unchanged
    assert "live, not released" in unchanged
    released = Comment("dev", recorded.preview("unchanged"), None, [], Live("released", "x")).render()
    assert released == Comment("dev", recorded.preview("unchanged"), None, []).render()


def test_a_candidate_that_the_gate_refused_is_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is deployed and was not released: the evaluation of the release before says nothing of it."""
    monkeypatch.chdir(tmp_path)
    preview = recorded.preview("unchanged")
    assert try_candidate(preview, lambda _line: None) is None
    refused = altered(preview, "webservice", outputs={**step(preview, "webservice").outputs, "fingerprint": "2" * 64})
    trial = try_candidate(refused, lambda _line: None)
    assert trial is not None
    assert "model/sklearn_mnist_model.pkl is missing" in str(trial.not_run), "it would be run"


def test_the_release_that_was_shown_is_handed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub's next job deploys what was approved: the id stands in its outputs, and only of a promoted release."""
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    preview_finds(monkeypatch, recorded.preview("score"))
    main(["preview", "--no-candidate"])
    assert not outputs.exists()
    score = recorded.preview("score")
    source = {"stack": "staging", "release": "1c2edc2ee7aa", "accuracy": 0.9, "rowsEvaluated": 1.0}
    source |= {"dataset": "mnist", "datasetDigest": "d" * 64, "time": "2026", "commit": None}
    promoted = altered(score, "release", after={**step(score, "release").after, "source": source})
    preview_finds(monkeypatch, promoted)
    main(["preview", "--no-candidate"])
    assert outputs.read_text() == "release=1c2edc2ee7aa\n"
    capsys.readouterr()


def test_a_preview_of_some_resources_says_that_a_candidate_needs_all() -> None:
    """A candidate is more than what changes."""
    preview = recorded.preview("score")
    kept = tuple(step for step in preview.steps if step.operation != "same")
    trial = try_candidate(replace(preview, steps=kept), lambda _line: None)
    assert trial is not None
    assert trial.not_run is not None
    assert "preview the whole stack" in trial.not_run


def test_an_unreadable_model_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nothing was trained says so instead of comparing something else."""
    monkeypatch.chdir(tmp_path)
    trial = try_candidate(recorded.preview("model"), lambda _line: None)
    assert trial is not None
    assert trial.not_run is not None
    assert "model/sklearn_mnist_model.pkl is missing" in trial.not_run


def test_lines_are_counted_against_the_release_s_own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the release kept its files no git is asked; a kept file that was not deployed is not compared with."""
    directory = recorded.DIRECTORY / "score"
    released = (directory / "score.py.released").read_text(encoding="utf-8")
    (tmp_path / "scoring").mkdir()
    (tmp_path / "scoring/score.py").write_bytes((directory / "score.py.present").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    preview = recorded.preview("score")
    for text, lines in ((released, (2, 1)), (f"{released}# other\n", None)):
        files = {"score.py": text.encode()}
        kept = {"scoringFiles": scoring_package.compress(files), "scoringDigest": scoring_package.digest(files)}
        outputs = {**step(preview, "release").outputs, **kept}
        found = changed_files(altered(preview, "release", outputs=outputs))
        assert found == [FileChange("score.py", "changed", is_generated=False, lines=lines)]


def test_an_old_text_is_found_in_git_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was committed since, the version with the deployed SHA-256 is the one that is compared with."""
    directory = recorded.DIRECTORY / "score"
    script = tmp_path / "scoring/score.py"
    script.parent.mkdir()
    script.write_bytes((directory / "score.py.released").read_bytes())
    recorded.commit(tmp_path)
    script.write_text("something else meanwhile\n")
    recorded.commit(tmp_path)
    script.write_bytes((directory / "score.py.present").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert [file.lines for file in changed_files(recorded.preview("score"))] == [(2, 1)]


def test_the_cost_is_that_of_the_published_table() -> None:
    """Cores and GB, Azure ML's own 0.2 and 1 among them, and the registry; an unpriced tier is left out of the sum."""
    preview = recorded.preview("resized")
    hour = cost.PRICES["containerInstances"]
    before, after = cost.estimate(preview).items["webservice"]
    assert before == pytest.approx(730 * (1.2 * hour["perCoreHour"] + 2 * hour["perGbHour"]))
    assert after == pytest.approx(730 * (2.2 * hour["perCoreHour"] + 2 * hour["perGbHour"]))
    registry = step(preview, "registry")
    premium = altered(preview, "registry", after={**registry.after, "sku": {"name": "Premium"}})
    before, after = cost.estimate(premium).items["registry"]
    assert before == pytest.approx(365 / 12 * cost.PRICES["containerRegistry"]["perDay"]["Basic"])
    assert after is None
