"""The CLI and the Python language host built from Go modules, for machines that reach package registries only."""

from digits.cli import activity

import shutil
from pathlib import Path

from tools.go import GoError, Module
from tools.pulumi.cli import LANGUAGE_HOST, SCRIPTS, VERSION, BuildFailedError
from tools.pulumi.sources import MODULE

_SDK = "github.com/pulumi/pulumi/sdk/v3"
_FLAGS = ("-tags=osusergo,grpcnotrace", f"-ldflags=-s -w -X {_SDK}/go/common/version.Version=v{VERSION}")
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
    module = Module(MODULE, go)
    try:
        module.require_version()
    except GoError as error:
        raise BuildFailedError(
            f"{go} cannot build the Pulumi CLI ({error}): install a newer Go from https://go.dev/dl."
        ) from error
    try:
        with activity.show("Building the Pulumi CLI from Go modules, usually about 4 minutes") as advance:
            module.build(directory, *_PACKAGES, flags=_FLAGS, advance=advance)
        sdk = module.find_source(_SDK)
    except GoError as error:
        raise BuildFailedError(
            f"The Pulumi CLI had to be built here because {because}, and that failed: {error}. "
            f"It needs a Go module proxy (go env GOPROXY) and, the first time, 4 GB of free disk."
        ) from error
    for folder, name in zip(_SCRIPT_FOLDERS, SCRIPTS, strict=True):
        shutil.copyfile(sdk / folder / name, directory / name)
        (directory / name).chmod(0o755)  # the module cache strips the run bit
