"""Options of the commands that score a service; a value that no evaluation can use is refused before anything runs."""

from digits.cli.command import complete_stack

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_Function = Callable[..., Any]
_LABEL_NAMES = "label, class, target, y or digit"


class _Dataset(click.ParamType[str]):
    name = "dataset"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take a known name, or a file of a known kind."""
        from digits.datasets import NAMES, SUFFIXES

        if value not in NAMES and not value.lower().endswith(SUFFIXES):
            known, files = " or ".join(NAMES), " or ".join(SUFFIXES)
            self.fail(f"there is no data set {value!r}: choose {known}, or name a {files} file", param, ctx)
        return value


class _Number(click.ParamType[float]):
    """A number; `explain` says what is wrong with one, and nothing of a good one."""

    name = "number"

    def __init__(self, explain: Callable[[str, float], str]) -> None:
        self._explain = explain

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value} is not a number", param, ctx)
        if said := self._explain(str(value), number):
            self.fail(said, param, ctx)
        return number


def _explain_fraction(text: str, number: float) -> str:
    if 0 <= number <= 1:
        return ""
    hint = f": write {number / 100:g}" if 1 < number <= 100 else ""  # noqa: PLR2004 - per cent
    return f"{text} is not a fraction from 0 to 1{hint}"


def _explain_milliseconds(text: str, number: float) -> str:
    return "" if 0 < number < math.inf else f"{text} is not a time in milliseconds: write more than 0"


_FRACTION, _MILLISECONDS = _Number(_explain_fraction), _Number(_explain_milliseconds)


class _Rows(click.ParamType[int]):
    name = "rows"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a whole number from 1 on."""
        text = str(value)
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"{text} is not a number of rows: write at least 1", param, ctx)
        return int(text)


def name_service(function: _Function) -> _Function:
    """Give a command the options that name a service: a stack's, or any other."""
    return _add(
        function,
        click.option(
            "--stack", "-s", metavar="STACK", shell_complete=complete_stack,
            help="Take the service of this stack (default: dev, if no other service is named).",
        ),
        click.option("--uri", help="The scoring URI of any service (default: SCORING_URI). SCORING_KEY holds its key."),
        click.option(
            "--outputs", metavar="FILE", help="Take the service from `pulumi stack output --json`; - is stdin."
        ),
        click.option("--json-body", is_flag=True, help="Send JSON instead of a byte for each pixel."),
    )  # fmt: skip


def name_data(default: str) -> Callable[[_Function], _Function]:
    """Give a command the options that name labelled rows."""

    def decorate(function: _Function) -> _Function:
        return _add(
            function,
            click.option(
                "--dataset", type=_Dataset(), metavar="NAME",
                help=f"digits, mnist, or a .npz, .csv or .csv.gz file (default: {default}).",
            ),
            click.option(
                "--label-column", metavar="NAME", default="",
                help=f"The .csv's column with the labels: a name, first or last (default: one called {_LABEL_NAMES}).",
            ),
            click.option(
                "--directory", metavar="DIR", type=Path, help="Where MNIST's files are (default: download them once)."
            ),
        )  # fmt: skip

    return decorate


def name_thresholds(function: _Function) -> _Function:
    """Give a command the options that say what passes."""
    return _add(
        function,
        click.option("--rows", type=_Rows(), metavar="N", help="How many images, spread evenly (default: all)."),
        click.option("--minimum-accuracy", type=_FRACTION, metavar="FRACTION", help="Of all images read right."),
        click.option("--minimum-class-recall", type=_FRACTION, metavar="FRACTION", help="Of the worst class."),
        click.option(
            "--maximum-p95-latency-ms",
            type=_MILLISECONDS,
            metavar="MS",
            help="Of a request with one image.",
        ),
        click.option(
            "--maximum-drop",
            type=_FRACTION,
            metavar="FRACTION",
            help="Of accuracy against --previous, if significant.",
        ),
        click.option("--previous", type=Path, metavar="FILE", help="An earlier evaluation of the same images."),
    )


def _add(function: _Function, *options: Callable[[_Function], _Function]) -> _Function:
    for option in reversed(options):
        function = option(function)
    return function
