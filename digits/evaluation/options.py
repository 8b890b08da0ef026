"""The options of `python -m digits.evaluation`; what no evaluation can use is refused before anything is loaded."""

import argparse
import math
from pathlib import Path

from digits.datasets import LABEL_NAMES, NAMES, SUFFIXES

_EPILOG = """The key comes from the environment variable SCORING_KEY, never from an option that others could see;
without it none is sent. Exit codes: 0 passed, 1 evaluated and failed, 2 could not be evaluated."""

_EPILOG_OF_PREDICT = """The key comes from the environment variable SCORING_KEY.
Exit codes: 0 read, 2 could not be read."""


def parser() -> argparse.ArgumentParser:
    """Return the parser; `command` is evaluate unless another was named."""
    parser = argparse.ArgumentParser(
        prog="python -m digits.evaluation",
        description="Score labelled digits through a service, judge it, and report.",
        epilog=_EPILOG,
    )
    parser.set_defaults(command="evaluate")
    _add_service(parser, "URI, key, data set and thresholds")
    _add_data(parser, "the release's, else digits")
    parser.add_argument("--rows", type=_rows, help="how many images, spread evenly (default: all)")
    _add_thresholds(parser)
    parser.add_argument("--report", metavar="DIR", type=Path, help="write page, JSON and Markdown summary into it")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the evaluation to this file, as JSON alone")
    parser.add_argument("--json", action="store_true", help="print the evaluation as one JSON object")
    parser.add_argument("--debug", action="store_true", help="show a traceback with an error")
    commands = parser.add_subparsers(title="other commands", metavar="")
    predict = commands.add_parser("predict", help="read the digit in a picture", epilog=_EPILOG_OF_PREDICT)
    predict.add_argument("image", type=Path, help="a picture of one digit: any size, dark on light or light on dark")
    _add_service(predict, "URI and key")
    predict.set_defaults(command="predict")
    show = commands.add_parser("show", help="print a written evaluation again")
    show.add_argument("file", type=Path, help="what --output or --report wrote")
    show.set_defaults(command="show")
    page = commands.add_parser("report", help="write the page of a written evaluation again, or its pictures alone")
    page.add_argument("file", type=Path, help="what --output or --report wrote")
    page.add_argument("--output", metavar="DIR", type=Path, help="where to (default: beside the file)")
    page.add_argument("--png", metavar="DIR", type=Path, help="write the pictures alone, into this directory")
    _add_data(page, "the one that was scored")
    page.set_defaults(command="report")
    return parser


def thresholds(chosen: argparse.Namespace) -> dict[str, float]:
    """Return the thresholds that were given, by the names of the settings."""
    given = {
        "minimumAccuracy": chosen.minimum_accuracy,
        "minimumClassRecall": chosen.minimum_class_recall,
        "maximumP95LatencyMs": chosen.maximum_p95_latency_ms,
        "maximumDrop": chosen.maximum_drop,
    }
    return {name: value for name, value in given.items() if value is not None}


def _add_service(parser: argparse.ArgumentParser, taken: str) -> None:
    parser.add_argument("--uri", help="the scoring URI (default: SCORING_URI)")
    parser.add_argument(
        "--outputs",
        metavar="FILE",
        help=f"take {taken} from outputs that `pulumi stack output --json` prints; - is stdin",
    )
    parser.add_argument(
        "--json-body", action="store_true", help="send JSON (default: a byte for each pixel where the service takes it)"
    )


def _add_data(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--dataset", type=_dataset, help=f"{', '.join(NAMES)}, or a {' or '.join(SUFFIXES)} file (default: {default})"
    )
    parser.add_argument(
        "--label-column",
        metavar="NAME",
        default="",
        help="the column with the labels of a .csv: a name, first or last "
        f"(default: the release's; else the one that is called {', '.join(LABEL_NAMES)})",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        help="where the MNIST files are, under any names, gzipped or not (default: download them once)",
    )


def _add_thresholds(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what passes", "Default: the release's thresholds, else an accuracy of 0.9.")
    group.add_argument("--minimum-accuracy", metavar="FRACTION", type=_fraction, help="of all images read right")
    group.add_argument("--minimum-class-recall", metavar="FRACTION", type=_fraction, help="of the worst class")
    group.add_argument("--maximum-p95-latency-ms", metavar="MS", type=_milliseconds, help="of a request with one image")
    group.add_argument(
        "--maximum-drop", metavar="FRACTION", type=_fraction, help="of accuracy against --previous, where significant"
    )
    group.add_argument("--previous", metavar="FILE", type=Path, help="an earlier evaluation of the same images")


def _dataset(text: str) -> str:
    if text not in NAMES and not text.lower().endswith(SUFFIXES):
        raise argparse.ArgumentTypeError(
            f"there is no data set {text!r}: choose {' or '.join(NAMES)}, or name a {' or '.join(SUFFIXES)} file"
        )
    return text


def _fraction(text: str) -> float:
    """Read a number from 0 to 1; 95 is a percentage."""
    value = _number(text)
    if not 0 <= value <= 1:
        hint = f": write {value / 100:g}" if 1 < value <= 100 else ""  # noqa: PLR2004 - per cent
        raise argparse.ArgumentTypeError(f"{text} is not a fraction from 0 to 1{hint}")
    return value


def _milliseconds(text: str) -> float:
    value = _number(text)
    if not (0 < value < math.inf):
        raise argparse.ArgumentTypeError(f"{text} is not a time in milliseconds: write more than 0")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None


def _rows(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of rows: write at least 1")
    return int(text)
