"""Shows that long work goes on: a live line on a terminal, a plain line now and then elsewhere; always on stderr."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

_SECONDS_BETWEEN_LINES = 25


class Advance(Protocol):
    """Tell how far the work is: what it does just now, and the part that is done where that is known."""

    def __call__(self, activity: str, part: float | None = None) -> None:
        """Show it."""


@contextmanager
def show(title: str) -> Iterator[Advance]:
    """Show the title with the time that it has taken so far; a call of the result adds the progress."""
    from rich.console import Console

    console = Console(stderr=True)
    with _live(title, console) if console.is_terminal else _lines(title, console) as advance:
        yield advance


@contextmanager
def _live(title: str, console: "Console") -> Iterator[Advance]:
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("[dim]{task.fields[activity]}"), console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, activity="")

        def advance(activity: str, part: float | None = None) -> None:
            progress.update(task, activity=activity, completed=part, total=None if part is None else 1)

        yield advance


@contextmanager
def _lines(title: str, console: "Console") -> Iterator[Advance]:
    console.print(title, highlight=False)
    started = shown = time.monotonic()

    def advance(activity: str, part: float | None = None) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _SECONDS_BETWEEN_LINES:
            shown = now
            done = "" if part is None else f", {part:.0%}"
            console.print(f"{title}: {now - started:.0f} s{done} ({activity})", highlight=False, soft_wrap=True)

    yield advance
