"""`python -m digits.github`: writes reports to GitHub; 0 written, 2 could not be."""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import os
import sys
from pathlib import Path

from digits.github import threads
from digits.github.api import GitHubError, Repository, pull_request, summarize


def _comment(text: str) -> str:
    number, why = pull_request(os.environ)
    return why if number is None else threads.comment(Repository.from_environment(os.environ), number, text)


def _issue(text: str, title: str, outcome: str) -> str:
    repository = Repository.from_environment(os.environ)
    if outcome == "failure":
        return threads.open_issue(repository, title, text)
    return threads.close_issue(repository, text) or "No issue is open."


def main() -> int:
    """Write one report, to the run's summary in any case."""
    parser = argparse.ArgumentParser(prog="python -m digits.github", description=threads.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    comment = commands.add_parser("comment", help="write or update the comment on the run's pull request")
    issue = commands.add_parser("issue", help="open, update or close the report's issue")
    for command in (comment, issue):
        command.add_argument(
            "file", type=Path, help="the report, Markdown; its first line may be a <!-- marker --> of its own"
        )
    issue.add_argument("--title", required=True)
    issue.add_argument(
        "--outcome", choices=("success", "failure"), required=True, help="of the step that wrote the report"
    )
    arguments = parser.parse_args()
    try:
        text = threads.read(arguments.file)
        summarize(text, os.environ)
        done = _comment(text) if arguments.command == "comment" else _issue(text, arguments.title, arguments.outcome)
    except (GitHubError, threads.ReportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
