"""The commands that ask the live service, and show what it answered: evaluate, predict, logs, show, report."""

from digits.cli.command import Command, name_stack
from digits.cli.commands.delegation import make

import click

_SECTION = "Every day"


@click.command(
    cls=Command, section=_SECTION, examples=[("digits evaluate --stack staging", "evaluate the live service again")]
)
@name_stack
def evaluate(stack: str) -> int:
    """Score labelled digits through a service, judge it, and report."""
    return make("smoke", STACK=stack)


@click.command(cls=Command, section=_SECTION, examples=[("digits predict digit.png", "read the digit in a picture")])
@click.argument("image")
@name_stack
def predict(image: str, stack: str) -> int:
    """Read the digit in a picture."""
    return make("predict", STACK=stack, IMAGE=image)


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[("digits logs --stack staging", "the container log of the stack's web service")],
)
@click.argument("service", required=False)
@name_stack
def logs(service: str | None, stack: str) -> int:
    """Show the web service's container log; on a terminal it is followed until Ctrl-C."""
    return make("logs", STACK=stack, SERVICE=service)


COMMANDS = (evaluate, predict, logs)
