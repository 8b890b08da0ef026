"""`make clean` loses nothing that is still deployed."""

from digits.cli.commands.leftovers import find

import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def write_state(directory: Path, stack: str, resources: list[object]) -> None:
    """Write a checkpoint as the CLI does."""
    file = directory / f".state/.pulumi/stacks/digits/{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": resources}}}))


@pytest.mark.parametrize(
    ("stack", "resources", "kept"),
    [("dev", [{}], False), ("staging", [], False), ("staging", [{}], True), ("gone", [{}], True)],
)
def test_the_only_state_of_what_is_on_azure_is_kept(
    tmp_path: Path,
    stack: str,
    resources: list[object],
    kept: bool,  # noqa: FBT001
) -> None:
    """The emulator's stacks go with the emulator; one whose file is missing may be on Azure."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.staging.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    write_state(tmp_path, stack, resources)
    said = list(find(tmp_path))
    assert bool(said) is kept
    assert all(f"run `make down STACK={stack}` first, or move .state away" in line for line in said)
