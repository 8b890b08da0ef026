"""Scripts of SDK users, run unchanged in a shell that uses the emulator."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.integration.wire import CONDA, Emulator, Workspace

SCRIPTS = Path(__file__).parent / "scripts"

Printed = dict[str, list[str]]


def run(workspace: Workspace, script: str, directory: Path) -> Printed:
    """Run the script and return its output: "name<TAB>value<TAB>..." by name."""
    workspace.write_config(directory)
    (directory / "conda.yml").write_text(yaml.safe_dump(CONDA), encoding="utf-8")
    done = workspace.emulator.run(SCRIPTS / script, directory=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    return {name: values for name, *values in lines}


def unknown_routes(workspace: Workspace) -> set[str]:
    """Return the workspace's routes that were answered with 501, without the part before the workspace's name."""
    found = workspace.client.get("/emulator/status").json()["unknownRoutes"]
    mine = (each["route"].partition(f"/workspaces/{workspace.name}/") for each in found)
    return {f"{before.partition(' ')[0]} {after}" for before, name, after in mine if name}


class Scripts:
    """Runs each script once, in a workspace and a folder of its own."""

    def __init__(
        self, emulator: Emulator, folders: pytest.TempPathFactory, prepare: Callable[[Path], None] = lambda _: None
    ) -> None:
        self._emulator = emulator
        self._folders = folders
        self._prepare = prepare
        self._workspaces: dict[str, Workspace] = {}
        self._printed: dict[str, Printed | AssertionError] = {}

    def printed(self, name: str) -> Printed:
        """Return the output of the script of this name."""
        if name not in self._printed:
            directory = self._folders.mktemp(name)
            self._prepare(directory)
            self._workspaces[name] = Workspace(self._emulator, name.replace("_", "-"))
            try:
                self._printed[name] = run(self._workspaces[name], f"{name}.py", directory)
            except AssertionError as error:
                self._printed[name] = error
        printed = self._printed[name]
        if isinstance(printed, AssertionError):
            raise printed
        return printed

    def unknown_routes(self, name: str) -> set[str]:
        """Return the routes that the script of this name requested and the emulator does not have."""
        self.printed(name)
        return unknown_routes(self._workspaces[name])

    def close(self) -> None:
        """Close the connections."""
        for workspace in self._workspaces.values():
            workspace.close()
