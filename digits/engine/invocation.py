"""The Pulumi CLI as a child process. It ends before the command does, on Ctrl-C too."""

from digits.cli import children

import os
from collections.abc import Mapping, Sequence
from subprocess import PIPE, CompletedProcess

from digits.engine.sentences import explain


class EngineError(Exception):
    """The engine could not do what was asked; one sentence, with the fix if there is one."""


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> "CompletedProcess[str]":
    """Run the CLI to its end and return its output; raises EngineError if it fails."""
    variables = {**os.environ, **(environment or {})}
    try:
        done = children.run(["pulumi", *arguments], env=variables, stdout=PIPE, stderr=PIPE)
    except FileNotFoundError:
        raise _no_cli() from None
    if done.returncode != 0:
        raise EngineError(explain(done.stderr.strip() or done.stdout))
    return done


def hand_over(arguments: Sequence[str]) -> int:
    """Run the CLI with this terminal and return its exit status."""
    try:
        return children.hand_over(["pulumi", *arguments])
    except FileNotFoundError:
        raise _no_cli() from None


def _no_cli() -> EngineError:
    return EngineError('There is no pulumi on PATH: use a command of make, or run `eval "$(make -s env)"` first.')
