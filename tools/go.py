"""Programs built from Go modules of ours: `go.mod` and `go.sum` pin every module, and a build never changes them.

GoError     Go refused, or failed; the message is what it said last
"""

from digits.cli import children
from digits.cli.activity import Advance

import os
import subprocess
from collections import deque
from dataclasses import dataclass
from pathlib import Path

_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")


class GoError(Exception):
    """Go refused, or failed."""


@dataclass(frozen=True)
class Module:
    """The folder of a `go.mod`, and the `go` it is built with."""

    directory: Path
    go: str

    def require_version(self) -> None:
        """Let Go itself say whether it is new enough for go.mod: newer ones may fetch the toolchain that it names."""
        self._run(["list", "-m"])

    def build(self, target: Path, *packages: str, flags: tuple[str, ...] = (), advance: Advance | None = None) -> None:
        """Build packages into a file, or into a folder where several are named."""
        output = f"{target}{os.sep}" if target.is_dir() else str(target)
        self._run(["build", "-v", *_FLAGS, *flags, "-o", output, *packages], advance)

    def find_source(self, module: str) -> Path:
        """Return the folder in Go's cache that holds a module's source."""
        return Path(self._run(["list", "-mod=readonly", "-m", "-f={{.Dir}}", module])[-1])

    def _run(self, arguments: list[str], advance: Advance | None = None) -> list[str]:
        """Run Go to its end, passing on what it does, and return its last lines."""
        last: deque[str] = deque(maxlen=3)
        # No C compiler is needed, and no go.work or GOFLAGS of the user's changes what is built.
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
        process = children.start(
            [self.go, *arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process, children.ended_on_error(process):
            for line in process.stdout or ():
                last.append(line.strip())
                if advance:
                    advance(last[-1])
        if process.returncode != 0:
            raise GoError(" | ".join(last))
        return list(last)
