"""A stack's outputs, configuration and deployments, by the CLI.

The Automation API cannot serve here. Its export decrypts all secrets. It sets values only in the stack's own file.
Its previews and deployments neither show the engine's progress on the terminal nor ask for a confirmation.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from digits.engine.invocation import hand_over, run


def read_outputs(stack: str) -> dict[str, Mapping[str, Any]]:
    """Return the outputs of the stack's resources by their names in the program; raises EngineError."""
    exported = json.loads(run(["stack", "export", "--stack", stack]).stdout)
    resources = exported.get("deployment", {}).get("resources") or []
    return {one["urn"].rsplit("::", 1)[-1]: one.get("outputs") or {} for one in resources}


def set_value(stack: str, key: str, value: str, file: Path | None = None) -> None:
    """Set a value of the stack's configuration, in its own file or in a copy of it; raises EngineError."""
    run(["config", "set", "--stack", stack, *(("--config-file", str(file)) if file else ()), key, value])


def remove_value(stack: str, key: str) -> None:
    """Remove a value from the stack's file; raises EngineError."""
    run(["config", "rm", "--stack", stack, key])


def show_preview(stack: str, options: Sequence[str]) -> int:
    """Preview the stack on this terminal and return the CLI's exit status."""
    return hand_over(["preview", "--stack", stack, *options])


def deploy(stack: str, options: Sequence[str]) -> int:
    """Deploy the stack on this terminal and return the CLI's exit status."""
    return hand_over(["up", "--stack", stack, *options])
