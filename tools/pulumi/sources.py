"""The Go module beside this file, which the CLI is built from: `go.mod` and `go.sum` pin every module it uses."""

from hashlib import sha256
from pathlib import Path

from tools.pulumi.cli import LANGUAGE_HOST

MODULE = Path(__file__).parent


def digest() -> str:
    """Identify what a build is made from, so that a kept one is not taken for a newer one."""
    files = [MODULE / "go.mod", MODULE / "go.sum", *sorted((MODULE / LANGUAGE_HOST).glob("*.go"))]
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
