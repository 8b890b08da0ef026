"""`digits`: deploys the classifier, looks after what is deployed, and makes the model."""

from digits.cli import interrupt

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    from digits.cli import command  # Ctrl-C is one line from here on
    from digits.cli.commands import digits

    return command.run(digits, arguments)


if __name__ == "__main__":
    sys.exit(main())
