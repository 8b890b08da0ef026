"""The command that shows what a change would do to a stack: preview."""

from digits.cli import VERBOSE, activity, is_verbose
from digits.cli.command import DONE, Command, CommandError, name_stack
from digits.cli.commands import shell, stacks
from digits.cli.commands.deploying import make_ready

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from digits.engine.events import Preview
    from digits.preview.comment import Comment
    from digits.preview.trial import Trial
    from infra.live import Live

_EPILOG = """Exit codes: 0 a comment was made; 2 the stack could not be previewed, and the comment gives the reason;
130 interrupted. The comment's first line is hidden and the same for each comment on this stack: a workflow
finds its comment by it and updates that one."""


@click.command(
    cls=Command,
    section="Every day",
    epilog=_EPILOG,
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
@click.option("--verbose", is_flag=True, help="Show all that the candidate's server says.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTION...]")
def preview(  # noqa: PLR0913 - one for each option
    stack: str,
    release: str | None,
    output: Path | None,
    options: tuple[str, ...],
    *,
    no_candidate: bool,
    verbose: bool,
) -> int:
    """Show what a change would do to a stack, as a Markdown comment for a pull request."""
    from digits import atomic_files
    from digits.engine.events import Preview
    from digits.preview.checkout import awaits_promotion
    from digits.preview.comment import Comment
    from digits.preview.scoring_files import changed_files
    from digits.stack import StackFileError

    if verbose:
        os.environ[VERBOSE] = "1"
    try:
        _prepare(stack)
    except (CommandError, StackFileError) as error:
        if not Path(f"Pulumi.{stack}.yaml").exists():
            raise
        # The pull request shows it too.
        found = Preview(errors=tuple(str(error).splitlines()))
    else:
        found = _run(stack, release, options)
    trial = None if found.errors or no_candidate else _try(found)
    live = None if found.errors else _look(stack, found)
    waits = awaits_promotion(stack, release, found)
    comment = Comment(stack, found, trial, changed_files(found), live, waits)
    text = comment.render()
    print(text, end="")
    atomic_files.replace(output or stacks.locate_report(stack, "preview.md"), text.encode())
    _hand_on(comment)
    if found.errors and not waits:
        raise CommandError("\n".join(found.errors))
    return DONE


def _prepare(stack: str) -> None:
    file = make_ready(stack)
    if shell.is_emulated(file):
        stacks.prepare(file)
    else:
        stacks.repair_state(stack)


def _run(stack: str, release: str | None, options: Sequence[str]) -> "Preview":
    """Preview the stack, with the named release if there is one; the comment gives the reason if that fails."""
    from digits.engine import automation
    from digits.engine.events import Preview
    from digits.engine.invocation import EngineError
    from digits.promotion import pin
    from digits.release import PromotionError

    try:
        with activity.show(f"Previewing stack {stack}"):
            if not release:
                return automation.preview(stack, options)
            with pin.hold(stack, pin.find(stack, release)) as held:
                return automation.preview(stack, [*held, *options])
    except (EngineError, PromotionError) as error:
        return Preview(errors=(str(error),))


def _look(stack: str, preview: "Preview") -> "Live | None":
    """Look at the web service of a stack that has one."""
    from digits.release import Release
    from infra.live import look

    service, release = preview.step("webservice"), preview.step("release")
    if not (service and service.outputs):
        return None
    return look(stack, Release.from_state(stack, release.outputs if release else None), service.outputs)


def _hand_on(comment: "Comment") -> None:
    """Give GitHub's later steps the id of the release that was shown, so that they deploy that one."""
    file = os.environ.get("GITHUB_OUTPUT")
    if file and comment.source:
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.write(f"release={comment.source['release']}\n")


def _try(preview: "Preview") -> "Trial | None":
    """Try the candidate and show progress; show all output of its server only with --verbose."""
    from digits.preview.trial import try_candidate

    if is_verbose():
        return try_candidate(preview, lambda message: print(f"candidate: {message}", file=sys.stderr))
    with ExitStack() as showing:
        shown: list[activity.Advance] = []

        def report(message: str) -> None:
            if not shown:  # there may be no candidate to try
                shown.append(showing.enter_context(activity.show("Evaluating the candidate on this machine")))
            shown[0](message)

        return try_candidate(preview, report)


COMMANDS = (preview,)
