"""A service that is scored: where it is, its key, and what a stack's outputs say of it."""

from digits.cli.commands import shell, stacks
from digits.cli.progress_bar import bar

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digits.datasets import Dataset, load
from digits.evaluation import report, smoke
from digits.evaluation.evaluation_errors import EvaluationError
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.evidence import require_unseen
from digits.evaluation.reading import read_thresholds
from digits.evaluation.smoke import Thresholds
from digits.fields import FieldError, Fields, filled, optional, text

_THRESHOLDS = {
    "minimum_accuracy": "minimumAccuracy",
    "minimum_class_recall": "minimumClassRecall",
    "maximum_p95_latency_ms": "maximumP95LatencyMs",
    "maximum_drop": "maximumDrop",
}
OPTIONS = ("dataset", "label_column", "directory", "rows", "previous", "json_body", *_THRESHOLDS)


@dataclass(frozen=True)
class Service:
    """Its scoring URI and its key, if it has one; the stack and its release if it is a stack's."""

    uri: str
    key: str | None = field(repr=False)
    stack: str = ""
    release: Mapping[str, Any] = field(default_factory=dict)


def find(stack: str | None, uri: str | None, outputs: str | None) -> Service:
    """Return the service that the options name, else SCORING_URI, else the dev stack's; raises EvaluationError.

    An empty option is a mistake, such as a variable that is not set: it never stands for another service.
    """
    options = {"--stack": stack, "--uri": uri, "--outputs": outputs}
    named = [option for option, value in options.items() if value is not None]
    if len(named) > 1:
        raise EvaluationError(f"{' and '.join(named)} each name a service: give only one of them.")
    if not named:
        uri = os.environ.get("SCORING_URI") or None
    if uri is not None:  # a stack's key goes to the stack's service only
        return Service(uri, os.environ.get("SCORING_KEY"))
    if outputs is not None:
        return _from_outputs(_read(outputs), "")
    name = "dev" if stack is None else stack
    stacks.enter_deployed(shell.require_usable(name))
    return _from_outputs(_check(stacks.read_outputs(name)), name)


def evaluate(  # noqa: PLR0913 - one for each option
    service: Service,
    *,
    dataset: str | None,
    label_column: str,
    directory: Path | None,
    rows: int | None,
    previous: Path | None,
    json_body: bool,
    **thresholds: float | None,
) -> tuple[Evaluation, Dataset]:
    """Score labelled rows through the service; return the evaluation and the data set. Raises EvaluationError."""
    limits, recorded = _asked_for(service.release)
    column = label_column or ("" if dataset else recorded.get("labelColumn", ""))
    data = load(dataset or recorded.get("dataset", "digits"), "test", directory=directory, label_column=column)
    require_unseen(data, _trained_on(service.release))
    given = {_THRESHOLDS[name]: value for name, value in thresholds.items() if value is not None}
    with bar(f"Scoring {data.name}") as progress:
        evaluation = smoke.evaluate(
            service.uri,
            service.key,
            data,
            thresholds=Thresholds.from_json({**limits, **given}),
            rows=rows,
            previous=report.read(previous) if previous else None,
            subject=_subject(service.release),
            body="json" if json_body else "uint8",
            progress=progress,
        )
    return evaluation, data


def _from_outputs(outputs: Mapping[str, Any], stack: str) -> Service:
    key = outputs.get("primaryKey") or os.environ.get("SCORING_KEY")
    return Service(outputs["scoringUri"], key, stack, outputs.get("release") or {})


def _asked_for(release: Mapping[str, Any]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return the thresholds that the stack's release was held against, and what data it was scored on."""
    try:
        fields = Fields(release, "release")
        named = {
            name: fields.take(name, filled) for name in ("dataset", "labelColumn") if release.get(name) is not None
        }
        return read_thresholds(fields).to_json(), named
    except FieldError as error:
        raise _bad_outputs(str(error)) from error


def _trained_on(release: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of the rows that the released model was trained on, if the release says it."""
    try:
        return Fields(release, "release").take("trainingDigest", optional(filled), None)
    except FieldError as error:
        raise _bad_outputs(str(error)) from error


def _subject(release: Mapping[str, Any]) -> dict[str, str]:
    """Return what the stack's release says of itself, as the gate records it."""
    names = ("modelName", "modelVersion", "modelSha256", "environment", "scoringDigest", "service")
    named = {name: str(release[name]) for name in names if release.get(name) is not None}
    if "modelName" in named and "modelVersion" in named:
        version = named.pop("modelVersion").removesuffix(".0")  # numbers come from the engine as fractions
        named = {"model": f"{named.pop('modelName')}:{version}", **named}
    return named


def _read(file: str) -> dict[str, Any]:
    """Return a stack's outputs from a file, or from stdin, so that its key is on no command line."""
    try:
        outputs = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{file or '--outputs'} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise EvaluationError(
            f"{file} holds no outputs of a stack ({error}): deploy it first, with `make up`."
        ) from error
    return _check(outputs)


def _check(outputs: Any) -> dict[str, Any]:
    if not isinstance(outputs, dict) or "scoringUri" not in outputs:
        raise EvaluationError("The stack has no scoring URI: deploy it first, with `make up`.")
    try:
        for name, read in (("scoringUri", filled), ("primaryKey", optional(text))):
            Fields(outputs).take(name, read, None)
        Fields(outputs.get("release") or {}, "release")
    except FieldError as error:
        raise _bad_outputs("primaryKey is not a text" if "primaryKey" in str(error) else str(error)) from None
    return outputs


def _bad_outputs(problem: str) -> EvaluationError:
    return EvaluationError(
        f"The stack's outputs cannot be used: {problem}. Take them from `pulumi stack output --json`."
    )
