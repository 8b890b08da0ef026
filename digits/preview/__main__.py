"""`python -m digits.preview`: the effect of a change on a stack, as one comment for a pull request.

Exit codes: 0 a comment was made; 2 the stack could not be previewed, and the comment gives the reason.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there
from digits.cli import is_verbose

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from digits import atomic_files
from digits.engine import automation
from digits.engine.events import Preview
from digits.engine.invocation import EngineError
from digits.preview.comment import Comment
from digits.preview.headline import awaits_promotion
from digits.preview.scoring_files import changed_files
from digits.preview.trial import Trial, try_candidate
from digits.promotion import pin
from digits.promotion.record import PromotionError
from infra.live import Live, look
from tools import build_progress

_EPILOG = """Options after -- go to `pulumi preview`, such as --policy-pack. Exit codes: 0 a comment was made;
2 the stack could not be previewed, and the comment gives the reason, or the options are wrong. The
comment's first line is hidden and the same for each comment on this stack: a workflow finds its comment by it and
updates that one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    chosen = _parser().parse_args(given[:end])
    try:
        preview = _run(chosen.stack, chosen.release, given[end + 1 :])
    except (EngineError, PromotionError) as error:
        preview = Preview(errors=(str(error),))
    trial = None if preview.errors or chosen.no_candidate else _try(preview)
    live = None if preview.errors else _look(chosen.stack, preview)
    comment = Comment(chosen.stack, preview, trial, changed_files(preview), live)
    text = comment.render()
    print(text, end="")
    if chosen.output:
        atomic_files.replace(chosen.output, text.encode())
    _hand_on(comment)
    for sentence in preview.errors:
        print(f"Not previewed: {sentence}", file=sys.stderr)
    return 2 if preview.errors and not awaits_promotion(preview) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m digits.preview",
        usage="%(prog)s [-h] [--release ID] [--output FILE] [--no-candidate] stack [-- OPTION ...]",
        description="Show what a change would do to a stack, as a Markdown comment for a pull request.",
        epilog=_EPILOG,
    )
    parser.add_argument("stack", help="the stack's name")
    parser.add_argument("--release", metavar="ID", help="of a stack that takes releases: another one than the last")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the comment there too")
    parser.add_argument("--no-candidate", action="store_true", help="do not run the candidate on this machine")
    return parser


def _run(stack: str, release: str | None, options: Sequence[str]) -> Preview:
    """Preview the stack, with the named release if there is one."""
    with build_progress.show(f"Previewing stack {stack}"):
        if not release:
            return automation.preview(stack, options)
        with pin.hold(stack, pin.find(stack, release)) as held:
            return automation.preview(stack, [*held, *options])


def _look(stack: str, preview: Preview) -> Live | None:
    """Look at the web service of a stack that has one."""
    service, release = preview.step("webservice"), preview.step("release")
    if not (service and service.outputs):
        return None
    return look(stack, release.outputs if release else {}, service.outputs)


def _hand_on(comment: Comment) -> None:
    """Give GitHub's later steps the id of the release that was shown, so that they deploy that one."""
    file = os.environ.get("GITHUB_OUTPUT")
    if file and comment.source:
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.write(f"release={comment.source['release']}\n")


def _try(preview: Preview) -> Trial | None:
    """Try the candidate and show progress; show all output of its server only if the user asks for it."""
    if is_verbose():
        return try_candidate(preview, lambda message: print(f"candidate: {message}", file=sys.stderr))
    with ExitStack() as showing:
        shown: list[build_progress.Advance] = []

        def report(message: str) -> None:
            if not shown:  # there may be no candidate to try
                shown.append(showing.enter_context(build_progress.show("Evaluating the candidate on this machine")))
            shown[0](message)

        return try_candidate(preview, report)


if __name__ == "__main__":
    sys.exit(main())
