"""The commands that deploy a stack and take it down again: up, down."""

from digits.cli import VERBOSE
from digits.cli.command import FOUND_BAD, Command, CommandError, Interrupted, name_stack
from digits.cli.commands import shell, stacks

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from digits.stack import StackFile

_SECTION = "Every day"
_NEXT = """
Next:
  make smoke                  evaluate the live service again
  $EDITOR scoring/score.py    then `make up`: the service is updated in place and evaluated
  eval "$(make -s env)"       then `pulumi preview --diff`, `pulumi stack output`, … work in this shell"""


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits up", "the dev stack, on the emulator of this machine"),
        ("digits up --stack staging --yes", "a stack on Azure, without a question"),
    ],
)
@name_stack
@click.option("--yes", is_flag=True, help="Do not ask before a stack on Azure is changed.")
@click.option("--verbose", is_flag=True, help="Show all that a server says while it starts.")
def up(stack: str, *, yes: bool, verbose: bool) -> int:
    """Deploy this checkout, or another stack's release, and evaluate the live service."""
    if verbose:
        os.environ[VERBOSE] = "1"
    file = make_ready(stack)
    stacks.prepare(file)
    is_emulated = shell.is_emulated(file)
    if is_emulated:
        _hold_policies(stack)
    confirmed = ["--yes", "--skip-preview"] if is_emulated else ["--yes"] if yes else []
    options = ["--refresh", "--suppress-outputs", *([] if verbose else ["--suppress-progress"]), *confirmed]
    try:
        failed = _deploy(file, options)
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted: `make status STACK={stack}` says what is live and whether it was released; "
            f"`make up STACK={stack}` goes on from there."
        ) from None
    if failed:
        return FOUND_BAD
    stacks.show_evaluation(stack)
    print(_NEXT)
    return 0


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[("digits down", "destroy the dev stack and stop an emulator that is empty")],
)
@name_stack
def down(stack: str) -> int:
    """Destroy what a stack has deployed, and stop the emulator if nothing is left in it."""
    from digits.engine.invocation import hand_over

    file = shell.require_usable(stack)
    if str(file.get("protectData")).lower() == "true":
        raise CommandError(
            f"Stack '{stack}' is protected: write digits:protectData: false and digits:policyEnabled: false in "
            f"{file.name} and run `make up STACK={stack}` first."
        )
    is_emulated = shell.is_emulated(file)
    if is_emulated:
        shell.start_emulator(file)
    shell.enter(file)
    stacks.repair_state(stack)
    if stacks.select(stack):
        options = ["--yes", "--skip-preview"] if is_emulated else []
        if hand_over(["destroy", "--stack", stack, "--refresh", *options]):
            return FOUND_BAD
    if is_emulated:
        shell.run_emulator("stop", "--if-empty", output=sys.stdout)
    return 0


def make_ready(stack: str) -> "StackFile":
    """Train the model and start the emulator if the stack needs them, enter its shell and return its file."""
    from digits.cli.commands.modelling import train_for

    file = shell.require_usable(stack)
    if not file.get("promoteFrom"):
        train_for(file)
    if shell.is_emulated(file):
        shell.start_emulator(file)
    shell.enter(file)
    return file


def _deploy(file: "StackFile", options: list[str]) -> int:
    if file.get("promoteFrom"):
        from digits.cli.commands.releasing import deploy_release

        return deploy_release(file.stack, options)
    from digits.engine.deployments import deploy

    return deploy(file.stack, options)


def _hold_policies(stack: str) -> None:
    """Refuse a change that a policy forbids; raises CommandError.

    A policy asks about a resource when it is declared, which is too late for the last one. An `up` on Azure previews
    by itself.
    """
    if "PULUMI_OPTION_POLICY_PACK" not in os.environ:
        return
    from digits.engine import automation

    shell.say("Holding the change against the policies")
    preview = automation.preview(stack)
    if preview.is_refused:
        found = [f"{one.resource}: {one.message} ({one.policy})" for one in preview.violations if one.is_mandatory]
        raise CommandError("\n".join(found or preview.errors))


COMMANDS = (up, down)
