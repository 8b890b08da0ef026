"""The shell of a stack: variables that lead to the Pulumi CLI and to the stack's state, cloud and policies."""

from digits.cli import children
from digits.cli.command import COULD_NOT_LOOK, CommandError

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from digits.stack import StackFile

BACKEND = "PULUMI_BACKEND_URL"
_POLICIES = "infra/policy"
_EMULATOR_STATE = "AZUREML_EMULATOR_STATE"


def require_usable(stack: str) -> "StackFile":
    """Return the stack's file; raises an error for what is wrong in it, and for a state that would lie elsewhere."""
    from digits.stack import read, require_shared
    from digits.stack.secrets import require_passphrase

    here = Path.cwd()
    file = read(here, stack)
    if not file.may_be_local:
        require_shared(stack, {**os.environ, BACKEND: find_backend()}, here)
    if not is_emulated(file):
        require_passphrase(stack, find_backend(), os.environ, here)
    return file


def enter(file: "StackFile") -> None:
    """Put the stack's variables into this process."""
    for name, value in describe(file).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def describe(file: "StackFile") -> Mapping[str, str | None]:
    """Return the stack's variables; None is one that must not be set."""
    Path(".state").mkdir(exist_ok=True)
    variables: dict[str, str | None] = {}
    if is_emulated(file):
        variables |= _ask_emulator()
        variables |= {"PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
    path = variables.get("PATH") or os.environ.get("PATH", os.defpath)
    folders = [str(_find_cli()), str(Path(".venv/bin").absolute()), *path.split(os.pathsep)]
    variables["PATH"] = os.pathsep.join(dict.fromkeys(folders))
    variables |= {"PULUMI_SKIP_UPDATE_CHECK": "true", BACKEND: find_backend()}
    return variables | _choose_policies(file.stack)


def render(variables: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the lines that a shell evaluates."""
    for name, value in variables.items():
        yield f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"


def find_backend() -> str:
    """Return where the state lies: where the caller says, else in this folder."""
    # Without the attributes that the CLI would write next to each file in place: killed there, it leaves an
    # unreadable state.
    return os.environ.get(BACKEND, f"file://{Path.cwd()}/.state?metadata=skip")


def is_emulated(file: "StackFile") -> bool:
    """Say whether the stack runs on the emulator of this machine."""
    return bool(file.get("cloud") == "emulator")


def start_emulator(file: "StackFile", output: TextIO = sys.stderr) -> None:
    """Start the emulator if it does not run, and add the stack's subscription; what it says goes to stderr."""
    port = os.environ.get("EMULATOR_PORT")
    subscription = str(file.config["azure-native:subscriptionId"])
    run_emulator("start", "--subscription", subscription, *(("--port", port) if port else ()), output=output)


def run_emulator(*words: str, output: TextIO = sys.stderr) -> int:
    """Run a command of the emulator's own and return its exit code; raises CommandError with its words if it fails."""
    command = [sys.executable, "-m", "emulator", *words]
    output.flush()
    done = children.run(command, stdout=output.fileno(), stderr=subprocess.PIPE)
    if done.returncode == COULD_NOT_LOOK:
        raise CommandError(done.stderr.strip().removeprefix("error: ") or "The emulator said nothing.")
    return done.returncode


def say(sentence: str) -> None:
    """Tell what is done, apart from a command's answer."""
    print(sentence, file=sys.stderr)


def was_started() -> bool:
    """Say whether an emulator was ever started here."""
    return Path(os.environ.get(_EMULATOR_STATE, ".emulator"), "emulator.json").exists()


def _ask_emulator() -> dict[str, str]:

    command = [sys.executable, "-m", "emulator", "env", "--json"]
    done = children.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise CommandError(done.stderr.strip().removeprefix("error: "))
    variables: dict[str, str] = json.loads(done.stdout)
    return variables


def _find_cli() -> Path:
    from tools.pulumi.choice import locate  # it looks at the user's cache

    return locate()


def _choose_policies(stack: str) -> dict[str, str | None]:
    # The engine runs the pack with only its own folder on the path, so its files find each other by plain names.
    folder = str(Path(_POLICIES).absolute())
    if folder not in sys.path:
        sys.path.append(folder)
    from switch import choose

    return dict(choose(Path.cwd(), stack))
