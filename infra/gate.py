"""The gate: it evaluates the live service and refuses a release that misses a threshold; then it may roll back."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pulumi

from digits.release_record import ReleaseInputs, ReleaseRecord, describe_subject, model_id
from infra import azureml, rollback
from infra.azureml import Report
from infra.candidate import explain
from infra.settings import Settings
from infra.status_line import hook_reporter
from infra.webservice import Webservice

if TYPE_CHECKING:
    from digits.datasets import Dataset
    from digits.evaluation.smoke import Evaluation

Inputs = ReleaseInputs[str, float]

_UNEVALUATED = "The live service could not be evaluated, so nothing is released"
_NEXT = (
    "Fix the change or take it back, and run `pulumi up`; unchanged, `pulumi up --refresh` (or `make up`) "
    "deploys it again."
)


class GateError(Exception):
    """The live service did not pass, could not be evaluated, or is another combination than the one to release."""


@dataclass(frozen=True)
class Gate:
    """Evaluates what is live now. It awaits the service's key when the hook runs, and keeps it nowhere."""

    settings: Settings
    webservice: Webservice

    @property
    def hook(self) -> pulumi.ResourceHook:
        """The before-hook of the release."""
        return pulumi.ResourceHook("evaluate", self._run)

    async def _run(self, args: pulumi.ResourceHookArgs) -> None:
        inputs = cast("Inputs", args.new_inputs)
        released = cast("ReleaseRecord", args.old_outputs) if args.old_outputs else None
        key = await self.webservice.primary_key.future() or None  # empty if authentication is off
        # Not on the event loop: the engine talks to this program while the rows are scored.
        await asyncio.to_thread(self._decide, inputs, released, key, hook_reporter(args.urn))

    def _decide(self, inputs: Inputs, released: ReleaseRecord | None, key: str | None, progress: Report) -> None:
        """Evaluate the live service, if that is asked for; raises GateError if it may not be released."""
        from digits.datasets import DatasetError
        from digits.evaluation import report as evaluation_report  # an unchanged `up` evaluates nothing
        from digits.evaluation.evaluation_errors import EvaluationError, ServiceError

        if not self.webservice.is_fresh:
            _require_live(inputs)
        if not self.settings.gate_enabled:
            return
        try:
            judge = _Judge(
                self.settings, load_test_data(self.settings, progress), released.get("evaluation") if released else None
            )
        except DatasetError as error:
            raise GateError(f"{_UNEVALUATED}: {error}") from error
        try:
            evaluation, report = judge.evaluate(inputs, inputs["scoringUri"], key, progress)
        except ServiceError as error:
            failure = f"{_UNEVALUATED}: {error}{_explain(inputs, key)}"
            evaluation_report.mark(
                Path(inputs["report"]).parent, "What was deployed later could not be evaluated, and is live."
            )
        except (DatasetError, EvaluationError) as error:
            raise GateError(f"{_UNEVALUATED}: {error}") from error
        else:
            if evaluation.passed:
                say = pulumi.log.warn if evaluation.is_worse else pulumi.log.info
                say(f"{evaluation.verdict} {report}")
                return
            failure = f"{evaluation.verdict} Nothing is released. {report}"
        raise GateError(f"{failure}\n{self._way_back(judge, inputs, released, progress)}")

    def _way_back(self, judge: "_Judge", failed: Inputs, released: ReleaseRecord | None, progress: Report) -> str:
        """Roll back if that is wanted and possible; return what was done, and what may be done."""
        from digits.datasets import DatasetError
        from digits.evaluation.evaluation_errors import EvaluationError

        obstacle = rollback.obstacle(released, failed)
        if released is None or obstacle or not self.settings.rollback_on_failure:
            why = f"Not rolled back: {obstacle}" if self.settings.rollback_on_failure else "What failed stays live"
            offer = "" if obstacle else "; `rollbackOnFailure: true` deploys the last release again"
            return f"{why}{offer}. The next `pulumi up` evaluates again."
        pulumi.log.warn("The live service failed, so the last released combination is deployed again.")
        combination = f"the last released combination, {model_id(released)} in {released['environment']},"
        try:
            uri, key = rollback.deploy(released, lambda line: progress(f"rolling back: {line}"))
        except rollback.RollbackError as error:
            return (
                f"The rollback FAILED too: {combination} cannot be deployed, "
                f"and what is live has passed nothing. {error}\n"
                "Fix the change or take it back, and run `pulumi up --refresh` (or `make up`)."
            )
        try:
            evaluation, report = judge.evaluate(released, uri, key, progress, "rollback")
        except (DatasetError, EvaluationError) as error:
            return f"Rolled back: {combination} is live again, but could NOT be evaluated: {error}\n{_NEXT}"
        verdict = "and passed" if evaluation.passed else "but FAILS too"
        return f"Rolled back: {combination} is live again {verdict}: {evaluation.verdict} {report}\n{_NEXT}"


