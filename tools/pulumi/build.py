"""The CLI and the Python language host built from Go modules, for machines that reach package registries only.

The build may read `go.mod` and `go.sum`, and never change them.
"""

import os
import shutil
import subprocess
from collections import deque
from pathlib import Path

from tools.pulumi import progress
from tools.pulumi.cli import LANGUAGE_HOST, SCRIPTS, VERSION, BuildFailedError
from tools.pulumi.sources import MODULE

_SDK = "github.com/pulumi/pulumi/sdk/v3"
_FLAGS = (
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    "-tags=osusergo,grpcnotrace",
    f"-ldflags=-s -w -X {_SDK}/go/common/version.Version=v{VERSION}",
)
_PACKAGES = ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", f"./{LANGUAGE_HOST}")
_SCRIPT_FOLDERS = ("python/cmd", "python/dist")


def build(directory: Path, *, path: str, because: str) -> None:
    """Build the four files into a folder with the Go that `path` leads to; `because` says why there is no release."""
    go = shutil.which("go", path=path)
    if go is None:
        raise BuildFailedError(
            f"The Pulumi CLI has to be built here because {because}, and Go is missing: install it from "
            f"https://go.dev/dl, or put a Pulumi CLI of your own on PATH."
        )
    _require_version(go)
    with progress.show("Building the Pulumi CLI from Go modules, usually about 4 minutes") as advance:
        _run([go, "build", "-v", *_FLAGS, "-o", f"{directory}{os.sep}", *_PACKAGES], because, advance)
    sdk = Path(_run([go, "list", "-mod=readonly", "-m", "-f={{.Dir}}", _SDK], because)[-1])
    for folder, name in zip(_SCRIPT_FOLDERS, SCRIPTS, strict=True):
        shutil.copyfile(sdk / folder / name, directory / name)
        (directory / name).chmod(0o755)  # the module cache strips the run bit


def _require_version(go: str) -> None:
    """Let Go itself say whether it is new enough for go.mod: newer ones may fetch the toolchain that it names."""
    answer = subprocess.run(
        [go, "list", "-m"], cwd=MODULE, env=_environment(), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise BuildFailedError(
            f"{go} cannot build the Pulumi CLI ({answer.stderr.strip().splitlines()[-1]}): "
            f"install a newer Go from https://go.dev/dl."
        )


def _run(command: list[str], because: str, advance: progress.Advance | None = None) -> list[str]:
    """Run Go to its end, passing on what it does, and return its last lines."""
    last: deque[str] = deque(maxlen=3)
    with subprocess.Popen(
        command, cwd=MODULE, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                last.append(line.strip())
                if advance:
                    advance(last[-1])
            failed = process.wait() != 0
        finally:
            process.kill()  # does nothing to one that has ended
    if failed:
        raise BuildFailedError(
            f"The Pulumi CLI had to be built here because {because}, and that failed: {' | '.join(last)}. "
            f"It needs a Go module proxy (go env GOPROXY) and, the first time, 4 GB of free disk."
        )
    return list(last)


def _environment() -> dict[str, str]:
    # No C compiler is needed, and no go.work or GOFLAGS of the user's changes what is built.
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
