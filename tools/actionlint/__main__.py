"""`python -m tools.actionlint`: lints the workflows; 0 nothing found, 1 something found, 2 could not run."""

import digits.cli.interrupt  # before all else, see there

import argparse
import os
import subprocess
import sys
from pathlib import Path

import platformdirs

from tools.actionlint import linter

_ROOT = Path(__file__).parents[2]


def main() -> int:
    """Lint, and on a machine of one's own go on without Go; where CI is set that is an error."""
    parser = argparse.ArgumentParser(prog="python -m tools.actionlint", description=linter.__doc__)
    parser.add_argument(
        "workflows", nargs="*", type=Path, metavar="FILE", help="workflows to lint (default: all in .github/workflows)"
    )
    chosen = parser.parse_args().workflows or sorted((_ROOT / ".github" / "workflows").glob("*.yml"))
    try:
        found = linter.get(platformdirs.user_cache_path("digits") / "actionlint", os.environ.get("PATH", os.defpath))
        return 0 if linter.lint(found, chosen) else 1
    except linter.MissingError as error:
        print(error, file=sys.stderr)
        return 2 if os.environ.get("CI") == "true" else 0
    except (linter.BuildError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
