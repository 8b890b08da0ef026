"""`python -m digits.evaluation`: evaluate a service of ours or any other with this contract; `show` a written one.

`predict` has the service read one picture.
Exit codes: 0 passed, 1 evaluated and failed, 2 could not be evaluated.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there
from digits.cli.progress_bar import bar

import json
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digits.datasets import Dataset, DatasetError, ImageError, load
from digits.evaluation import options, report
from digits.evaluation.evaluation_errors import EvaluationError
from digits.evaluation.reading import read_thresholds
from digits.evaluation.scoring_answers import percent
from digits.evaluation.smoke import Evaluation, Thresholds, evaluate
from digits.evaluation.terminal import draw, show
from digits.fields import FieldError, Fields, filled, optional, text


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say and return the exit code."""
    chosen = options.parser().parse_args(arguments)
    commands = {"show": _show, "report": _report, "evaluate": _evaluate, "predict": _predict}
    doing = "read" if chosen.command == "predict" else "evaluated"
    try:
        evaluation = commands[chosen.command](chosen)
    except (DatasetError, ImageError, EvaluationError) as error:
        if chosen.debug:
            traceback.print_exc()
        print(f"Not {doing}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Interrupted: not {doing}.", file=sys.stderr)
        return 130
    return 0 if evaluation is None or evaluation.passed else 1


def _show(chosen: Namespace) -> Evaluation:
    evaluation = report.read(chosen.file)
    _print(evaluation, chosen)
    return evaluation


def _report(chosen: Namespace) -> Evaluation:
    """Write the page of a written evaluation again, or its pictures alone."""
    evaluation = report.read(chosen.file)
    dataset = load(
        chosen.dataset or evaluation.dataset, "test", directory=chosen.directory, label_column=chosen.label_column
    )
    if chosen.png:
        for path in report.draw(evaluation, dataset, chosen.png):
            print(path)
    else:
        print(report.publish(evaluation, dataset, chosen.output or chosen.file.parent))
    return evaluation


def _predict(chosen: Namespace) -> None:
    """Have the service read one picture; show it as it was sent, and what was read."""
    from digits.evaluation import image_file  # noqa: PLC0415 - brings numpy and Pillow
    from digits.evaluation.scoring_client import Client  # noqa: PLC0415

    uri, key, _ = _service(chosen)
    image, doubts = image_file.examine(chosen.image)
    with Client(uri, key, "json" if chosen.json_body else "uint8") as client:
        (label,) = client.score(image[None])
        ((_, probability),) = client.probabilities(image[None], [label])
    draw(image)
    print(label if probability is None else f"{label}, {percent(probability)} sure")
    for doubt in doubts:
        print(f"Warning: {doubt}", file=sys.stderr)


def _evaluate(chosen: Namespace) -> Evaluation:
    uri, key, stack = _service(chosen)
    release = stack.get("release") or {}
    limits, recorded = _asked_for(release)
    column = chosen.label_column or ("" if chosen.dataset else recorded.get("labelColumn", ""))
    name = chosen.dataset or recorded.get("dataset", "digits")
    dataset = load(name, "test", directory=chosen.directory, label_column=column)
    previous = report.read(chosen.previous) if chosen.previous else None
    with bar(f"Scoring {dataset.name}") as progress:
        evaluation = evaluate(
            uri,
            key,
            dataset,
            thresholds=Thresholds.from_json({**limits, **options.thresholds(chosen)}),
            rows=chosen.rows,
            previous=previous,
            subject=_subject(release) if not chosen.uri else {},
            body="json" if chosen.json_body else "uint8",
            progress=progress,
        )
    _write(evaluation, dataset, chosen)
    return evaluation


def _service(chosen: Namespace) -> tuple[str, str | None, dict[str, Any]]:
    """Return the service's URI and its key, and the stack's outputs where they are given."""
    stack = _read_outputs(chosen.outputs) if chosen.outputs else {}
    uri = chosen.uri or stack.get("scoringUri") or os.environ.get("SCORING_URI")
    if not uri:
        raise EvaluationError("No service is named: give its scoring URI with --uri or in SCORING_URI.")
    # The stack's key goes to the stack's service alone.
    key = (stack.get("primaryKey") if not chosen.uri else None) or os.environ.get("SCORING_KEY")
    return uri, key, stack


def _write(evaluation: Evaluation, dataset: Dataset, chosen: Namespace) -> None:
    if chosen.output:
        report.write(evaluation, chosen.output)
    page = report.publish(evaluation, dataset, chosen.report) if chosen.report else None
    _print(evaluation, chosen)
    if page and not chosen.json:
        print(page)


def _print(evaluation: Evaluation, chosen: Namespace) -> None:
    if chosen.json:
        print(json.dumps(evaluation.to_json()))
    else:
        show(evaluation)


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


def _subject(release: Mapping[str, Any]) -> dict[str, str]:
    """Return what the stack's release says of itself, as the gate records it."""
    names = ("modelName", "modelVersion", "modelSha256", "environment", "scoringDigest", "service")
    named = {name: str(release[name]) for name in names if release.get(name) is not None}
    if "modelName" in named and "modelVersion" in named:
        version = named.pop("modelVersion").removesuffix(".0")  # numbers come from the engine as fractions
        named = {"model": f"{named.pop('modelName')}:{version}", **named}
    return named


def _read_outputs(file: str) -> dict[str, Any]:
    """Return a stack's outputs from a file, or from stdin, so that its key is on no command line."""
    try:
        outputs = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(
            f"{file} holds no outputs of a stack ({error}): deploy it first, with `make up`."
        ) from error
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


if __name__ == "__main__":
    sys.exit(main())
