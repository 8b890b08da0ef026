"""The commands that set up a shell, an emulator and a stack: env, emulator, stack, leftovers."""

from digits.cli.command import FOUND_BAD, Command, CommandError, Group, answer_as_json, name_stack
from digits.cli.commands import shell, stacks

import json
import sys
from pathlib import Path

import click

_SECTION = "Set-up"


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ('eval "$(digits env)"', "then `pulumi preview --diff` works in this shell"),
        ("digits env --stack prod --json", "the same for a program; null is a variable that must not be set"),
    ],
)
@name_stack
@answer_as_json
def env(stack: str, *, as_json: bool) -> None:
    """Print the settings that lead a shell to the Pulumi CLI and to the stack's cloud."""
    variables = shell.describe(shell.require_usable(stack))
    print(json.dumps(variables, indent=2) if as_json else "\n".join(shell.render(variables)))


@click.command(cls=Command, section=_SECTION, examples=[("digits emulator", "the emulator of the dev stack")])
@name_stack
def emulator(stack: str) -> None:
    """Start the emulator of a stack, unless it runs, and add the stack's subscription."""
    from digits.stack import read

    file = read(Path.cwd(), stack)
    if not shell.is_emulated(file):
        raise CommandError(
            f"Stack '{stack}' is on Azure and has no emulator: write digits:cloud: emulator in {file.name} for one."
        )
    shell.start_emulator(file, output=sys.stdout)


stack_group = Group(
    "stack",
    help="Check a stack's file, and repair its state.",
    section=_SECTION,
    no_args_is_help=True,
    examples=[
        ("digits stack check --stack prod", "what is wrong in Pulumi.prod.yaml"),
        ("digits stack repair", "drop the lock of a pulumi that was killed"),
    ],
)


@stack_group.command(examples=[("digits stack check --stack prod", "what is wrong in Pulumi.prod.yaml")])
@name_stack
def check(stack: str) -> None:
    """Refuse what is wrong in a stack's file, and a state that would lie in the wrong place."""
    shell.require_usable(stack)


@stack_group.command(examples=[("digits stack repair", "drop the lock of a pulumi that was killed")])
@name_stack
def repair(stack: str) -> None:
    """Repair a state in a folder of this machine after a Pulumi CLI that was killed."""
    stacks.repair_state(stack)


@click.command(cls=Command, section=_SECTION, examples=[("digits leftovers", "what `make clean` would lose")])
def leftovers() -> int:
    """Say what still runs or is deployed, and what ends it."""
    from digits.cli.commands.leftovers import find

    found = list(find(Path.cwd()))
    for sentence in found:
        click.echo(sentence, err=True)
    return FOUND_BAD if found else 0


COMMANDS = (env, emulator, stack_group, leftovers)
