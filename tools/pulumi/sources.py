"""The Go module in this folder, from which the CLI is built: `go.mod` and `go.sum` pin every module."""

from hashlib import sha256
from pathlib import Path

from tools.pulumi.cli import LANGUAGE_HOST

MODULE = Path(__file__).parent


def digest() -> str:
    """Return the digest of a build's sources, so that a build of older sources is not used."""
    files = [MODULE / "go.mod", MODULE / "go.sum", *sorted((MODULE / LANGUAGE_HOST).glob("*.go"))]
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