@dataclass(frozen=True)
class _Judge:
    """Evaluates one combination after the other on the same data, against the same thresholds."""

    settings: Settings
    dataset: "Dataset"
    before: str | None

    def evaluate(
        self, record: Inputs, uri: str, key: str | None, progress: Report, directory: str = ""
    ) -> tuple["Evaluation", str]:
        """Return the evaluation, and the place of its report, or why a service that failed has none.

        Raises DatasetError for the rows that the combination's model was trained on.
        """
        from digits.evaluation import evidence, report, smoke
        from digits.evaluation.evaluation_errors import ReportError

        evidence.require_unseen(self.dataset, record.get("trainingDigest"))
        previous, unread = _read_before(self.before)
        evaluation = smoke.evaluate(
            uri,
            key,
            self.dataset,
            rows=self.settings.evaluation_rows or None,
            thresholds=self.settings.thresholds,
            previous=previous,
            subject=describe_subject(record),
            progress=_progress(progress, f"evaluating {directory}".strip(), "images"),
        )
        if unread:
            evaluation = replace(evaluation, not_compared=unread)
        if directory:  # the release itself was deployed again: there is no drop to judge if the data changed since
            evaluation = replace(evaluation, is_other_data=False)
        try:
            page = report.publish(evaluation, self.dataset, Path(record["report"]).parent / directory)
        except ReportError as error:
            if evaluation.passed:
                raise
            return evaluation, str(error)
        return evaluation, f"Report: {page}"


def _read_before(recorded: str | None) -> tuple["Evaluation | None", str | None]:
    """Return the last release's evaluation, or why it cannot be read, which must not block the next release."""
    from digits.evaluation.evaluation_errors import ReportError
    from digits.evaluation.reading import read_evaluation

    try:
        return (read_evaluation(json.loads(recorded)) if recorded else None), None
    except (ValueError, ReportError) as error:
        return None, f"another version of this program recorded its evaluation ({str(error).rstrip('.')})"


def load_test_data(settings: Settings, report_progress: Report) -> "Dataset":
    """Return the data to evaluate on; raises DatasetError."""
    from digits import datasets

    return datasets.load(
        settings.evaluation_dataset,
        "test",
        directory=settings.evaluation_directory,
        label_column=settings.evaluation_label_column,
        progress=_progress(report_progress, "downloading", "bytes"),
    )


def _explain(failed: Inputs, key: str | None) -> str:
    """Return the traceback at the end of the service's log, without the key; empty if the log cannot be read."""
    try:
        log = azureml.service_log(failed["workspaceId"], failed["service"])
    except azureml.AzureMLError:
        return ""
    return explain(log.replace(key, "[key]") if key else log)


def _require_live(inputs: Inputs) -> None:
    """Raise GateError if another combination is live: after a rollback the old one must not pass for the new one."""
    name = inputs["service"]
    try:
        live = azureml.find_service(inputs["workspaceId"], name)
    except azureml.AzureMLError as error:
        raise GateError(f"{_UNEVALUATED}: {error}") from error
    if live is None or live.fingerprint != inputs["fingerprint"]:
        what = "is gone" if live is None else "was rolled back, or deployed by others, since this change was deployed"
        raise GateError(f"{_UNEVALUATED}: web service '{name}' {what}. {_NEXT}")


def _progress(report: Report, doing: str, what: str) -> Callable[[int, int], None]:
    """Return a function that shows how far along it is, and leaves nothing in the summary."""
    return lambda done, total: report(f"{doing}: {done:,} of {total:,} {what}")
