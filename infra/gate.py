"""The gate: evaluates the live service and refuses a release below the minimum accuracy."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from infra.azureml import Report
from infra.progress import hook_reporter
from infra.release import candidate
from infra.settings import Settings

if TYPE_CHECKING:
    from evaluation.datasets import Dataset


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
        before = (args.old_outputs or {}).get("evaluation")
        key = await self.key.future() or None  # empty where authentication is off
        # Not on the event loop: the engine talks to this program while the rows are scored.
        await asyncio.to_thread(self._evaluate, inputs, before, key, hook_reporter(args.urn))

    def _evaluate(self, inputs: dict[str, object], before: str | None, key: str | None, progress: Report) -> None:
        from evaluation import report, smoke  # noqa: PLC0415 (an unchanged `up` evaluates nothing)
        from evaluation.errors import EvaluationError  # noqa: PLC0415

        settings = self.settings
        try:
            dataset = load_test_data(settings, progress)
            evaluation = smoke.evaluate(
                str(inputs["scoringUri"]),
                key,
                dataset,
                rows=settings.evaluation_rows or None,
                thresholds=settings.thresholds,
                previous=smoke.Evaluation.from_json(json.loads(before)) if before else None,
                subject={
                    "candidate": candidate(inputs),
                    "model": f"{inputs['modelName']}:{inputs['modelVersion']:g}",
                    "modelSha256": str(inputs["modelSha256"]),
                    "environment": str(inputs["environment"]),
                    "scoringDigest": str(inputs["scoringDigest"]),
                    "service": str(inputs["service"]),
                },
                progress=_progress(progress, "evaluating", "images"),
            )
            page = report.publish(evaluation, dataset, Path(str(inputs["report"])).parent)
        except EvaluationError as error:
            raise GateError(f"The live service could not be evaluated, so nothing is released: {error}") from error
        if not evaluation.passed:
            raise GateError(
                f"{evaluation.verdict} Nothing is released, and the next `pulumi up` evaluates again. Report: {page}"
            )
        pulumi.log.info(f"{evaluation.verdict} Report: {page}")


def load_test_data(settings: Settings, report_progress: Report) -> "Dataset":
    """Return what the service is evaluated on; raises EvaluationError."""
    from evaluation import datasets  # noqa: PLC0415 (see above)

    return datasets.load(
        settings.evaluation_dataset,
        "test",
        directory=settings.evaluation_directory,
        progress=_progress(report_progress, "downloading", "bytes"),
    )


def _progress(report: Report, doing: str, what: str) -> Callable[[int, int], None]:
    """Show how far along it is, and leave nothing in the summary."""
    return lambda done, total: report(f"{doing}: {done:,} of {total:,} {what}")
