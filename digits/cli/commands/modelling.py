"""The commands that make a model and show how good it is: train, show, report."""

from digits.cli.command import Command, name_stack
from digits.cli.commands.delegation import delegate, make

import click

_SECTION = "Model and reports"


@click.command(
    cls=Command, section=_SECTION, examples=[("digits train", "the model of the dev stack, unless it is up to date")]
)
@name_stack
@click.option("--force", is_flag=True, help="Train even if the model is up to date.")
def train(stack: str, *, force: bool) -> int:
    """Train the model, unless it is up to date."""
    return make("model", STACK=stack, FORCE=force)


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[("digits show reports/dev/evaluation.json", "print a written evaluation again")],
)
@click.argument("file")
def show(file: str) -> None:
    """Print a written evaluation again."""
    delegate("digits.evaluation", "show", file)


@click.command(
    cls=Command, section=_SECTION, examples=[("digits report reports/dev/evaluation.json", "write its page again")]
)
@click.argument("file")
def report(file: str) -> None:
    """Write the page of a written evaluation again, or only its pictures."""
    delegate("digits.evaluation", "report", file)


COMMANDS = (train, show, report)
