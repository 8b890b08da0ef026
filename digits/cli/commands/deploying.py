"""The commands that deploy a stack, and say what a deployment would do: up, preview, drift, down."""

from digits.cli.command import Command, name_stack
from digits.cli.commands.delegation import delegate, make

from pathlib import Path

import click

_SECTION = "Every day"


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
    """Deploy this checkout, or the release of another stack, and evaluate the live service."""
    return make("up", STACK=stack, YES=yes, VERBOSE=verbose)


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits preview --stack staging", "what this checkout would do to the stack"),
        ("digits preview --stack prod --release 4f2a81c09d3e", "what an older release would do"),
        ("digits preview --stack prod -- --save-plan=plan.json", "options after -- go to `pulumi preview`"),
    ],
)
@name_stack
@click.option("--release", metavar="ID", help="Another release than the last, of a stack that takes releases.")
@click.option(
    "--output", metavar="FILE", type=Path, help="Write the comment there (default: reports/STACK/preview.md)."
)
@click.option("--no-candidate", is_flag=True, help="Do not run the candidate on this machine.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTION...]")
def preview(
    stack: str,
    release: str | None,
    output: Path | None,
    options: tuple[str, ...],
    *,
    no_candidate: bool,
) -> None:
    """Show what a change would do to a stack, as a Markdown comment for a pull request."""
    given = [
        *(("--release", release) if release else ()),
        *(("--output", str(output)) if output else ()),
        *(("--no-candidate",) if no_candidate else ()),
    ]
    delegate("digits.preview", stack, *given, "--", *options)


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits drift", "what was changed outside Pulumi"),
        ("digits drift --stack prod --json", "the same for a program"),
    ],
    epilog="Exit codes: 0 no drift, 1 drift, 2 could not look, 130 interrupted.",
)
@name_stack
@click.option("--json", "form", flag_value="--json", help="Print one JSON object.")
@click.option("--markdown", "form", flag_value="--markdown", help="Print Markdown, for an issue or a job's summary.")
@click.option("--report", metavar="FILE", type=Path, help="Write the answer as Markdown there, too.")
def drift(stack: str, form: str | None, report: Path | None) -> None:
    """Show what was changed outside Pulumi, and what the next up would do about it."""
    delegate("digits.drift", stack, form, *(("--report", str(report)) if report else ()))


@click.command(cls=Command, section=_SECTION, examples=[("digits down", "destroy the dev stack")])
@name_stack
def down(stack: str) -> int:
    """Destroy what a stack has deployed, and stop its emulator."""
    return make("down", STACK=stack)


COMMANDS = (up, preview, drift, down)
