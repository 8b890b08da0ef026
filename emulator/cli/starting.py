"""The commands that start and stop the emulator: start, stop."""

from digits.cli.command import Command

import os
from dataclasses import dataclass
from pathlib import Path

import click

from emulator.cli.state import Subscription, connect, find_default, name_program, name_state
from emulator.host import background, clients, instance, provisioning, status
from emulator.host.instance import EmulatorError, Record

_NEAREST = "AZUREML_EMULATOR_NEAREST_PYTHON"  # as runtime.interpreters reads it
_REPAIR = "make room or fix its rights, delete it to start empty, or choose another with --state."


@dataclass(frozen=True)
class _Choices:
    """What a start was asked for; None is what it was the last time."""

    state: Path
    port: int | None
    subscriptions: tuple[str, ...]
    nearest_python: bool | None
    ready_descriptor: int | None


@click.command(
    cls=Command,
    examples=[
        ("azureml-emulator start", "on its last port, else 8790, else any free one"),
        ("azureml-emulator start --port 0 --state /tmp/one", "another emulator, on a free port"),
    ],
)
@name_state
@click.option(
    "--port",
    type=int,
    metavar="PORT",
    help=f"Where it answers (default: as last time, else {instance.DEFAULT_PORT}, else any free one; 0: as last time, "
    "else any free one). The identity endpoint takes the next port, else any free one.",
)
@click.option(
    "--subscription",
    "subscriptions",
    type=Subscription(),
    multiple=True,
    metavar="ID",
    help="An Azure subscription to add, also while it runs; may be repeated "
    f"(the first start adds {instance.DEFAULT_SUBSCRIPTION} if it names none).",
)
@click.option(
    "--nearest-python/--no-nearest-python",
    default=None,
    help="Whether a web service gets the nearest Python if the minor version that its environment asks for is not on "
    f"this machine (default: as last time, first ${_NEAREST}, else no).",
)
@click.option("--foreground", is_flag=True, help="Stay, log to the terminal, end with Ctrl-C.")
@click.option("--ready-descriptor", type=int, hidden=True)
def start(  # noqa: PLR0913 - one for each option
    state: Path,
    port: int | None,
    subscriptions: tuple[str, ...],
    *,
    nearest_python: bool | None,
    foreground: bool,
    ready_descriptor: int | None,
) -> None:
    """Start the emulator, unless it runs already."""
    choices = _Choices(state, port, subscriptions, nearest_python, ready_descriptor)
    record = instance.running(state)
    if record is not None and ready_descriptor is None:
        _check_choices(choices, record)
        print(f"The emulator already runs on {_where(record, state)}.")
        _add_subscriptions(choices, record)
    elif foreground:
        _start_here(choices)
    else:
        _start_there(choices)


@click.command(
    cls=Command,
    examples=[
        ("azureml-emulator stop", "the next start brings its web services back"),
        ("azureml-emulator stop --if-empty", "only if nothing is deployed in it"),
    ],
)
@name_state
@click.option("--if-empty", is_flag=True, help="Stop only if no resource group is left in it.")
def stop(state: Path, *, if_empty: bool) -> None:
    """Stop the emulator and its web services; the next start brings them back."""
    record = instance.running(state)
    if record is None:
        print("The emulator does not run.")
    elif if_empty and (groups := status.ask(state, record)["resourceGroups"]):
        left = ", ".join(f"{group['resourceGroup']} in subscription {group['subscription']}" for group in groups)
        print(f"The emulator goes on, because it still holds {left}; `{name_program()} stop` stops it all the same.")
    else:
        background.stop(record)
        print("The emulator stopped.")


def _start_there(choices: _Choices) -> None:
    """Start the emulator in the background, and say where it answers."""
    words = [] if choices.port is None else ["--port", str(choices.port)]
    words += [word for subscription in choices.subscriptions for word in ("--subscription", subscription)]
    if choices.nearest_python is not None:
        words.append("--nearest-python" if choices.nearest_python else "--no-nearest-python")
    before = instance.read_record(choices.state)
    record = background.start(choices.state, words)
    _tell_move(record, before, choices.port)
    print(f"The emulator runs on {_where(record, choices.state)}.")
    _add_subscriptions(choices, record)  # another start may have been first, with others
    elsewhere = "" if choices.state == find_default().absolute() else f" --state {choices.state}"
    print(f'Point this shell at it: eval "$({name_program()} env{elsewhere})"')


def _tell_move(record: Record, before: Record | None, port: int | None) -> None:
    """Say why the emulator does not answer on its usual port."""
    usual = before.port if before else instance.DEFAULT_PORT if port is None else record.port
    if port in {None, 0} and record.port != usual and (holder := instance.name_holder(usual)):
        again = "; shells that were pointed at it have to be pointed again" if before else ""
        print(f"Port {usual} is taken by {holder}: this emulator took {record.port}{again}.")


def _add_subscriptions(choices: _Choices, record: Record) -> None:
    """Add the subscriptions that are asked for and are not in the emulator yet."""
    known = status.ask(choices.state, record)["subscriptions"] if choices.subscriptions else []
    for subscription in dict.fromkeys(choices.subscriptions):
        if subscription not in known:
            provisioning.add_subscription(connect(choices.state), subscription)
            print(f"Subscription {subscription} was added to it.")


def _check_choices(choices: _Choices, record: Record) -> None:
    """Refuse an option that the running emulator does not follow."""
    runs = f"The emulator already runs, on port {record.port}"
    if choices.port not in {None, 0, record.port}:
        raise EmulatorError(f"{runs}: stop it before it can move to port {choices.port}.")
    if choices.nearest_python not in {None, record.nearestPython}:
        does = "takes" if record.nearestPython else "does not take"
        raise EmulatorError(f"{runs}, and {does} the nearest Python: stop it before that can change.")


def _start_here(choices: _Choices) -> None:
    # Imported late: only the server itself needs the web framework and all that.
    import logging
    import sqlite3

    from emulator.host import foreground
    from emulator.store import StaleStateError

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("emulator").setLevel(logging.INFO)
    logging.raiseExceptions = False  # a full disk takes log lines away, not the emulator

    try:
        _choose_python(choices)
        foreground.run(
            choices.state,
            choices.port,
            choices.subscriptions,
            lambda: background.report(choices.ready_descriptor, background.READY),
        )
    except instance.AlreadyRunningError:
        background.report(choices.ready_descriptor, background.RUNNING)
        raise
    except (EmulatorError, StaleStateError, OSError, sqlite3.Error) as error:
        unusable = isinstance(error, (OSError, sqlite3.Error))
        text = f"The state folder {choices.state} cannot be used ({error}): {_REPAIR}" if unusable else str(error)
        background.report(choices.ready_descriptor, text)
        raise EmulatorError(text) from error


def _choose_python(choices: _Choices) -> None:
    """Set the variable that the builder of environments reads: from the option, else from the last start."""
    before = instance.read_record(choices.state)
    if choices.nearest_python is not None:
        os.environ[_NEAREST] = str(int(choices.nearest_python))
    elif before is not None:
        os.environ.setdefault(_NEAREST, str(int(before.nearestPython)))


def _where(record: Record, state: Path) -> str:
    return f"{clients.base_url(record.port)} (process {record.pid}, state in {state})"


COMMANDS = (start, stop)
