"""The rooms and the arrows between them: who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAY_IMPORT = {
    "infra": {"cli", "evaluation", "promotion", "runtime", "stack"},
    "preview": {"cli", "evaluation", "infra", "promotion", "runtime"},
    # of infra its look at the web service alone: infra reads the records of releases
    "promotion": {"cli", "infra", "stack"},
    "stack": {"cli"},
    "emulator": {"cli", "runtime"},
    "drift": {"cli", "infra"},  # its door to the SDK alone: the state does not hold what is not ours
    "training": {"cli", "evaluation"},  # the data sets alone: the split into training and test rows stands once
    "evaluation": {"cli"},
    "runtime": set(),
    "cli": set(),  # how a command behaves in a terminal; knows none of them
    "scoring": set(),
    "policy": {"cli", "stack"},
}
ONLY_IN = {
    "pulumi": {"infra", "emulator/plugin"},
    "pulumi_azure_native": {"infra"},
    "pulumi_policy": {"policy"},
    "azureml": {"infra"},
}


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of all modules that a file imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(room: str) -> list[Path]:
    """Return a room's Python files, the executable ones without a suffix included."""
    files = [path for path in (ROOT / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in files if path.suffix == ".py" or path.read_bytes().startswith(b"#!/usr/bin/env python")]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_that_the_architecture_allows(room: str) -> None:
    """Arrows point from the program to the parts, never back."""
    allowed = MAY_IMPORT[room] | {room}
    assert sources(room)
    for path in sources(room):
        for name in imports(path):
            top = name.split(".")[0]
            assert top not in MAY_IMPORT or top in allowed, f"{path} imports {name}"


def test_training_reads_the_data_sets_and_nothing_else_of_evaluation() -> None:
    """The one arrow between the two is the split into training and test rows."""
    taken = {name for path in sources("training") for name in imports(path) if name.startswith("evaluation")}
    assert taken
    assert all(name.startswith(("evaluation.datasets", "evaluation.errors")) for name in taken), taken


def test_drift_asks_the_sdk_and_nothing_else_of_the_program() -> None:
    """It reads what the engine says, not what the program means."""
    taken = {name for path in sources("drift") for name in imports(path) if name.startswith("infra")}
    assert taken == {"infra.azureml"}


def test_promotion_looks_at_the_web_service_and_asks_nothing_else_of_the_program() -> None:
    """The program reads promotion's records, so anything more would be a circle."""
    taken = {name for path in sources("promotion") for name in imports(path) if name.startswith("infra")}
    assert taken == {"infra.live.Live", "infra.live.look"}


@pytest.mark.parametrize("library", ONLY_IN)
def test_pulumi_and_the_sdk_stay_in_their_rooms(library: str) -> None:
    """What runs in the service or evaluates it knows neither Pulumi nor the SDK."""
    for room in MAY_IMPORT:
        for path in sources(room):
            if library in {name.split(".")[0] for name in imports(path)}:
                where = path.relative_to(ROOT).as_posix()
                assert where.startswith(tuple(ONLY_IN[library])), f"{where} imports {library}"


def test_azureml_core_is_met_behind_one_door() -> None:
    """infra/azureml/ alone imports the SDK."""
    doors = {
        path.parent.name for path in sources("infra") if any(name.startswith("azureml.") for name in imports(path))
    }
    assert doors == {"azureml"}
