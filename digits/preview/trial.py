"""The trial of a candidate: what the preview would deploy runs here, on the same rows as the current release."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from digits.datasets import DatasetError, load
from digits.engine.events import UNKNOWN, Preview, Step
from digits.evaluation.evaluation_errors import EvaluationError, ServiceError
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.evidence import SeenDataError
from digits.evaluation.reading import read_evaluation
from digits.evaluation.verdict import Thresholds
from digits.runtime.environment import EnvironmentFailedError
from digits.runtime.server import ServerFailedError
from infra.candidate import Candidate
from infra.configuration import SettingsError
from infra.model import ModelFile
from infra.scoring_package import ScoringPackage
from infra.service_definition import ServiceDefinition

_IDENTITY = ("modelSha256", "environmentVersion", "scoringDigest")


@dataclass(frozen=True)
class Trial:
    """The candidate's evaluation, or the reason why it fails, or the reason why it was not run."""

    evaluation: Evaluation | None = None
    failure: str | None = None
    not_run: str | None = None

    @property
    def refusal(self) -> str | None:
        """The reason why the rehearsal or the gate would refuse it, if one would."""
        if self.evaluation is not None and not self.evaluation.passed:
            return self.evaluation.verdict
        return self.failure


def try_candidate(preview: Preview, report: Callable[[str], None]) -> Trial | None:
    """Run and evaluate the candidate; return None if it is the last release and still passes."""
    service, model, environment = (preview.step(name) for name in ("webservice", "model", "environment"))
    if not (service and service.after):
        return None
    unchanged = service.before and all(service.live.get(name) == service.after.get(name) for name in _IDENTITY)
    if unchanged and _is_released(preview, service):
        return _judge_again(preview)
    if preview.setting("promoteFrom"):
        return Trial(not_run="it is promoted as it is, on the evidence of the stack that released it.")
    if not (model and environment):
        return Trial(not_run="this preview leaves out the model or the environment: preview the whole stack.")
    return _try(lambda: _evaluate(preview, service.after, model.after, environment.after["conda"], report))


def _is_released(preview: Preview, service: Step) -> bool:
    """Say whether the last deployment was released; the gate may have refused it."""
    release = preview.step("release")
    return release is not None and release.outputs.get("fingerprint") == service.outputs.get("fingerprint")


def _try(evaluate: Callable[[], Evaluation]) -> Trial:
    """Distinguish a candidate that fails from one that cannot run here."""
    try:
        return Trial(evaluate())
    except (ServerFailedError, ServiceError) as error:
        return Trial(failure=f"Run on this machine, the candidate fails: {_brief(error)}")
    except SeenDataError as error:
        return Trial(failure=str(error))
    except (EnvironmentFailedError, DatasetError, EvaluationError, SettingsError, OSError) as error:
        return Trial(not_run=f"this machine cannot. {_brief(error)}")


def _judge_again(preview: Preview) -> Trial | None:
    """Compare the current release's evaluation with the present thresholds; nothing is run."""
    previous = current(preview)
    if previous is None or previous.dataset != preview.setting("evaluationDataset"):
        return None
    judged = replace(previous, thresholds=_thresholds(preview), comparison=None, not_compared=None)
    return None if judged.passed else Trial(failure=f"The current release would not pass again: {judged.verdict}")


def _evaluate(
    preview: Preview,
    service: Mapping[str, Any],
    model: Mapping[str, Any],
    conda: Mapping[str, Any],
    report: Callable[[str], None],
) -> Evaluation:
    previous = current(preview)
    rows = previous.rows if previous else int(preview.setting("evaluationRows") or 0) or None
    file = ModelFile.read(Path(model["file"]))
    package = ScoringPackage.read(_scoring_directory(service), file.manifest)
    if (package.digest, file.sha256) != (service["scoringDigest"], model["sha256"]):
        raise EvaluationError("The scoring files or the model are no longer those that were previewed: preview again.")
    candidate = Candidate(
        files=package.files,
        conda=conda,
        model_id=f"{model['name']}:0" if UNKNOWN in service["modelId"] else service["modelId"],
        model_file=file.name,
        read_model=file.read_bytes,
        training_digest=file.training_digest,
        service=ServiceDefinition.from_inputs(service),
        service_name=service["name"],
        workspace_id=service["workspaceId"],
        kept=Path("reports", service["owner"].split("/")[-1], "rehearsal"),
    )
    directory = preview.setting("evaluationDirectory")
    return candidate.evaluate(
        lambda: load(
            preview.setting("evaluationDataset"),
            "test",
            directory=Path(directory) if directory else None,
            label_column=preview.setting("evaluationLabelColumn"),
        ),
        rows,
        _thresholds(preview),
        previous,
        report,
    )


def current(preview: Preview) -> Evaluation | None:
    """Return the evaluation of the current release, with its predictions; None if there is none to read."""
    release = preview.step("release")
    recorded = release.outputs.get("evaluation") if release else None
    try:
        return read_evaluation(json.loads(recorded)) if recorded else None
    except (ValueError, EvaluationError):  # another version of this program wrote it
        return None


def _thresholds(preview: Preview) -> Thresholds:
    """Return the gate's thresholds without the latency's: this machine will not serve."""
    names = ("minimumAccuracy", "minimumClassRecall", "maximumDrop")
    return Thresholds.from_json({name: preview.setting(name) or None for name in names})


def _scoring_directory(service: Mapping[str, Any]) -> Path:
    return Path(service["scoringPackage"]["assets"][service["entryScript"]]["path"]).parent


def _brief(error: Exception) -> str:
    """Return the sentence without the log that it may end with."""
    return str(error).partition("\n")[0].removesuffix(" Its log ends:")
