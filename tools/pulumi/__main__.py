"""`python -m tools.pulumi`: gets the Pulumi CLI, and prints only its folder on stdout."""

import digits.cli.interrupt  # before all else, see there

import argparse
import sys

from tools.pulumi import choice
from tools.pulumi.cli import PulumiUnavailableError


def main() -> int:
    """Print the folder; return 0, or 2 with one sentence on stderr if no CLI can be found, downloaded or built."""
    parser = argparse.ArgumentParser(prog="python -m tools.pulumi", description=choice.__doc__)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    arguments = parser.parse_args()
    try:
        print(choice.locate())
    except (PulumiUnavailableError, OSError) as error:
        if arguments.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the next run continues with the files that were downloaded or compiled.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
