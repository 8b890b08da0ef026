"""The commands that look at the emulator and lead programs to it: status, env, logs, workspace, differences."""

from digits.cli.command import FOUND_BAD, Command, answer_as_json

import json
import shlex
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import click

from emulator.cli.state import Subscription, connect, name_program, name_state, read_record


@click.command(
    cls=Command,
    examples=[
        ("azureml-emulator status", "where it answers, and its web services"),
        ("azureml-emulator status --json", "the same for a program"),
    ],
    epilog="Exit codes: 0 it runs, 1 it does not run, 2 could not look, 130 interrupted.",
)
@name_state
@answer_as_json
def status(state: Path, *, as_json: bool) -> int:
    """Show where it answers, its web services, and requests it does not know."""
    from emulator.host import instance
    from emulator.host import status as health

    record = instance.running(state)
    if record is None:
        print(json.dumps({"running": False}) if as_json else f"The emulator does not run: {name_program()} start")
        return FOUND_BAD
    found = health.collect(state, record)
    print(json.dumps(found, indent=2) if as_json else health.render(found))
    return 0


@click.command(
    cls=Command,
    examples=[
        ('eval "$(azureml-emulator env)"', "lead this shell's programs to it, login included"),
        ("azureml-emulator env --json", "the same for a program"),
    ],
)
@name_state
@answer_as_json
def env(state: Path, *, as_json: bool) -> None:
    """Print the settings that lead a shell's programs to the emulator."""
    from emulator.host import clients

    record = read_record(state)
    if not record.is_running():
        click.echo(f"The emulator does not run yet: {name_program()} start", err=True)
    variables = clients.environment(state, record)
    if as_json:
        print(json.dumps(variables, indent=2))
    else:
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}")


@click.command(
    cls=Command,
    examples=[
        ("azureml-emulator logs", "the end of the emulator's log"),
        ("azureml-emulator logs digits-dev --lines 20", "of a web service's container"),
    ],
)
@click.argument("service", required=False)
@name_state
@click.option("--lines", type=int, default=100, show_default=True, metavar="N", help="How many lines.")
def logs(service: str | None, state: Path, lines: int) -> None:
    """Show the end of the log: the emulator's, or a web service's, which may be WORKSPACE/NAME."""
    from emulator.host import background
    from emulator.host import status as health

    path = background.log_path(state)
    if service:
        path = health.find_log(health.ask(state, read_record(state))["services"], service)
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as file:
        sys.stdout.writelines(deque(file, lines))


@click.command(
    cls=Command,
    examples=[("azureml-emulator workspace tutorial --resource-group docs", "what Workspace.create cannot make here")],
)
@click.argument("name")
@name_state
@click.option("--resource-group", required=True, metavar="GROUP", help="It is made if it is not there.")
@click.option("--subscription", type=Subscription(), metavar="ID", help="The subscription (default: the only one).")
@click.option("--location", default="eastus", show_default=True, help="The Azure region.")
def workspace(name: str, state: Path, resource_group: str, subscription: str | None, location: str) -> None:
    """Create a workspace for the SDK, and what it stands on, unless it is there."""
    from emulator.host import provisioning

    made = provisioning.create_workspace(connect(state), subscription, resource_group, name, location)
    print(f"The workspace {name} {'is there now' if made else 'was there already'}.")


@click.command(
    cls=Command, examples=[("azureml-emulator differences > docs/emulator-differences.md", "make the page again")]
)
def differences() -> None:
    """Print what differs from Azure, in Markdown."""
    from emulator.differences import render  # imports what it describes

    print(render(), end="")


COMMANDS = (status, env, logs, workspace, differences)
