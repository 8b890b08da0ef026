"""Previews and refreshes that change nothing, on Pulumi's Automation API.

The API streams the engine's events over a local connection. Their debug lines hold secrets and so reach no file.
Three things that the API does are replaced here:

- On Ctrl-C it leaves processes behind: `_Command` runs the CLI instead.
- It selects the stack, which changes the user's own choice: `_Project` keeps that choice.
- It prints an event that it cannot read, secrets included: such an event is an error without its text.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulumi.automation import CommandResult, EngineEvent, LocalWorkspace, PulumiCommand, Stack
from semver import VersionInfo

from digits.engine import events
from digits.engine.events import Preview
from digits.engine.invocation import EngineError, run

_OLDEST = VersionInfo(3, 238)  # requiredPulumiVersion in Pulumi.yaml, which the CLI checks by itself
_UNREADABLE = ("Failed to parse engine event", "Error in event stream")


def preview(stack: str, options: Sequence[str] = ()) -> Preview:
    """Return what a deployment would do; `options` are those of `pulumi preview`. Raises EngineError."""
    found, failure = _listen(_select(stack, options).preview)
    return _answer(events.read_preview(found), failure)


def refresh(stack: str) -> Preview:
    """Return what differs between a stack's state and what is deployed. Raises EngineError."""
    found, failure = _listen(_select(stack).preview_refresh)
    return _answer(events.read_refresh(found), failure)


class _Command(PulumiCommand):
    def __init__(self) -> None:
        self.command = "pulumi"
        self.version = _OLDEST  # asking the CLI takes a third of a second

    def run(
        self,
        args: list[str],
        cwd: str,  # noqa: ARG002 - always the current directory
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,  # noqa: ARG002 - nothing follows what is printed
        on_error: Callable[[str], Any] | None = None,  # noqa: ARG002
    ) -> CommandResult:
        done = run([*args, "--non-interactive"], additional_env)
        return CommandResult(done.stdout, done.stderr, done.returncode)


class _Project(LocalWorkspace):
    def __init__(self, options: Sequence[str]) -> None:
        super().__init__(work_dir=str(Path.cwd()), pulumi_command=_Command())
        self._options = options

    def serialize_args_for_op(self, stack_name: str) -> list[str]:  # noqa: ARG002 - the same for each stack
        return list(self._options)

    def select_stack(self, stack_name: str) -> None:
        pass  # each command names its stack


def _select(stack: str, options: Sequence[str] = ()) -> Stack:
    return Stack.select(stack, _Project(options))


def _listen(operation: Callable[..., object]) -> tuple[list[EngineEvent], EngineError | None]:
    """Run the operation and return its events, and why it failed, if it did."""
    found: list[EngineEvent] = []
    try:
        with _readable():
            operation(on_event=found.append, color="never")
    except EngineError as error:
        return found, error
    except RuntimeError:  # the API's answer to a CLI that ends well without a summary, such as after --help
        return found, EngineError("The Pulumi CLI previewed nothing: leave out the options that end it early.")
    return found, None


@contextmanager
def _readable() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    if any(str(warning.message).startswith(_UNREADABLE) for warning in caught):
        raise EngineError("The pulumi package cannot read what this Pulumi CLI sends: use the CLI that make finds.")


def _answer(found: Preview, failure: EngineError | None) -> Preview:
    """Return what was found, with the reason in it if the preview was refused."""
    if failure and not found.is_refused:
        raise failure
    return found
