"""The gate: evaluates the live service and refuses a release below the minimum accuracy."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pulumi

from infra.azureml import Report
from infra.progress import hook_reporter
from infra.release import candidate
from infra.settings import Settings


class GateError(Exception):
    """The live service did not pass, or could not be evaluated."""


@dataclass(frozen=True)
class Gate:
    """Evaluates what is live now; the key is awaited when the hook runs and kept nowhere."""

    settings: Settings
    key: pulumi.Output[str]

    @property
    def hook(self) -> pulumi.ResourceHook:
        """The before-hook of the release."""
        return pulumi.ResourceHook("evaluate", self._run)

    async def _run(self, args: pulumi.ResourceHookArgs) -> None:
        inputs = dict(args.new_inputs or {})
        key = await self.key.future() or None  # empty where authentication is off
        # Not on the event loop: the engine talks to this program while the rows are scored.
        await asyncio.to_thread(self._evaluate, inputs, key, hook_reporter(args.urn))

    def _evaluate(self, inputs: dict[str, object], key: str | None, report_progress: Report) -> None:
        from evaluation import datasets, report, smoke  # noqa: PLC0415 (an unchanged `up` evaluates nothing)
        from evaluation.errors import EvaluationError  # noqa: PLC0415

        settings = self.settings
        path = Path(str(inputs["report"]))
        try:
            dataset = datasets.load(
                settings.evaluation_dataset,
                "test",
                directory=settings.evaluation_directory,
                progress=_progress(report_progress, "downloading", "bytes"),
            )
            evaluation = smoke.evaluate(
                str(inputs["scoringUri"]),
                key,
                dataset,
                rows=settings.evaluation_rows or None,
                minimum_accuracy=settings.minimum_accuracy,
                subject={
                    "candidate": candidate(inputs),
                    "model": f"{inputs['modelName']}:{inputs['modelVersion']:g}",
                    "environment": str(inputs["environment"]),
                    "service": str(inputs["service"]),
                },
                progress=_progress(report_progress, "evaluating", "images"),
            )
            report.write(evaluation, path)
        except EvaluationError as error:
            raise GateError(f"The live service could not be evaluated, so nothing is released: {error}") from error
        if not evaluation.passed:
            worst = "; ".join(evaluation.worst_confusions())
            raise GateError(
                f"{evaluation.verdict} Worst: {worst}. Nothing is released, and the next `pulumi up` evaluates again "
                f"(minimumAccuracy, {path})."
            )
        pulumi.log.info(evaluation.verdict)


def _progress(report: Report, doing: str, what: str) -> Callable[[int, int], None]:
    """Show how far along it is, and leave nothing in the summary."""
    return lambda done, total: report(f"{doing}: {done:,} of {total:,} {what}")
