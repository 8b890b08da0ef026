"""A stack in the Pulumi CLI: selecting it, and reading what it has deployed."""

from digits.cli.command import CommandError
from digits.cli.commands import shell

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digits.stack import StackFile

_MISSING = "no stack named"


def enter_deployed(file: "StackFile") -> None:
    """Enter the shell of a stack that was deployed, and select it; raises CommandError if it never was."""
    if shell.is_emulated(file) and not shell.was_started():
        raise CommandError(_explain_missing(file.stack))
    shell.enter(file)
    if not select(file.stack):
        raise CommandError(_explain_missing(file.stack))


def prepare(file: "StackFile") -> None:
    """Repair the stack's state after a CLI that was killed, and select the stack; it is made if there is none."""
    from digits.engine.invocation import run

    repair_state(file.stack)
    provider = os.environ.get("PULUMI_SECRETS_PROVIDER")
    # The emulator's stacks have no secret that is worth a provider.
    options = ["--secrets-provider", provider] if provider and not shell.is_emulated(file) else []
    run(["stack", "select", "--create", file.stack, *options])


def repair_state(stack: str) -> None:
    """Repair the stack's state after a CLI that was killed, and say what was done."""
    from digits.stack.repair import repair  # most commands need none

    for sentence in repair(shell.find_backend(), stack):
        shell.say(sentence)


def select(stack: str) -> bool:
    """Select the stack, and say whether there is one; raises EngineError if the CLI cannot tell."""
    from digits.engine.invocation import EngineError, run

    try:
        run(["stack", "select", stack])
    except EngineError as error:
        if _MISSING in str(error):
            return False
        raise
    return True


def read_outputs(stack: str) -> dict[str, Any]:
    """Return the stack's outputs, secrets readable."""
    from digits.engine.invocation import run

    outputs: dict[str, Any] = json.loads(run(["stack", "output", "--stack", stack, "--json", "--show-secrets"]).stdout)
    return outputs


def export(stack: str) -> str:
    """Return the stack's state as the CLI exports it."""
    from digits.engine.invocation import run

    return run(["stack", "export", "--stack", stack]).stdout


def locate_report(stack: str, name: str) -> Path:
    """Return where a report of the stack lies."""
    return Path("reports", stack, name)


def show_evaluation(stack: str) -> None:
    """Print the stack's last evaluation; if nothing changed, another machine may have evaluated it."""
    from digits.evaluation import report, terminal

    file = locate_report(stack, "evaluation.json")
    if file.exists():
        terminal.show(report.read(file))


def _explain_missing(stack: str) -> str:
    target = "" if stack == "dev" else f" STACK={stack}"
    return f"Nothing is deployed in stack '{stack}': run `make up{target}` first."
