"""An evaluation in brief, and a digit, on the terminal."""

from typing import TYPE_CHECKING

from digits.evaluation.evaluation_record import Evaluation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console
    from rich.text import Text

_MARKS = {
    "passed": ("PASSED", "bold green"),
    "worse": ("PASSED, BUT WORSE", "bold yellow"),
    "failed": ("FAILED", "bold red"),
}
_SIDE = 28
_GREY = 127  # what is above is white where there are no colours


def show(evaluation: Evaluation, console: "Console | None" = None) -> None:
    """Print verdict, confusion matrix, worst confusions and latency; without a terminal there are no colours."""
    from digits.cli.console import Console  # slow to import, and most importers print nothing

    from rich.text import Text

    console = console or Console(highlight=False, markup=False)
    mark = Text(*_MARKS[evaluation.outcome])
    console.print(Text.assemble(mark, "  ", evaluation.verdict), soft_wrap=True)
    console.print(_matrix(evaluation))
    for sentence in evaluation.worst_confusions():
        console.print(f"  {sentence}")
    p50, p95, p99 = (f"{evaluation.latency(percent):.1f}" for percent in (50, 95, 99))
    console.print(f"  one image: p50 {p50} ms, p95 {p95} ms, p99 {p99} ms", style="dim")
    right = f"{evaluation.correct:,} of {evaluation.rows:,} images right in {evaluation.seconds:.1f} s"
    how = f"{evaluation.uri}, {right}, {evaluation.time}"
    console.print(how, style="dim", soft_wrap=True)


def draw(image: "NDArray[np.uint8]", console: "Console | None" = None) -> None:
    """Print a digit of 784 bytes, two rows a line: in greys where there are colours, else what is rather white."""
    from digits.cli.console import Console

    from rich.text import Text

    console = console or Console(highlight=False, markup=False)
    rows = image.reshape(_SIDE, _SIDE).tolist()
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        line = Text()
        for above, below in zip(upper, lower, strict=True):
            if console.color_system:
                line.append("▀", f"rgb({above},{above},{above}) on rgb({below},{below},{below})")
            else:
                line.append(" ▄▀█"[2 * (above > _GREY) + (below > _GREY)])
        console.print(line)


def _matrix(evaluation: Evaluation) -> "Text":
    """Draw the matrix, true labels down, labels as read across: right ones green, many misreadings red."""
    from rich.text import Text

    width = max(len(str(count)) for row in evaluation.confusion_matrix for count in row) + 2
    grid = Text().append("read →", "dim")
    for label in evaluation.labels:
        grid.append(f"{label:>{width}}", "bold")
    for at, (label, row) in enumerate(zip(evaluation.labels, evaluation.confusion_matrix, strict=True)):
        grid.append(f"\n{label:>6}", "bold")
        for across, count in enumerate(row):
            grid.append(f"{count or '·':>{width}}", _colour(count, sum(row), right=at == across))
    return grid


def _colour(count: int, of: int, *, right: bool) -> str:
    """Return the style of a cell by its share of the row."""
    if not count:
        return "dim"
    if right:
        return "green"
    return "bold red" if count / of >= 0.02 else "yellow"  # noqa: PLR2004 - where a misreading starts to matter
