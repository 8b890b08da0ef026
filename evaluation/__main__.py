"""`python -m evaluation`: evaluate a service, ours or any other with this contract; `show FILE` prints a written one.

Exit codes: 0 passed, 1 evaluated and failed, 2 could not be evaluated.
"""

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from evaluation.datasets import NAMES, load
from evaluation.errors import EvaluationError
from evaluation.progress import bar
from evaluation.report import read, show, write
from evaluation.smoke import Evaluation, evaluate

_EPILOG = """The key comes from the environment variable SCORING_KEY, never from an option that others could see;
without it none is sent."""


def main(arguments: list[str] | None = None) -> int:
    """Evaluate or show as the arguments say and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        evaluation = read(options.file) if options.command == "show" else _evaluate(options)
        if options.output:
            write(evaluation, options.output)
    except EvaluationError as error:
        if options.debug:
            traceback.print_exc()
        print(f"Not evaluated: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: not evaluated.", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(evaluation.to_json()))
    else:
        show(evaluation)
    return 0 if evaluation.passed else 1


def _evaluate(options: argparse.Namespace) -> Evaluation:
    stack = _read_outputs(options.outputs) if options.outputs else {}
    release = stack.get("release") or {}
    uri = options.uri or stack.get("scoringUri") or os.environ.get("SCORING_URI")
    if not uri:
        raise EvaluationError("No service is named: give its scoring URI with --uri or in SCORING_URI.")
    dataset = load(options.dataset or release.get("dataset", "digits"), "test", directory=options.directory)
    minimum = release.get("minimumAccuracy", 0.9) if options.minimum_accuracy is None else options.minimum_accuracy
    with bar(f"Scoring {dataset.name}") as progress:
        return evaluate(
            uri,
            # The stack's key goes to the stack's service alone.
            (stack.get("primaryKey") if not options.uri else None) or os.environ.get("SCORING_KEY"),
            dataset,
            rows=options.rows,
            minimum_accuracy=minimum,
            progress=progress,
        )


def _read_outputs(file: str) -> dict[str, Any]:
    """Return a stack's outputs from a file, or from stdin, so that its key is on no command line."""
    try:
        outputs = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"{file} holds no outputs of a stack ({error}): deploy it first, with `make up`."
        ) from error
    if not isinstance(outputs, dict) or "scoringUri" not in outputs:
        raise EvaluationError("The stack has no scoring URI: deploy it first, with `make up`.")
    return outputs


def _fraction(text: str) -> float:
    """Read an accuracy from 0 to 1; 95 is a percentage."""
    value = float(text)
    if not 0 <= value <= 1:
        hint = f": write {value / 100:g}" if 1 < value <= 100 else ""  # noqa: PLR2004 - per cent
        raise argparse.ArgumentTypeError(f"{text} is not a fraction from 0 to 1{hint}")
    return value


def _rows(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of rows: write at least 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation", description="Score labelled digits through a service and judge it.", epilog=_EPILOG
    )
    parser.set_defaults(command="evaluate")
    parser.add_argument("--uri", help="the scoring URI (default: SCORING_URI)")
    parser.add_argument(
        "--outputs",
        metavar="FILE",
        help="take URI, key, data set and minimum from outputs that `pulumi stack output --json` prints; - is stdin",
    )
    parser.add_argument("--dataset", choices=NAMES, help="what to score (default: the release's, else digits)")
    parser.add_argument(
        "--directory", type=Path, help="where the MNIST files are, gzipped or not (default: download them once)"
    )
    parser.add_argument("--rows", type=_rows, help="how many images, spread evenly (default: all)")
    parser.add_argument(
        "--minimum-accuracy", type=_fraction, help="what passes, a fraction (default: the release's, else 0.9)"
    )
    parser.add_argument("--output", type=Path, help="write the evaluation to this file, as JSON")
    parser.add_argument("--json", action="store_true", help="print the evaluation as one JSON object")
    parser.add_argument("--debug", action="store_true", help="show a traceback with an error")
    commands = parser.add_subparsers(title="other commands", metavar="")
    again = commands.add_parser("show", help="print a written evaluation again")
    again.add_argument("file", type=Path, help="what --output wrote")
    again.set_defaults(command="show")
    return parser


if __name__ == "__main__":
    sys.exit(main())
