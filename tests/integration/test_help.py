"""`--help` of everything else that is run as `python -m`, and the answer to an unknown option."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_interrupt import find_commands
from tests.integration.wire import ROOT

# The two commands have a test of their own: tests/unit/test_every_command.py.
FILES = [file for file in find_commands() if file.parts[0] not in {"digits", "emulator"}]
FILES.append(Path("infra/policy/__main__.py"))
MODULES = [".".join(file.with_suffix("").parts).removesuffix(".__main__") for file in FILES]


@pytest.mark.parametrize("module", MODULES)
def test_help_says_how_a_module_is_used(module: str) -> None:
    """On stdout, with status 0 and nothing else done; an option that there is not is refused with status 2."""
    for word, status in (("--help", 0), ("--nonsense", 2)):
        done = subprocess.run(
            [sys.executable, "-m", module, word],
            cwd=ROOT,
            env={**os.environ, "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        assert f"usage: python -m {module}" in (done.stderr if status else done.stdout)
