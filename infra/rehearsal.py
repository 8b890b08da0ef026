"""The rehearsal: the new scoring package with the new model and the new environment, run and evaluated on this machine.

It is a before-hook of the web service: if it fails, the live service was never touched.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pulumi

from digits.evaluation.verdict import Thresholds
from infra.azureml import Report
from infra.candidate import LOG_FILE, Candidate
from infra.gate import load_test_data
from infra.model import ModelFile
from infra.promotion import ReleasedModel
from infra.provider import changed
from infra.scoring_package import ScoringPackage
from infra.settings import Settings
from infra.status_line import hook_reporter
from infra.webservice import REDEPLOYED_BY, Combination

if TYPE_CHECKING:
    from digits.evaluation.smoke import Evaluation

_UNTOUCHED = "The live service was not touched"


class RehearsalError(Exception):
    """The candidate does not work on this machine."""


@dataclass(frozen=True)
class Rehearsal:
    """Runs the candidate, and scores a sample of the evaluation's data with it."""

    settings: Settings
    package: ScoringPackage
    model_file: ModelFile | ReleasedModel
    conda: Mapping[str, Any]

    @property
    def hook(self) -> pulumi.ResourceHook:
        """The before-hook of the web service."""
        return pulumi.ResourceHook("rehearse", self._run)

    async def _run(self, args: pulumi.ResourceHookArgs) -> None:
        # A change of tags or keys deploys nothing.
        if args.old_inputs and not changed(dict(args.old_inputs), dict(args.new_inputs or {}), REDEPLOYED_BY):
            return
        inputs = cast("Combination[str]", args.new_inputs)
        await asyncio.to_thread(self._rehearse, inputs, hook_reporter(args.urn))

    def _rehearse(self, inputs: Combination[str], report: Report) -> None:
        from digits.datasets import DatasetError
        from digits.evaluation.evaluation_errors import EvaluationError  # an unchanged `up` rehearses nothing
        from digits.runtime.environment import EnvironmentFailedError
        from digits.runtime.server import ServerFailedError

        try:
            evaluation = self._evaluate(inputs, lambda line: report(f"rehearsing: {line}"))
        except EnvironmentFailedError as error:
            problem = f"The environment cannot be built on this machine, so nothing could be rehearsed: {error}"
            if self.settings.rehearsal_required:
                raise RehearsalError(
                    f"{problem} {_UNTOUCHED}; `rehearsalRequired: false` deploys all the same."
                ) from error
            pulumi.log.warn(f"{problem} (rehearsalRequired is false)")
            return
        except ServerFailedError as error:
            raise self._fail(f"Rehearsed on this machine, the scoring package fails. {_UNTOUCHED}. {error}") from error
        except (DatasetError, EvaluationError) as error:
            raise self._fail(f"The rehearsal could not be evaluated. {_UNTOUCHED}. {error}") from error
        if not evaluation.passed:
            raise self._fail(
                f"Rehearsed on this machine, what would be deployed fails. {_UNTOUCHED}. {evaluation.verdict}"
            )
        report(f"rehearsed: {evaluation.verdict}")

    def _evaluate(self, inputs: Combination[str], report: Report) -> "Evaluation":
        settings = self.settings
        candidate = Candidate(
            files=self.package.files,
            conda=self.conda,
            model_id=inputs["modelId"],
            model_file=self.model_file.name,
            read_model=self.model_file.read_bytes,
            training_digest=self.model_file.training_digest,
            service=settings.service,
            service_name=inputs["name"],
            workspace_id=inputs["workspaceId"],
            kept=self.kept,
        )
        minimum = Thresholds(minimum_accuracy=settings.thresholds.minimum_accuracy)
        load = partial(load_test_data, settings, report)
        return candidate.evaluate(load, settings.rehearsal_rows, minimum, None, report)

    @property
    def kept(self) -> Path:
        """The directory for the log and the report of a rehearsal that failed."""
        return Path("reports", self.settings.stack, "rehearsal")

    def _fail(self, sentence: str) -> RehearsalError:
        """Return the error, which names the kept files; mark the live service's report as older than this change."""
        from digits.evaluation import report  # an unchanged `up` rehearses nothing

        found = [self.kept / name for name in (report.PAGE_FILE, LOG_FILE) if (self.kept / name).exists()]
        report.mark(self.kept.parent, "A later change failed its rehearsal and was not deployed: see rehearsal/.")
        kept = f"\nKept: {' and '.join(map(str, found))}" if found else ""
        return RehearsalError(f"{sentence}{kept}")
