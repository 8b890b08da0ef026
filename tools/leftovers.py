"""What `make clean` would lose: `python -m tools.leftovers` says what still runs or is deployed, and what ends it.

Exit codes: 0 nothing, 2 something, which was said.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from digits.stack import StackFileError, read


def find(directory: Path) -> Iterator[str]:
    """Yield a sentence for each emulator that runs, and for each stack on Azure whose state would be deleted."""
    for state in sorted(directory.glob(".emulator*")):
        stack = state.name.removeprefix(".emulator").removeprefix("-") or "dev"
        if _runs(state):
            yield (
                f"The emulator of stack '{stack}' is running: `make down STACK={stack}` destroys what is deployed and "
                "stops it, and names what blocks that. To lose what is deployed, stop it by "
                f"`.venv/bin/python -m emulator stop --state {state.name}`, and run `make clean` again."
            )
    for checkpoint in sorted((directory / ".state/.pulumi/stacks").glob("*/*.json")):
        if _has_resources(checkpoint) and not _is_emulated(directory, checkpoint.stem):
            yield (
                f"What stack '{checkpoint.stem}' has on Azure is known only to .state, which `make clean` deletes: "
                f"run `make down STACK={checkpoint.stem}` first, or move .state away to keep it."
            )


def _runs(state: Path) -> bool:
    command = [sys.executable, "-m", "emulator", "status", "--state", str(state)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _has_resources(checkpoint: Path) -> bool:
    try:
        return bool(json.loads(checkpoint.read_bytes())["checkpoint"]["latest"].get("resources"))
    except (ValueError, KeyError, TypeError, AttributeError):  # none was written yet
        return False


def _is_emulated(directory: Path, stack: str) -> bool:
    try:
        return bool(read(directory, stack).get("cloud") == "emulator")
    except StackFileError:
        return False


def main() -> int:
    """Say what would be lost and return the exit code."""
    argparse.ArgumentParser(prog="python -m tools.leftovers", description=__doc__).parse_args()
    found = list(find(Path.cwd()))
    for sentence in found:
        print(sentence, file=sys.stderr)
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main())
