"""Imported first by each command: Ctrl-C ends it with one line and 130; SIGTERM and SIGHUP once it has cleared up.

First, because a command may be interrupted while it imports the rest, which takes up to seconds.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import NoReturn

_show = sys.excepthook


def _end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _show(kind, error, traceback)
        return
    print("Interrupted.", file=sys.stderr)
    sys.exit(128 + signal.SIGINT)


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


@contextmanager
def held_off() -> Iterator[None]:
    """Clear up without being interrupted, and without the programs that clear up being interrupted."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


sys.excepthook = _end
signal.signal(signal.SIGTERM, _terminate)
if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # nohup ignores it
    signal.signal(signal.SIGHUP, _terminate)
