"""The commands that set up a shell, an emulator and a stack: env, emulator, stack, leftovers."""

from digits.cli.command import Command, Group, name_stack
from digits.cli.commands.delegation import delegate, make

import click

_SECTION = "Set-up"


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[('eval "$(digits env)"', "then `pulumi preview --diff` works in this shell")],
)
@name_stack
def env(stack: str) -> int:
    """Print the settings that put the Pulumi CLI and the stack's cloud into a shell."""
    return make("env", STACK=stack)


@click.command(cls=Command, section=_SECTION, examples=[("digits emulator", "the emulator of the dev stack")])
@name_stack
def emulator(stack: str) -> int:
    """Start the emulator of a stack, unless it runs already."""
    return make("emulator", STACK=stack)


stack_group = Group(
    "stack",
    help="Check a stack's file, and repair its state.",
    section=_SECTION,
    no_args_is_help=True,
    examples=[("digits stack check --stack prod", "what is wrong in Pulumi.prod.yaml")],
)


@click.command(cls=Command, examples=[("digits stack check --stack prod", "what is wrong in Pulumi.prod.yaml")])
@name_stack
def check(stack: str) -> None:
    """Refuse what is wrong in a stack's file, before anything is done."""
    delegate("digits.stack", stack)


@click.command(cls=Command, examples=[("digits stack repair", "drop the lock of a pulumi that was killed")])
@name_stack
def repair(stack: str) -> None:
    """Repair the state in a folder of this machine after a Pulumi CLI that was killed."""
    delegate("tools.state", stack)


@click.command(cls=Command, section=_SECTION, examples=[("digits leftovers", "what `make clean` would lose")])
def leftovers() -> None:
    """Say what still runs or is deployed, and what ends it."""
    delegate("tools.leftovers")


stack_group.add_command(check)
stack_group.add_command(repair)
COMMANDS = (env, emulator, stack_group, leftovers)
