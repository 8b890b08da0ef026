"""The verdict: a preview in one sentence, which the comment starts with."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from digits.engine.events import Preview, Step
from digits.evaluation.smoke import Evaluation
from digits.preview import changes
from digits.preview.scoring_files import FileChange
from digits.preview.trial import Trial
from digits.rendering import code, prose
from infra.live import Live

if TYPE_CHECKING:
    from digits.release_record import Source

DONE = {"replace": "replaced", "delete": "deleted", "create": "created", "update": "updated"}
LOSING = ("replace", "delete")


def changed_steps(preview: Preview) -> list[Step]:
    """Return the resources that change."""
    return [step for step in preview.steps if step.operation in DONE]


def count_steps(steps: Sequence[Step]) -> str:
    """Return the number of resources by operation, in words."""
    counted = Counter(step.operation for step in steps)
    return ", ".join(f"{counted[operation]} {word}" for operation, word in DONE.items() if counted[operation])


def source(preview: Preview) -> "Source | None":
    """Return the origin of a promoted release."""
    release = preview.step("release")
    return cast("Source | None", release.after.get("source")) if release else None


def announce_promotion(stack: str, preview: Preview) -> str:
    """Return the sentence for a stack that takes releases, and was refused a checkout that is not released yet."""
    return f"✅ {code(stack)} does not change: it takes what another stack released. {prose(preview.errors[0])}"


def pronounce(
    stack: str, preview: Preview, trial: Trial | None, files: Sequence[FileChange], live: Live | None = None
) -> str:
    """Return the sentence, with a mark in front: an error, a refusal, a loss, or the changes, in this order."""
    name = code(stack)
    if preview.errors:
        return f"❌ {name} cannot be previewed: {prose(preview.errors[0])}"
    if refusing := len({violation.policy for violation in preview.violations if violation.is_mandatory}):
        policies = "policy refuses" if refusing == 1 else "policies refuse"
        return f"❌ {name} would not be deployed: {refusing} {policies} it."
    if trial and trial.refusal and is_judged(preview):
        reason = _miss(trial.evaluation) + _measure(preview, trial) + "." if trial.evaluation else prose(trial.refusal)
        return f"❌ {name} would not be released: {reason}"
    steps = changed_steps(preview)
    stale = live is not None and not live.is_released
    if not steps:
        return f"⚠️ Nothing changes in {name}, but look at what is live." if stale else f"✅ Nothing changes in {name}."
    promoted = source(preview)
    warned = (
        stale
        or bool(promoted and promoted.get("loss"))
        or any(step.operation in LOSING for step in steps)
        or (_is_doubtful(trial) and not promoted)
    )
    return f"{'⚠️' if warned else '✅'} {name}: {_summarize(preview, steps, files)}{_measure(preview, trial)}."


def is_judged(preview: Preview) -> bool:
    """Say whether a rehearsal or a gate would stop a release that is not good enough."""
    return "true" in (preview.setting("rehearsalEnabled"), preview.setting("gateEnabled"))


def _miss(evaluation: Evaluation) -> str:
    """Name the missed thresholds; the details have each whole sentence."""
    missed = [check for check in evaluation.checks if not check.passed]
    return "it misses " + ", ".join(f"{check.threshold} {check.limit:g} ({check.number})" for check in missed)


def _is_doubtful(trial: Trial | None) -> bool:
    """Say whether a person should look: the candidate was not run, it fails, or its loss is significant."""
    if trial is None:
        return False
    if trial.evaluation is None or not trial.evaluation.passed:
        return True
    return trial.evaluation.is_worse


def _summarize(preview: Preview, steps: Sequence[Step], files: Sequence[FileChange]) -> str:
    """Return the changes in one clause."""
    if not any(step.before for step in steps):
        return f"first deployment, {count_steps(steps)}"
    if any(step.operation in LOSING for step in steps):
        return count_steps(steps)
    model, environment = preview.step("model"), preview.step("environment")
    parts = {
        "model": bool(model and model.live.get("sha256") != model.after.get("sha256")),
        # By the inputs: next to a foreign environment of this version, the live one has a number behind it.
        "environment": bool(environment and environment.before.get("version") != environment.after.get("version")),
        "scoring files": any(not file.is_generated for file in files),
        "settings": bool(changes.settings(preview)),
    }
    named = [part for part, changed in parts.items() if changed]
    what = " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]]))
    return f"new {what}, {count_steps(steps)}" if named else count_steps(steps)


def _measure(preview: Preview, trial: Trial | None) -> str:
    """Return how the candidate compares with the release, in one clause."""
    if released := source(preview):
        loss = ", a significant loss there" if released.get("loss") else ""
        return f"; {code(released['stack'])} released it with accuracy {released['accuracy']:.4f}{loss}"
    if trial is None:
        return ""
    if trial.evaluation is None:
        return "; run here, the candidate fails" if trial.failure else "; the candidate was not run"
    now, comparison = trial.evaluation, trial.evaluation.comparison
    if comparison is None:
        return f"; accuracy {now.accuracy:.4f} on {now.rows:,} rows"
    loss = f", a significant loss (p = {comparison.p_value:.2g})" if comparison.is_loss else ""
    return f"; accuracy {comparison.accuracy:.4f} → {now.accuracy:.4f} on the same {now.rows:,} rows{loss}"
