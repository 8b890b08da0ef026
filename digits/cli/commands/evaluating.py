"""The commands that evaluate a service, and show an evaluation again: evaluate, show, report."""

from digits.cli.command import DONE, FOUND_BAD, Command
from digits.cli.commands import judged

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from digits.evaluation.evaluation_record import Evaluation

_EPILOG = """Exit codes: 0 passed, 1 evaluated and failed, 2 could not be evaluated, 130 interrupted. Without thresholds
the release's are taken, else an accuracy of 0.9."""


@click.command(
    cls=Command,
    section="Every day",
    epilog=_EPILOG,
    examples=[
        ("digits evaluate --stack staging", "evaluate the live service of a stack again"),
        ("digits evaluate --uri https://localhost/score --dataset mnist --rows 500", "any service with this contract"),
        ("digits evaluate --minimum-accuracy 0.95 --json", "one JSON object, and exit code 1 below that"),
    ],
)
@judged.name_service
@judged.name_data("the release's, else digits")
@judged.name_thresholds
@click.option(
    "--report", type=Path, metavar="DIR", help="Write page, JSON and Markdown summary (default: reports/STACK/smoke)."
)
@click.option("--output", type=Path, metavar="FILE", help="Write the evaluation to this file, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the evaluation as one JSON object.")
def evaluate(*, as_json: bool, report: Path | None, output: Path | None, **chosen: Any) -> int:
    """Score labelled digits through a service, judge it, and report."""
    from digits.cli.commands import services

    from digits.evaluation import report as reports

    service = services.find(chosen["stack"], chosen["uri"], chosen["outputs"])
    evaluation, dataset = services.evaluate(service, **{name: chosen[name] for name in services.OPTIONS})
    if output:
        reports.write(evaluation, output)
    folder = report or (Path("reports", service.stack, "smoke") if service.stack else None)
    page = reports.publish(evaluation, dataset, folder) if folder else None
    _print(evaluation, as_json=as_json)
    if page and not as_json:
        print(page)
    return DONE if evaluation.passed else FOUND_BAD


@click.command(
    cls=Command,
    section="Model and reports",
    examples=[("digits show reports/dev/evaluation.json", "the verdict and what was read, in the terminal")],
    epilog="Exit codes: 0 it passed, 1 it failed, 2 it cannot be read, 130 interrupted.",
)
@click.argument("file", type=Path)
@click.option("--json", "as_json", is_flag=True, help="Print the evaluation as one JSON object.")
def show(file: Path, *, as_json: bool) -> int:
    """Print a written evaluation again."""
    from digits.evaluation import report as reports

    evaluation = reports.read(file)
    _print(evaluation, as_json=as_json)
    return DONE if evaluation.passed else FOUND_BAD


@click.command(
    cls=Command,
    section="Model and reports",
    examples=[
        ("digits report reports/dev/evaluation.json", "write its page again, next to the file"),
        ("digits report reports/dev/evaluation.json --png pictures", "write only its pictures"),
    ],
    epilog="Exit codes: 0 it passed, 1 it failed, 2 it cannot be read or written, 130 interrupted.",
)
@click.argument("file", type=Path)
@click.option("--output", type=Path, metavar="DIR", help="Where to write (default: next to the file).")
@click.option("--png", type=Path, metavar="DIR", help="Write only the pictures, into this folder.")
@judged.name_data("the one that was scored")
def report(  # noqa: PLR0913, PLR0917 - one for each option
    file: Path, output: Path | None, png: Path | None, dataset: str | None, label_column: str, directory: Path | None
) -> int:  # fmt: skip
    """Write the page of a written evaluation again, or only its pictures."""
    from digits.datasets import load
    from digits.evaluation import report as reports

    evaluation = reports.read(file)
    rows = load(dataset or evaluation.dataset, "test", directory=directory, label_column=label_column)
    if png:
        for path in reports.draw(evaluation, rows, png):
            print(path)
    else:
        print(reports.publish(evaluation, rows, output or file.parent))
    return DONE if evaluation.passed else FOUND_BAD


def _print(evaluation: "Evaluation", *, as_json: bool) -> None:
    from digits.evaluation import terminal

    if as_json:
        print(json.dumps(evaluation.to_json()))
    else:
        terminal.show(evaluation)


COMMANDS = (evaluate, show, report)
