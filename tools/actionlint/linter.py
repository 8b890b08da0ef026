"""actionlint in the user's cache: built once from `go.mod` and `go.sum`, which pin it, and run on workflows.

MissingError    there is no Go to build it with
BuildError      Go cannot build it
"""

from digits.cli import activity, children

import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from tools.go import GoError, Module

MODULE = Path(__file__).parent
_PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"
# What else lies on PATH does not decide what is found: no workflow here holds shell or Python to look into.
_OPTIONS = ("-shellcheck=", "-pyflakes=")


class MissingError(Exception):
    """There is no Go to build actionlint with."""


class BuildError(Exception):
    """Go cannot build actionlint."""


def get(cache: Path, path: str) -> Path:
    """Return the program of these pins, built with the Go that `path` leads to if it is not there yet."""
    pins = sha256(b"\0".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))).hexdigest()
    kept = cache / pins[:16] / "actionlint"
    if os.access(kept, os.X_OK):
        return kept
    go = shutil.which("go", path=path)
    if go is None:
        raise MissingError("The workflows were not linted: actionlint is built with Go, from https://go.dev/dl.")
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Two at once build twice; either result is whole when it takes the name.
    with tempfile.TemporaryDirectory(prefix="partial-", dir=cache) as partial:
        built = Path(partial, "actionlint")
        try:
            with activity.show("Building actionlint from Go modules, usually a few seconds, once") as advance:
                Module(MODULE, go).build(built, _PACKAGE, advance=advance)
        except GoError as error:
            raise BuildError(
                f"actionlint cannot be built ({error}): it needs a Go module proxy (go env GOPROXY)."
            ) from error
        built.replace(kept)
    return kept


def lint(program: Path, workflows: list[Path]) -> bool:
    """Print what is wrong in the workflows, and say whether nothing is.

    Raises subprocess.CalledProcessError when actionlint itself could not run.
    """
    ended = children.run([program, *_OPTIONS, *workflows])
    if ended.returncode not in {0, 1}:
        raise subprocess.CalledProcessError(ended.returncode, program)
    return ended.returncode == 0
