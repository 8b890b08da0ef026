"""Where the emulator's state lies, and which emulator runs on it."""

from digits.cli.command import locate_program

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from emulator.host import clients, instance
from emulator.host.instance import EmulatorError, Record
from emulator.plugin.arm_client import ArmClient

VARIABLE = "AZUREML_EMULATOR_STATE"


class Subscription(click.ParamType[str]):
    """An Azure subscription's id."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the id as Azure writes it."""
        try:
            return str(uuid.UUID(value))
        except ValueError:
            self.fail(f"{value!r} is no subscription: write an id such as {instance.DEFAULT_SUBSCRIPTION}", param, ctx)


def name_state(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that names the emulator's state folder."""
    return click.option(
        "--state",
        type=Path,
        default=find_default,
        show_default=f"${VARIABLE}, else .emulator",
        callback=lambda _context, _parameter, folder: folder.absolute(),
        metavar="DIR",
        help="Where the emulator keeps everything.",
    )(function)


def find_default() -> Path:
    """Return the state folder of a shell that names no other."""
    return Path(os.environ.get(VARIABLE, ".emulator"))


def name_program() -> str:
    """Return what a shell in this folder types to run `azureml-emulator`."""
    return locate_program("azureml-emulator")


def read_record(state: Path) -> Record:
    """Return the record of the emulator that runs or ran there; raises EmulatorError if none did."""
    record = instance.read_record(state)
    if record is None:
        raise EmulatorError(f"No emulator was started with the state folder {state}: {name_program()} start")
    return record


def connect(state: Path) -> ArmClient:
    """Return a client of the emulator's Resource Manager."""
    return ArmClient(clients.environment(state, read_record(state)))
