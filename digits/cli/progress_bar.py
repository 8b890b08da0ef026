"""How far along long work is: a callback of (done, total), and a bar on the terminal that is one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]


@contextmanager
def bar(description: str, *, is_bytes: bool = False) -> Iterator[Progress]:
    """Show a bar on stderr while the block runs; where that is no terminal, one line at the start."""
    from rich import progress  # slow to import, and most importers never show a bar
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"{description} …", highlight=False)
        yield lambda _done, _total: None
        return
    amount = progress.DownloadColumn() if is_bytes else progress.MofNCompleteColumn()
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), amount, progress.TimeElapsedColumn())
    with progress.Progress(*columns, console=console, transient=True) as display:
        task = display.add_task(description, total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)
