"""The rehearsal: the new scoring package with the new model and the new environment, run and evaluated on this machine.

It is a before-hook of the web service: if it fails, the live service was never touched.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from infra.azureml import Report
from infra.gate import load_test_data
from infra.model import ModelFile
from infra.progress import hook_reporter
from infra.promotion import ReleasedModel
from infra.provider import changed
from infra.scoring_package import ENTRY_SCRIPT, ScoringPackage, write
from infra.settings import Settings
from infra.webservice import REDEPLOYED_BY

if TYPE_CHECKING:
    from evaluation.smoke import Evaluation

_UNTOUCHED = "The live service was not touched"


class RehearsalError(Exception):
    """What would be deployed does not work on this machine."""


@dataclass(frozen=True)
class Rehearsal:
    """Runs what would be deployed, and scores a sample of the evaluation's data with it."""

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
        model_id = str((args.new_inputs or {})["modelId"])
        await asyncio.to_thread(self._rehearse, model_id, hook_reporter(args.urn))

    def _rehearse(self, model_id: str, report: Report) -> None:
        from evaluation.errors import EvaluationError  # noqa: PLC0415 (an unchanged `up` rehearses nothing)
        from runtime.environment import EnvironmentFailedError, build  # noqa: PLC0415
        from runtime.server import ServerFailedError  # noqa: PLC0415

        try:
            venv = build(self.conda, lambda line: report(f"rehearsing: {line}"))
            evaluation = self._evaluate(venv / "bin" / "python", model_id, report)
        except EnvironmentFailedError as error:
            problem = f"The environment cannot be built on this machine, so nothing could be rehearsed: {error}"
            if self.settings.rehearsal_required:
                raise RehearsalError(
                    f"{problem} {_UNTOUCHED}; `rehearsalRequired: false` deploys all the same."
                ) from error
            pulumi.log.warn(f"{problem} (rehearsalRequired is false)")
            return
        except ServerFailedError as error:
            raise RehearsalError(
                f"Rehearsed on this machine, the scoring package fails. {_UNTOUCHED}. {error}"
            ) from error
        except EvaluationError as error:
            raise RehearsalError(f"The rehearsal could not be evaluated. {_UNTOUCHED}. {error}") from error
        if not evaluation.passed:
            raise RehearsalError(
                f"Rehearsed on this machine, what would be deployed fails. {_UNTOUCHED}. {evaluation.verdict}"
            )
        report(f"rehearsed: {evaluation.verdict}")

    def _evaluate(self, python: Path, model_id: str, report: Report) -> "Evaluation":
        from evaluation import smoke  # noqa: PLC0415
        from runtime import server  # noqa: PLC0415
        from runtime.environment import variables  # noqa: PLC0415

        settings = self.settings
        with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1) as loading:
            dataset = loading.submit(load_test_data, settings, report)  # takes as long as the server's start
            source = Path(directory, "scoring")
            write(self.package.files, source)
            model = Path(directory, "azureml-models", *model_id.split(":"))  # as in the container
            write({self.model_file.name: self.model_file.read_bytes()}, model)
            running = server.start(
                Path(directory, "run"),
                python=python,
                source_directory=source,
                entry_script=ENTRY_SCRIPT,
                model_directory=model,
                port=0,
                environment_variables={**variables(self.conda), "WORKER_COUNT": "1"},
                cpu_cores=settings.service_cpu_cores,
                memory_gb=settings.service_memory_gb,
            )
            try:
                running.wait_until_healthy(settings.ready_timeout_seconds, lambda line: report(f"rehearsing: {line}"))
                return smoke.evaluate(
                    running.scoring_uri,
                    None,
                    dataset.result(),
                    rows=settings.rehearsal_rows,
                    thresholds=smoke.Thresholds(minimum_accuracy=settings.thresholds.minimum_accuracy),
                    progress=lambda done, total: report(f"rehearsing: {done:,} of {total:,} images"),
                )
            finally:
                running.stop(grace_seconds=0)  # nobody else asks it
