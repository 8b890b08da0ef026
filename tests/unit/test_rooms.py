"""The rooms and the arrows between them: who may import whom."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAY_IMPORT = {
    "infra": {"digits.cli", "digits.datasets", "digits.evaluation", "digits.runtime", "digits.stack"},
    "infra.policy": {"digits.cli", "digits.stack"},
    "digits.preview": {
        "digits.cli",
        "digits.datasets",
        "digits.engine",
        "digits.evaluation",
        "infra",
        "digits.promotion",
        "digits.runtime",
    },
    "digits.promotion": {"digits.engine", "digits.stack"},
    "digits.drift": {"digits.engine"},
    "digits.engine": {"digits.cli"},
    "digits.training": {"digits.cli", "digits.datasets"},
    "digits.evaluation": {"digits.cli", "digits.datasets"},
    "digits.datasets": {"digits.cli"},  # the progress bar
    "digits.runtime": set(),
    "digits.stack": {"digits.cli"},
    "digits.cli": set(),  # how a command behaves in a terminal; knows none of them
    # the commands themselves, which call everything; the emulator is met by its own command line
    "digits.cli.commands": {
        "digits.cli",
        "digits.datasets",
        "digits.drift",
        "digits.engine",
        "digits.evaluation",
        "digits.github",
        "digits.preview",
        "digits.promotion",
        "digits.runtime",
        "digits.stack",
        "digits.training",
        "infra",
        "tools",  # finds the Pulumi CLI
    },
    "digits.github": {"digits.cli"},
    "emulator": {
        "digits.cli",
        "digits.runtime",
        "emulator.aci",
        "emulator.arm",
        "emulator.cli",
        "emulator.host",
        "emulator.plugin",
    },
    "emulator.cli": {"digits.cli", "emulator", "emulator.host", "emulator.plugin"},
    "emulator.host": {"digits.runtime", "emulator", "emulator.arm", "emulator.http", "emulator.plugin"},
    # http puts the application together of all, and all take its errors
    "emulator.http": {"emulator", "emulator.aci", "emulator.arm", "emulator.azureml", "emulator.host"},
    "emulator.arm": {"emulator", "emulator.http"},
    "emulator.azureml": {"digits.runtime", "emulator", "emulator.aci", "emulator.http"},
    "emulator.aci": {"digits.runtime", "emulator", "emulator.azureml", "emulator.http"},
    "emulator.plugin": set(),  # stands in for a binary of its own
    "scoring": set(),
    "tools": {"digits.cli"},
    "benchmarks": {
        "digits.cli",
        "digits.datasets",
        "digits.evaluation",
        "digits.runtime",
        "digits.training",
        "infra",
        "tools",
    },
}
ONLY_IN = {
    "pulumi": {"infra", "digits/engine", "emulator/plugin"},
    "pulumi_azure_native": {"infra"},
    "pulumi_policy": {"infra/policy"},
    "azureml": {"infra"},
}


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of all modules that a file imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(dotted: str) -> str | None:
    """Return the innermost room that a dotted name lies in."""
    found = [name for name in MAY_IMPORT if f"{dotted}.".startswith(f"{name}.")]
    return max(found, key=len, default=None)


def sources(wanted: str) -> list[Path]:
    """Return a room's Python files, the executable ones without a suffix included."""
    folder = ROOT / wanted.replace(".", "/")
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    ours = [path for path in files if room(".".join(path.relative_to(ROOT).parts)) == wanted]
    return [path for path in ours if path.suffix == ".py" or path.read_bytes().startswith(b"#!/usr/bin/env python")]


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_that_the_architecture_allows(name: str) -> None:
    """Arrows point from the program to the parts, never back."""
    assert sources(name)
    for path in sources(name):
        for imported in imports(path):
            assert room(imported) in {None, name, *MAY_IMPORT[name]}, f"{path} imports {imported}"


def test_every_folder_of_the_repository_is_a_room() -> None:
    """A new folder says which others it may import; tests import all."""
    tops = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"scoring"}
    assert tops - {"tests"} == {name for name in MAY_IMPORT if "." not in name} | {"digits"}
    emulated = {f"emulator.{path.parent.name}" for path in (ROOT / "emulator").glob("*/__init__.py")}
    assert emulated == {name for name in MAY_IMPORT if name.startswith("emulator.")}
    folders = {f"digits.{path.parent.name}" for path in (ROOT / "digits").glob("*/__init__.py")}
    assert folders == {name for name in MAY_IMPORT if name.startswith("digits.") and name.count(".") == 1}


def test_the_modules_next_to_the_rooms_are_below_all_rooms() -> None:
    """Every room may import the release, git and the files; they import no room, and neither Pulumi nor the SDK."""
    for path in set((ROOT / "digits").glob("*.py")) - {ROOT / "digits/__main__.py"}:
        for imported in imports(path):
            assert room(imported) is None, f"{path} imports {imported}"
            assert imported.split(".")[0] not in ONLY_IN, f"{path} imports {imported}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_pulumi_and_the_sdk_stay_in_their_rooms(library: str) -> None:
    """What runs in the service or evaluates it knows neither Pulumi nor the SDK."""
    for name in MAY_IMPORT:
        for path in sources(name):
            if library in {imported.split(".")[0] for imported in imports(path)}:
                where = path.relative_to(ROOT).as_posix()
                assert where.startswith(tuple(ONLY_IN[library])), f"{where} imports {library}"


def test_azureml_core_is_met_behind_one_door() -> None:
    """Only infra/azureml/ imports the SDK."""
    doors = {
        path.parent.name for path in sources("infra") if any(name.startswith("azureml.") for name in imports(path))
    }
    assert doors == {"azureml"}


def test_the_engine_is_met_behind_one_door() -> None:
    """Only digits/engine runs the Pulumi CLI or uses its Automation API."""
    runs = re.compile(r"""["']pulumi["'],|pulumi\.automation""")
    doors = {path.parent.name for path in (ROOT / "digits").rglob("*.py") if runs.search(path.read_text("utf-8"))}
    assert doors == {"engine"}
