"""`python -m digits.stack STACK`: refuse a stack's file, or where its state would lie, before anything is done.

Exit codes: 0 nothing is wrong, 2 what is wrong was said.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import os
import sys
from pathlib import Path

from digits.stack.backend import BackendError, require_shared
from digits.stack.file import StackFileError, read
from digits.stack.secrets import SecretsError, require_passphrase


def main() -> int:
    """Check what the arguments name and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m digits.stack", description=__doc__)
    parser.add_argument("stack", help="the stack whose file is read")
    parser.add_argument("--backend", metavar="URL", help="where its state lies: refuses a stack on Azure a folder here")
    chosen = parser.parse_args()
    here = Path.cwd()
    try:
        file = read(here, chosen.stack)
        if chosen.backend is not None and not file.may_be_local:
            require_shared(chosen.stack, {**os.environ, "PULUMI_BACKEND_URL": chosen.backend}, here)
        if chosen.backend is not None and file.get("cloud") != "emulator":
            require_passphrase(chosen.stack, chosen.backend, os.environ, here)
    except (StackFileError, BackendError, SecretsError) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
