"""`azureml-emulator`: start, stop, status, env, logs, and what each says when it cannot."""

import json
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from emulator.host.instance import DEFAULT_PORT
from tests.integration.wire import ROOT, SUBSCRIPTION, Emulator, Workspace, entry_script


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Have a program listen on a port, where none does yet."""
    with socket.socket() as other:
        with suppress(OSError):
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
        yield


def test_help_names_every_command_and_option(own_emulator: Emulator) -> None:
    """The first thing that a newcomer types."""
    command = [sys.executable, "-m", "emulator", "--help"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(command in text for command in ("start", "stop", "status", "env", "logs", "differences"))
    assert "--port" in own_emulator.command("start", "--help").stdout


def test_starting_twice_is_fine(own_emulator: Emulator) -> None:
    """The second start says where the first one runs; so do two at the same time."""
    with ThreadPoolExecutor() as starting:
        first, second = starting.map(lambda _: own_emulator.command("start", "--port", "0"), range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    pid = own_emulator.record["pid"]
    third = own_emulator.command("start")
    assert f"already runs on https://127.0.0.1:{own_emulator.record['port']}" in third.stdout
    assert own_emulator.record["pid"] == pid
    moved = own_emulator.command("start", "--port", "1")
    assert (moved.returncode, "stop it before it can move" in moved.stderr) == (2, True)


def test_stopping_twice_is_fine(own_emulator: Emulator) -> None:
    """Without a state folder there is nothing to stop either."""
    assert "does not run" in own_emulator.command("stop").stdout
    own_emulator.start()
    assert "stopped" in own_emulator.command("stop").stdout
    assert "does not run" in own_emulator.command("stop").stdout


def test_a_port_of_another_program_is_one_sentence_with_the_fix(own_emulator: Emulator) -> None:
    """No traceback, nothing started, and the way out."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        started = own_emulator.command("start", "--port", str(port))
    assert started.returncode == 2
    assert started.stderr.startswith(f"error: Port {port} is taken by another program")
    assert "without --port" in started.stderr
    assert started.stderr.count("\n") == 1


def test_a_port_of_another_emulator_is_said_differently(emulator: Emulator, own_emulator: Emulator) -> None:
    """It names that emulator's state folder."""
    started = own_emulator.command("start", "--port", str(emulator.record["port"]))
    assert started.returncode == 2
    assert f"another emulator, with the state folder {emulator.state}" in started.stderr


def test_ports_are_the_same_after_a_restart(own_emulator: Emulator) -> None:
    """Shells that were pointed at the emulator still are."""
    before = own_emulator.start().variables()
    own_emulator.stop()
    own_emulator.command("start")
    assert own_emulator.variables() == before


def test_without_a_port_a_taken_one_is_said_and_another_taken(own_emulator: Emulator) -> None:
    """The default port is another clone's, or a foreign program's: both start, and nobody had to know a flag."""
    with taken(DEFAULT_PORT):
        started = own_emulator.command("start")
    port = own_emulator.record["port"]
    assert started.returncode == 0, started.stderr
    assert port != DEFAULT_PORT
    assert re.match(rf"Port {DEFAULT_PORT} is taken by another .*: this emulator took {port}\.\n", started.stdout)
    own_emulator.stop()
    assert "is taken" not in own_emulator.command("start").stdout
    assert own_emulator.record["port"] == port


@pytest.mark.parametrize("options", [(), ("--port", "0")])
def test_a_remembered_port_that_was_taken_meanwhile_is_said(own_emulator: Emulator, options: tuple[str, ...]) -> None:
    """What was pointed at the emulator has to be pointed again; what it holds is all there."""
    before = own_emulator.start().record
    own_emulator.stop()
    with taken(before["port"]):
        moved = own_emulator.command("start", *options)
    assert moved.returncode == 0, moved.stderr
    assert f"Port {before['port']} is taken by another program: this emulator took " in moved.stdout
    assert "have to be pointed again" in moved.stdout
    with own_emulator.client() as client:
        assert client.get("/emulator/health").json()["state"] == str(own_emulator.state)


def test_an_emulator_that_moved_is_found_by_the_sdk_of_the_same_user(own_emulator: Emulator, tmp_path: Path) -> None:
    """The SDK keeps what discovery said in the home folder and never asks again; a port of before is no answer."""
    script = tmp_path / "script.py"
    script.write_text(
        "from azureml.core import Model, Workspace\n"
        f"ws = Workspace.get('digits-ws', subscription_id='{SUBSCRIPTION}', resource_group='digits')\n"
        "print(Model.list(ws))\n"
    )
    Workspace(own_emulator.start()).close()
    before = own_emulator.run(script, directory=tmp_path)
    port = own_emulator.record["port"]
    own_emulator.stop()
    with taken(port):
        own_emulator.command("start")
        after = own_emulator.run(script, directory=tmp_path)
    assert own_emulator.record["port"] != port
    assert (tmp_path / ".azureml" / ".discovery").read_text().count(f":{port}/discovery") == 1
    assert (before.stdout, after.stdout) == ("[]\n", "[]\n"), before.stderr + after.stderr


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: sqlite3.connect(state / "emulator.sqlite").execute("PRAGMA user_version = 99").connection.close(),
        lambda state: (state / "emulator.sqlite").write_bytes(b"not a database" * 1000),
        lambda state: (state / "emulator.json").write_text("{}"),
    ],
)
def test_a_stale_or_damaged_state_is_one_sentence_that_names_the_folder(own_emulator: Emulator, damage: object) -> None:
    """Another version's format, another program's file: said, and not touched."""
    own_emulator.start().stop()
    assert callable(damage)
    damage(own_emulator.state)
    started = own_emulator.command("start")
    assert started.returncode == 2
    assert str(own_emulator.state) in started.stderr
    assert "Traceback" not in started.stderr
    assert "delete" in started.stderr


