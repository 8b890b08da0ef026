"""A candidate: a scoring package with its model and environment, run and evaluated on this machine.

The rehearsal runs it before a deployment. The preview of a pull request runs it before anybody deploys.
"""

from digits.cli import is_verbose

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.scoring_package import write
from infra.service_definition import ServiceDefinition

if TYPE_CHECKING:
    from digits.datasets import Dataset
    from digits.evaluation.smoke import Evaluation, Thresholds

LOG_FILE = "service.log"


@dataclass(frozen=True)
class Candidate:
    """What would run in the service: files by name, conda definition, model, and the service itself.

    If the candidate fails, its log and its report stay in the directory `kept`. Otherwise there is no such directory.
    """

    files: dict[str, bytes]
    conda: Mapping[str, Any]
    model_id: str  # name:version
    model_file: str
    read_model: Callable[[], bytes]
    training_digest: str | None  # of the rows that the model was trained on
    service: ServiceDefinition
    service_name: str
    workspace_id: str
    kept: Path

    def evaluate(
        self,
        load: Callable[[], "Dataset"],
        rows: int | None,
        thresholds: "Thresholds",
        previous: "Evaluation | None",
        report: Callable[[str], None],
    ) -> "Evaluation":
        """Build the environment, serve on loopback, score that many rows, and return what was measured.

        Raises EnvironmentFailedError, ServerFailedError, DatasetError and EvaluationError, each a sentence. After an
        exception in run(), its traceback follows the sentence.
        """
        from digits.evaluation import report as evaluation_report  # an unchanged `up` runs no candidate
        from digits.evaluation import smoke
        from digits.evaluation.evaluation_errors import ServiceError
        from digits.runtime import server
        from digits.runtime.environment import build, variables

        shutil.rmtree(self.kept, ignore_errors=True)
        python = build(self.conda, report) / "bin" / "python"
        names = {"SERVICE_NAME": self.service_name, "WORKSPACE_NAME": self.workspace_id.rpartition("/")[2]}
        with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1) as loading:
            dataset = loading.submit(self._load, load)  # takes as long as the server's start
            source = Path(directory, "scoring")
            write(self.files, source)
            model = Path(directory, "azureml-models", *self.model_id.split(":"))  # as in the container
            write({self.model_file: self.read_model()}, model)
            running = server.start(
                Path(directory, "run"),
                python=python,
                source_directory=source,
                entry_script=self.service.entry_script,
                model_directory=model,
                port=0,
                environment_variables={**variables(self.conda), **names, "WORKER_COUNT": "1"},
                cpu_cores=self.service.cpu_cores,
                memory_gb=self.service.memory_gb,
            )
            passed = False
            try:
                report("starting the service")
                running.wait_until_healthy(
                    self.service.ready_timeout_seconds, report if is_verbose() else lambda _line: None
                )
                evaluation = smoke.evaluate(
                    running.scoring_uri,
                    None,
                    dataset.result(),
                    rows=rows,
                    thresholds=thresholds,
                    previous=previous,
                    progress=lambda done, total: report(f"{done:,} of {total:,} images"),
                )
            except ServiceError as error:
                log = running.log_file.read_text(encoding="utf-8", errors="replace")
                raise ServiceError(f"{error}{explain(log)}") from error
            else:
                passed = evaluation.passed
                if not passed:
                    evaluation_report.publish(evaluation, dataset.result(), self.kept)
                return evaluation
            finally:
                running.stop(grace_seconds=0)  # it has no other client
                if not passed:
                    _keep(running.log_file, self.kept)

    def _load(self, load: Callable[[], "Dataset"]) -> "Dataset":
        """Return the data; raises DatasetError for the rows that the model was trained on."""
        from digits.evaluation import evidence

        dataset = load()
        evidence.require_unseen(dataset, self.training_digest)
        return dataset


def explain(log: str) -> str:
    """Return the entry script's last exception in a service's log, on lines of its own; empty if there is none."""
    from digits.runtime import health  # an unchanged `up` runs no candidate

    exception = health.last_exception(log.splitlines())
    return f"\nThe entry script's last exception:\n{exception}" if exception else ""


def _keep(log_file: Path, directory: Path) -> None:
    """Keep the log; a full disk must not hide why the candidate failed."""
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log_file, directory / LOG_FILE)
