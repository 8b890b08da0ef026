"""`python -m preview`: what a change would do to a stack, as one comment for a pull request.

Exit codes: 0 a comment was made, whatever changes; 2 there was nothing to preview, which the comment says too.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation import files
from preview.candidate import try_candidate
from preview.comment import Comment
from preview.engine import Preview, PreviewError, read, run
from preview.scoring_files import changed_files

_EPILOG = """What stands after -- goes to `pulumi preview`, such as --policy-pack. Exit codes: 0 a comment was made,
whatever changes; 2 the stack could not be previewed, which the comment says too, or the options are wrong. The
comment's first line is hidden and the same for each comment on this stack: a workflow finds its comment by it and
updates that one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    chosen = _parser().parse_args(given[:end])
    try:
        preview = _read(chosen.file) if chosen.file else run(chosen.stack, given[end + 1 :])
    except PreviewError as error:
        preview = Preview(errors=(str(error),))
    except KeyboardInterrupt:
        return 130
    trial = None if preview.errors or chosen.no_candidate else try_candidate(preview, _report)
    comment = Comment(chosen.stack, preview, trial, changed_files(preview)).render()
    print(comment, end="")
    if chosen.output:
        files.replace(chosen.output, comment.encode())
    for sentence in preview.errors:
        print(f"Not previewed: {sentence}", file=sys.stderr)
    return 2 if preview.errors and not preview.awaits_promotion else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m preview",
        usage="%(prog)s [-h] [--file FILE] [--output FILE] [--no-candidate] stack [-- OPTION ...]",
        description="Show what a change would do to a stack, as a Markdown comment for a pull request.",
        epilog=_EPILOG,
    )
    parser.add_argument("stack", help="the stack's name")
    parser.add_argument(
        "--file",
        metavar="FILE",
        help="read what `pulumi preview --json --show-sames` printed instead of running it; - is stdin",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the comment there too")
    parser.add_argument("--no-candidate", action="store_true", help="do not run the candidate on this machine")
    return parser


def _read(file: str) -> Preview:
    try:
        return read(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PreviewError(f"{file} cannot be read: {error}.") from None


def _report(message: str) -> None:
    print(f"candidate: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
