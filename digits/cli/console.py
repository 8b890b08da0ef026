"""A terminal with colours and tables, which ends as a plain print does if its reader has seen enough."""

from rich.console import Console as _Console


class Console(_Console):
    """Rich's console, without its own exit code 1 for a broken pipe: that means a failed evaluation here."""

    def on_broken_pipe(self) -> None:
        """Leave the broken pipe to the command."""
        raise BrokenPipeError
