"""The commands about releases: promote, releases, status."""

from digits.cli.command import Command, name_stack
from digits.cli.commands.delegation import make

import click

_SECTION = "Every day"


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[("digits promote --from staging --to prod", "show the evidence, preview, ask, deploy")],
)
@click.option("--from", "source", required=True, metavar="STACK", help="The stack that released it.")
@click.option("--to", "target", required=True, metavar="STACK", help="The stack that takes it.")
@click.option("--release", metavar="ID", help="Another one than the source's last.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def promote(source: str, target: str, release: str | None, *, yes: bool) -> int:
    """Deploy to a stack what another stack released, by digest."""
    return make("promote", FROM=source, TO=target, RELEASE=release, YES=yes)


@click.command(
    cls=Command, section=_SECTION, examples=[("digits releases --stack prod", "what the stack released, newest first")]
)
@name_stack
def releases(stack: str) -> int:
    """List what a stack released, newest first, and say whether the last release is live."""
    return make("releases", STACK=stack)


@click.command(
    cls=Command, section=_SECTION, examples=[("digits status --stack prod", "whether the live service was released")]
)
@name_stack
def status(stack: str) -> int:
    """Show what runs on the emulator, and whether the live service was released."""
    return make("status", STACK=stack)


COMMANDS = (promote, releases, status)