def test_a_state_folder_that_cannot_be_made_is_one_sentence(own_emulator: Emulator) -> None:
    """A file stands in its place."""
    own_emulator.state.write_text("a file")
    started = own_emulator.command("start")
    assert (started.returncode, "choose another with --state" in started.stderr) == (2, True)
    own_emulator.state.unlink()


def test_env_before_the_first_start_says_what_to_do(own_emulator: Emulator) -> None:
    """Nothing is printed that a shell would take."""
    done = own_emulator.command("env")
    assert (done.returncode, done.stdout) == (2, "")
    assert "azureml-emulator start" in done.stderr


def test_env_points_a_shell_at_the_emulator(emulator: Emulator) -> None:
    """Cloud, certificate, login and the plugin before all else on PATH; doing it twice changes nothing."""
    variables = emulator.variables()
    assert variables["AZUREML_EMULATOR"] == f"https://127.0.0.1:{emulator.record['port']}"
    assert variables["MSI_ENDPOINT"].startswith(f"http://127.0.0.1:{emulator.record['identityPort']}/")
    assert variables["ARM_CLOUD_METADATA_URL"] == f"file://{emulator.state}/cloud.json"
    assert variables["PATH"].split(":")[0] == str(ROOT / "emulator" / "plugin")
    again = Emulator(emulator.state, {"PATH": variables["PATH"]}).command("env").stdout
    assert f"export PATH={shlex.quote(variables['PATH'])}\n" in again


def test_the_bundle_trusts_the_public_authorities_too(emulator: Emulator) -> None:
    """A shell that was pointed at the emulator can still reach the rest: pip and others go on working."""
    bundle = (emulator.state / "certificates" / "bundle.pem").read_bytes()
    assert bundle.startswith((emulator.state / "certificates" / "ca.pem").read_bytes())
    assert bundle.count(b"BEGIN CERTIFICATE") > 50


def test_only_the_owner_reads_the_state(own_emulator: Emulator) -> None:
    """The services' keys lie there."""
    own_emulator.start()
    assert own_emulator.state.stat().st_mode & 0o077 == 0


def test_status_shows_services_as_text_and_as_json(workspace: Workspace) -> None:
    """Name, state, scoring URI; the same in one JSON object."""
    workspace.run(workspace.deploy("shown", entry_script("echo")))
    uri = workspace.service("shown")["scoringUri"]
    assert f"digits-ws/shown  container Healthy  {uri}" in workspace.emulator.command("status").stdout
    found = json.loads(workspace.emulator.command("status", "--json").stdout)
    assert {"running": True, "pid": workspace.emulator.record["pid"]}.items() <= found.items()
    assert [each["scoringUri"] for each in found["services"] if each["name"] == "shown"] == [uri]
    logs = workspace.emulator.command("logs", "shown", "--lines", "5").stdout
    assert logs.count("\n") == 5
    workspace.client.delete(workspace.models("/services/shown"))
    gone = workspace.emulator.command("logs", "shown")
    assert (gone.returncode, "no web service 'shown'" in gone.stderr) == (2, True)


def test_status_of_an_emulator_that_does_not_run_is_1(own_emulator: Emulator) -> None:
    """A script can ask."""
    assert own_emulator.command("status").returncode == 1
    assert json.loads(own_emulator.command("status", "--json").stdout) == {"running": False}


def test_logs_end_with_the_last_request(emulator: Emulator) -> None:
    """The emulator's own log, its end first of interest."""
    emulator.command("status")
    assert "GET /emulator/status 200" in emulator.command("logs", "--lines", "3").stdout


def test_the_nearest_python_is_allowed_once_and_remembered(own_emulator: Emulator) -> None:
    """A start without the option does as the last one did; an emulator that runs does not change its mind."""
    own_emulator.start("--nearest-python")
    assert own_emulator.record["nearestPython"] is True
    refused = own_emulator.command("start", "--no-nearest-python")
    assert refused.returncode == 2
    assert "takes the nearest Python: stop it before that can change." in refused.stderr
    own_emulator.stop()
    own_emulator.start()
    assert own_emulator.record["nearestPython"] is True
    own_emulator.stop()
    own_emulator.start("--no-nearest-python")
    assert own_emulator.record["nearestPython"] is False


def test_an_emulator_whose_state_is_deleted_ends_with_its_services(own_emulator: Emulator) -> None:
    """Without the folder, no command would find it: neither its port nor its process is left."""
    workspace = Workspace(own_emulator.start())
    workspace.run(workspace.deploy("orphan", entry_script("echo")))
    workspace.close()
    emulator = psutil.Process(own_emulator.record["pid"])
    family = [emulator, *emulator.children(recursive=True)]
    assert len(family) > 1
    shutil.rmtree(own_emulator.state)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
