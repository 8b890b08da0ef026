"""The command line: start, stop and look at the emulator, and point other programs at it."""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import json
import os
import sys
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from emulator import __version__
from emulator.host import background, clients, instance, provisioning, status
from emulator.host.instance import EmulatorError, Record
from emulator.plugin.arm_client import ArmClient

_STATE = "AZUREML_EMULATOR_STATE"
_NEAREST = "AZUREML_EMULATOR_NEAREST_PYTHON"  # as runtime.interpreters reads it
_REPAIR = "make room or fix its rights, delete it to start empty, or choose another with --state."
_PASSED, _NOT_RUNNING, _COULD_NOT_RUN = 0, 1, 2

_DESCRIPTION = """\
Azure ML, ACI and the Azure Resource Manager on this machine, for the unmodified Azure ML SDK v1 and Pulumi.

  python -m emulator start            start it in the background
  eval "$(python -m emulator env)"    point this shell's programs at it, login included
  python -m emulator status           the web services, and requests that it does not know
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 the emulator does not run, 2 could not do it."""
    options = _parser().parse_args(arguments)
    options.state = options.state.absolute()
    try:
        code: int = options.command(options)
    except EmulatorError as error:
        if options.debug:
            raise
        print(error, file=sys.stderr)
        return _COULD_NOT_RUN
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m emulator", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=words, description=words)
        subparser.set_defaults(command=command)
        subparser.add_argument(
            "--state",
            type=Path,
            default=_default_state(),
            metavar="DIR",
            help=f"where the emulator keeps everything (default: ${_STATE}, else .emulator)",
        )
        subparser.add_argument("--debug", action="store_true", help="show the traceback of an error")
        return subparser

    start = add("start", _start, "Start the emulator, unless it runs already.")
    start.add_argument(
        "--port",
        type=int,
        help=f"where it answers (default: as last time, else {instance.DEFAULT_PORT}, else any free one; "
        f"0: as last time, else any free one); the identity endpoint takes the next one, else any free one",
    )
    start.add_argument(
        "--subscription",
        type=_subscription,
        action="append",
        default=[],
        metavar="ID",
        help="an Azure subscription to add, also while it runs; may be repeated "
        f"(the first start adds {instance.DEFAULT_SUBSCRIPTION} if it names none)",
    )
    start.add_argument(
        "--nearest-python",
        action=argparse.BooleanOptionalAction,
        help="whether a web service gets the nearest Python if the minor version that its environment asks for is "
        f"not on this machine (default: as last time, first ${_NEAREST}, else no)",
    )
    start.add_argument("--foreground", action="store_true", help="stay, log to the terminal, end with Ctrl-C")
    start.add_argument("--ready-descriptor", type=int, help=argparse.SUPPRESS)
    stop = add("stop", _stop, "Stop the emulator and its web services; the next start brings them back.")
    stop.add_argument("--if-empty", action="store_true", help="only if no resource group is left in it")
    shown = add("status", _status, "Show where it answers, its web services, and requests it does not know.")
    shown.add_argument("--json", action="store_true", help="one JSON object")
    add("env", _env, 'Print the settings for a shell: eval "$(python -m emulator env)".')
    logs = add("logs", _logs, "Show the end of the log: the emulator's, or a web service's container's.")
    logs.add_argument("service", nargs="?", help="a web service's name, or WORKSPACE/NAME")
    logs.add_argument("--lines", type=int, default=100, metavar="N", help="how many lines (default: 100)")
    workspace = add(
        "workspace", _workspace, "Create a workspace for the SDK, and what it stands on, unless it is there."
    )
    workspace.add_argument("name", metavar="NAME")
    workspace.add_argument("--resource-group", required=True, metavar="GROUP", help="made if it is not there")
    workspace.add_argument("--subscription", type=_subscription, metavar="ID", help="(default: the only one)")
    workspace.add_argument("--location", default="eastus", help="(default: eastus)")
    add("differences", _differences, "Print what differs from Azure, in Markdown.")
    return parser


def _default_state() -> str:
    return os.environ.get(_STATE, ".emulator")


def _subscription(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no subscription: write an id such as {instance.DEFAULT_SUBSCRIPTION}"
        ) from None


def _start(options: argparse.Namespace) -> int:
    record = instance.running(options.state)
    if record is not None and options.ready_descriptor is None:
        _check_choices(options, record)
        print(f"The emulator already runs on {_where(record, options.state)}.")
        _add_subscriptions(options, record)
        return _PASSED
    if options.foreground:
        return _start_here(options)
    chosen = [] if options.port is None else ["--port", str(options.port)]
    chosen += [word for subscription in options.subscription for word in ("--subscription", subscription)]
    if options.nearest_python is not None:
        chosen.append("--nearest-python" if options.nearest_python else "--no-nearest-python")
    before = instance.read_record(options.state)
    record = background.start(options.state, chosen)
    _tell_move(record, before, options.port)
    print(f"The emulator runs on {_where(record, options.state)}.")
    _add_subscriptions(options, record)  # another start may have been first, with others
    elsewhere = "" if options.state == Path(_default_state()).absolute() else f" --state {options.state}"
    print(f'Point this shell at it: eval "$(python -m emulator env{elsewhere})"')
    return _PASSED


