"""What `make clean` would lose: what still runs or is deployed, and what ends it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from digits.stack import StackFileError, read


def find(directory: Path) -> Iterator[str]:
    """Yield a sentence for the emulator if it runs, and for each stack on Azure whose state would be deleted."""
    checkpoints = sorted((directory / ".state/.pulumi/stacks").glob("*/*.json"))
    stacks = [checkpoint.stem for checkpoint in checkpoints if _has_resources(checkpoint)]
    emulated = [stack for stack in stacks if _is_emulated(directory, stack)]
    if _runs(directory / ".emulator"):
        down = ", then ".join(f"`make down STACK={stack}`" for stack in emulated)
        way_out = f"Run {down}: it destroys what is deployed, stops the emulator, and names what blocks that. "
        yield (
            f"The emulator is running. {way_out if emulated else ''}To lose what is deployed, stop it by "
            "`.venv/bin/azureml-emulator stop --state .emulator`, and run `make clean` again."
        )
    for stack in stacks:
        if stack not in emulated:
            yield (
                f"What stack '{stack}' has on Azure is known only to .state, which `make clean` deletes: "
                f"run `make down STACK={stack}` first, or move .state away to keep it."
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