def _tell_move(record: Record, before: Record | None, port: int | None) -> None:
    """Say why the emulator does not answer on its usual port."""
    usual = before.port if before else instance.DEFAULT_PORT if port is None else record.port
    if port in {None, 0} and record.port != usual and (holder := instance.name_holder(usual)):
        again = "; shells that were pointed at it have to be pointed again" if before else ""
        print(f"Port {usual} is taken by {holder}: this emulator took {record.port}{again}.")


def _add_subscriptions(options: argparse.Namespace, record: Record) -> None:
    """Add the subscriptions that are asked for and are not in the emulator yet."""
    known = status.ask(options.state, record)["subscriptions"] if options.subscription else []
    for subscription in dict.fromkeys(options.subscription):
        if subscription not in known:
            provisioning.add_subscription(_arm(options.state), subscription)
            print(f"Subscription {subscription} was added to it.")


def _check_choices(options: argparse.Namespace, record: Record) -> None:
    """Refuse an option that the running emulator does not follow."""
    runs = f"The emulator already runs, on port {record.port}"
    if options.port not in {None, 0, record.port}:
        raise EmulatorError(f"{runs}: stop it before it can move to port {options.port}.")
    if options.nearest_python not in {None, record.nearestPython}:
        does = "takes" if record.nearestPython else "does not take"
        raise EmulatorError(f"{runs}, and {does} the nearest Python: stop it before that can change.")


def _start_here(options: argparse.Namespace) -> int:
    # Imported late: only the server itself needs the web framework and all that.
    import logging  # noqa: PLC0415
    import sqlite3  # noqa: PLC0415

    from emulator.host import foreground  # noqa: PLC0415
    from emulator.store import StaleStateError  # noqa: PLC0415

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("emulator").setLevel(logging.INFO)
    logging.raiseExceptions = False  # a full disk takes log lines away, not the emulator

    try:
        _choose_python(options)
        foreground.run(
            options.state,
            options.port,
            options.subscription,
            lambda: background.report(options.ready_descriptor, background.READY),
        )
    except instance.AlreadyRunningError:
        background.report(options.ready_descriptor, background.RUNNING)
        raise
    except (EmulatorError, StaleStateError, OSError, sqlite3.Error) as error:
        unusable = isinstance(error, (OSError, sqlite3.Error))
        text = f"The state folder {options.state} cannot be used ({error}): {_REPAIR}" if unusable else str(error)
        background.report(options.ready_descriptor, text)
        raise EmulatorError(text) from error
    return _PASSED


def _choose_python(options: argparse.Namespace) -> None:
    """Set the variable that the builder of environments reads: from the option, else from the last start."""
    before = instance.read_record(options.state)
    if options.nearest_python is not None:
        os.environ[_NEAREST] = str(int(options.nearest_python))
    elif before is not None:
        os.environ.setdefault(_NEAREST, str(int(before.nearestPython)))


def _stop(options: argparse.Namespace) -> int:
    record = instance.running(options.state)
    if record is None:
        print("The emulator does not run.")
    elif options.if_empty and (groups := status.ask(options.state, record)["resourceGroups"]):
        left = ", ".join(f"{group['resourceGroup']} in subscription {group['subscription']}" for group in groups)
        print(f"The emulator goes on, because it still holds {left}; `python -m emulator stop` stops it all the same.")
    else:
        background.stop(record)
        print("The emulator stopped.")
    return _PASSED


def _status(options: argparse.Namespace) -> int:
    record = instance.running(options.state)
    if record is None:
        print(json.dumps({"running": False}) if options.json else "The emulator does not run: python -m emulator start")
        return _NOT_RUNNING
    found = status.collect(options.state, record)
    print(json.dumps(found, indent=2) if options.json else status.render(found))
    return _PASSED


def _env(options: argparse.Namespace) -> int:
    record = _record(options.state)
    if not record.is_running():
        print("The emulator does not run yet: python -m emulator start", file=sys.stderr)
    for name, value in clients.environment(options.state, record).items():
        quoted = value.replace("'", "'\"'\"'")
        print(f"export {name}='{quoted}'")
    return _PASSED


def _logs(options: argparse.Namespace) -> int:
    path = background.log_path(options.state)
    if options.service:
        path = status.find_log(status.ask(options.state, _record(options.state))["services"], options.service)
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as file:
        sys.stdout.writelines(deque(file, options.lines))
    return _PASSED


def _workspace(options: argparse.Namespace) -> int:
    place = (options.subscription, options.resource_group, options.name, options.location)
    made = provisioning.create_workspace(_arm(options.state), *place)
    print(f"The workspace {options.name} {'is there now' if made else 'was there already'}.")
    return _PASSED


def _arm(state: Path) -> ArmClient:
    return ArmClient(clients.environment(state, _record(state)))


def _differences(options: argparse.Namespace) -> int:  # noqa: ARG001 - as every command
    from emulator import differences  # noqa: PLC0415 - imports what it describes

    print(differences.render(), end="")
    return _PASSED


def _record(state: Path) -> Record:
    record = instance.read_record(state)
    if record is None:
        raise EmulatorError(f"No emulator was started with the state folder {state}: python -m emulator start")
    return record


def _where(record: Record, state: Path) -> str:
    return f"{clients.base_url(record.port)} (process {record.pid}, state in {state})"


if __name__ == "__main__":
    sys.exit(main())
