"""A scoring package on this machine: the real inference server, its keys, its failures and its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from digits.runtime import server
from tests.integration.serving import ROOT, healthy, package, python, started

INIT = "def init(): pass\n"
TWO_LINES = "Not this model:\nExpected 10 classes, found 3"
A_TRACEBACK = 'The child failed:\n"""\nTraceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n"""'
ECHO = f"import json, os\n{INIT}def run(raw): return json.loads(raw)\n"
WAIT = f"""
import pathlib, subprocess, time
{INIT}
def run(raw):
    folder = pathlib.Path(raw)
    child = subprocess.Popen(["sleep", "600"])
    (folder / "running").write_text(str(child.pid))
    while not (folder / "go").exists():
        time.sleep(0.05)
    child.kill()
    return "done"
"""
OWNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.integration.serving import healthy
with healthy(Path({directory!r}), {script!r}) as running:
    print(running.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.ScoringServer]:
    """A healthy server with two keys."""
    with healthy(tmp_path_factory.mktemp("echo"), ECHO, keys=["first", "second"]) as running:
        yield running


def post(running: server.ScoringServer, body: str = "1", key: str | None = None) -> httpx.Response:
    """Score something."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.post(running.scoring_uri, content=body, headers=headers, timeout=60)


def until(path: Path) -> str:
    """Wait for a file and return what is in it."""
    while not (path.exists() and path.read_text()):
        time.sleep(0.01)
    return path.read_text()


@pytest.mark.parametrize(
    ("key", "status"), [("first", 200), ("second", 200), ("third", 401), ("firs", 401), (None, 401)]
)
def test_either_key_scores_and_no_other(echo: server.ScoringServer, key: str | None, status: int) -> None:
    """The primary and the secondary key are equal; anything else is a 401 in JSON."""
    answer = post(echo, key=key)
    assert answer.status_code == status
    assert answer.json() == 1 or "Authorization: Bearer" in answer.json()["message"]


def test_health_needs_no_key_and_the_rest_does(echo: server.ScoringServer) -> None:
    """GET / is open as on ACI; neither another path nor another method is."""
    base = echo.scoring_uri.removesuffix("/score")
    assert httpx.get(f"{base}/").text == "Healthy"
    assert [httpx.get(f"{base}{path}").status_code for path in ("/swagger.json", "/score", "//")] == [401, 401, 401]
    assert httpx.post(f"{base}/").status_code == 401
    assert httpx.get(f"{base}/swagger.json", headers={"Authorization": "Bearer first"}).status_code == 200


def test_a_large_body_with_a_wrong_key_gets_the_answer_and_not_a_reset(echo: server.ScoringServer) -> None:
    """A caller who is still sending learns that the key is wrong."""
    assert post(echo, body=" " * 30_000_000, key="third").status_code == 401


def test_replaced_keys_count_from_the_next_request_on(tmp_path: Path) -> None:
    """Regenerating a key needs no restart, and the old one is dead at once."""
    with healthy(tmp_path, ECHO, keys=["old", "secondary"]) as running:
        assert post(running, key="old").status_code == 200
        server.write_keys(running.directory, ["new", "secondary"])
        assert [post(running, key=key).status_code for key in ("old", "new", "secondary")] == [401, 200, 200]
        (running.directory / "keys.json").write_text("{")
        assert post(running, key="new").status_code == 401, "keys that cannot be read let nobody in"


def test_only_the_owner_can_read_the_keys(echo: server.ScoringServer) -> None:
    """No file that everybody may read, no line of the log and no process has a key in it."""
    assert (echo.directory / "keys.json").stat().st_mode & 0o777 == 0o600
    assert "first" not in echo.log_file.read_text() + repr(echo)
    process = psutil.Process(echo.pid)
    assert "second" not in " ".join([*process.cmdline(), *process.environ().values()])


def test_without_keys_everybody_scores(tmp_path: Path) -> None:
    """No authentication, as the tutorial deploys."""
    with healthy(tmp_path, ECHO) as running:
        assert post(running).json() == 1


def test_it_listens_only_on_loopback(echo: server.ScoringServer) -> None:
    """Nobody on the network reaches a service that is meant for this machine."""
    family = [psutil.Process(echo.pid), *psutil.Process(echo.pid).children()]
    listening = [
        connection.laddr
        for process in family
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {(address.ip, address.port) for address in listening} == {("127.0.0.1", echo.port)}


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def init(:", "SyntaxError: invalid syntax"),
        ("def init(): raise ValueError('no model')\ndef run(raw): pass", "ValueError: no model"),
        ("def init(): raise ValueError('why') from OSError('how')\ndef run(raw): pass", "ValueError: why"),
        ("import sys\ndef init(): sys.exit('enough')\ndef run(raw): pass", "SystemExit: enough"),
        ("import sys\ndef init(): sys.exit()\ndef run(raw): pass", "SystemExit."),
        ("def init(): raise ValueError\ndef run(raw): pass", "ValueError."),
        ("def init(): {}['model']\ndef run(raw): pass", "KeyError: 'model'."),
        (f"def init(): raise ValueError({TWO_LINES!r})\ndef run(raw): pass", "ValueError: Not this model."),
        (f"def init(): raise ValueError({A_TRACEBACK!r})\ndef run(raw): pass", "ValueError: The child failed."),
        (
            "def init():\n    try: {}['a']\n    except KeyError: 1 / 0\ndef run(raw): pass",
            "ZeroDivisionError: division by",
        ),
        (
            "def init(): raise ExceptionGroup('two', [OSError('a'), OSError('b')])\ndef run(raw): pass",
            "ExceptionGroup: two",
        ),
        ("def run(raw): pass", "does not have a init() function defined"),
        (INIT, "does not have a run() function defined"),
    ],
)
def test_a_server_that_ends_while_it_starts_is_reported_at_once(tmp_path: Path, script: str, cause: str) -> None:
    """The first line is a sentence with the entry script's own error, the rest the log's end; no time-out passes."""
    with started(tmp_path, script) as running, pytest.raises(server.ServerFailedError) as raised:
        running.wait_until_healthy(3600)
    sentence, *log = str(raised.value).splitlines()
    assert sentence.startswith("The scoring service ended while it started, exit code 3: ")
    assert cause in sentence
    assert log == running.log_file.read_text().splitlines()[-20:]


def test_a_missing_entry_script_is_named(tmp_path: Path) -> None:
    """The path that was looked for stands in the sentence."""
    with started(tmp_path, ECHO, entry_script="other.py") as running, pytest.raises(server.ServerFailedError) as raised:
        running.wait_until_healthy(3600)
    assert "other.py" in str(raised.value).splitlines()[0]


def test_a_server_that_is_too_slow_is_reported_with_its_log(tmp_path: Path) -> None:
    """A time-out is no success, and it says what the server was doing."""
    slow = "import time\ndef init():\n    print('loading')\n    time.sleep(600)\ndef run(raw): pass"
    lines: list[str] = []
    with started(tmp_path, slow) as running:
        while not any("loading" in line for line in lines):
            with pytest.raises(server.ServerFailedError, match=r"was not healthy after 0\.2 s"):
                running.wait_until_healthy(0.2, lines.append)


def test_the_log_is_reported_as_it_grows(tmp_path: Path) -> None:
    """Server and entry script write into one file, and each line of the start is reported once."""
    lines: list[str] = []
    with started(tmp_path, "def init(): print('init says hello')\ndef run(raw): pass") as running:
        running.wait_until_healthy(60, lines.append)
        assert sum("init says hello" in line for line in lines) == 1
        assert running.log_file.read_text().splitlines()[: len(lines)] == lines


def test_a_taken_port_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    """The port is named; nothing runs."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(server.ServerFailedError, match=f"cannot have port {port} on 127.0.0.1") as raised:
            server.start(
                tmp_path / "run",
                python=python(),
                source_directory=package(tmp_path, ECHO),
                entry_script="score.py",
                model_directory=None,
                port=port,
            )
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run" / "server.json").exists()


def test_a_missing_interpreter_is_one_sentence(tmp_path: Path) -> None:
    """An environment that was removed is named."""
    interpreter = tmp_path / "gone" / "bin" / "python"
    with (
        pytest.raises(server.ServerFailedError, match=f"cannot be started: .*{interpreter}"),
        started(tmp_path, ECHO, python=interpreter),
    ):
        pass


def test_the_port_is_free_again_after_stop(tmp_path: Path) -> None:
    """A service that is deployed again keeps its URI."""
    with healthy(tmp_path, ECHO) as running:
        running.stop()
        running.stop()
        assert not running.is_running()
        with healthy(tmp_path, ECHO, port=running.port) as again:
            assert again.scoring_uri == running.scoring_uri
            assert post(again).status_code == 200


def test_stop_lets_finish_what_runs(tmp_path: Path) -> None:
    """A request that was being answered when the server was stopped is answered."""
    with healthy(tmp_path, WAIT) as running, ThreadPoolExecutor() as threads:
        answer = threads.submit(post, running, str(tmp_path))
        until(tmp_path / "running")
        stopping = threads.submit(running.stop)
        while "Handling signal: term" not in running.log_file.read_text():
            time.sleep(0.01)
        (tmp_path / "go").touch()
        assert answer.result().json() == "done"
        stopping.result()
        assert not running.is_running()


def test_stop_ends_in_time_what_does_not_finish(tmp_path: Path) -> None:
    """A request that never ends holds nothing up, and what the entry script started goes with it."""
    with healthy(tmp_path, WAIT) as running, ThreadPoolExecutor() as threads:
        answer = threads.submit(post, running, str(tmp_path))
        child = int(until(tmp_path / "running"))
        family = [psutil.Process(child), *psutil.Process(running.pid).children(recursive=True)]
        running.stop(grace_seconds=0.2)
        assert isinstance(answer.exception(), httpx.TransportError)
        assert not any(process.is_running() for process in family)


def owner(directory: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Start a process that starts a server, and wait until the server answers."""
    code = OWNER.format(tests=str(Path(__file__).parent), directory=str(directory), script=ECHO)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, psutil.Process(int(process.stdout.readline()))


@pytest.mark.parametrize("victim", ["owner", "master"])
def test_no_orphan_is_left_when_a_process_is_killed(tmp_path: Path, victim: str) -> None:
    """Whether the owner or gunicorn's master gets `kill -9`: its workers end too."""
    process, master = owner(tmp_path)
    with process:
        family = [master, *master.children()]
        assert len(family) == 2
        os.kill(process.pid if victim == "owner" else master.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(family[:1] if victim == "owner" else family[1:], timeout=60)
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive


def test_what_a_killed_owner_left_is_ended(tmp_path: Path) -> None:
    """A new owner need not wait until the old server has noticed."""
    process, master = owner(tmp_path)
    with process:
        process.kill()
        assert server.end_leftover(tmp_path / "run")
        assert not master.is_running()
        assert not server.end_leftover(tmp_path / "run")


def test_a_process_that_took_over_the_number_is_not_ended(tmp_path: Path) -> None:
    """Process id and start time have to match before anything is killed."""
    with subprocess.Popen(["sleep", "600"]) as bystander:
        record = {"pid": bystander.pid, "createTime": psutil.Process(bystander.pid).create_time() - 3600}
        (tmp_path / "server.json").write_text(json.dumps(record))
        assert not server.end_leftover(tmp_path)
        assert bystander.poll() is None
        bystander.kill()


def test_the_service_sees_its_own_environment_and_not_its_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is secret in the owner's environment stays there; Azure's variables and the service's own are set."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "owner's")
    script = f"import os\n{INIT}def run(raw): return {{**os.environ, 'cwd': os.getcwd(), 'file': __file__}}"
    variables = {"GREETING": "hello", "AML_APP_ROOT": "/elsewhere"}
    with healthy(tmp_path, script, environment_variables=variables, cpu_cores=1.5) as running:
        seen = post(running).json()
    assert "PULUMI_CONFIG_PASSPHRASE" not in seen
    assert seen["GREETING"] == "hello"
    assert seen["AZUREML_MODEL_DIR"] == str(tmp_path)
    assert seen["AZUREML_ENTRY_SCRIPT"] == "package/score.py"
    assert seen["AML_APP_ROOT"] == seen["cwd"] == str(Path(seen["file"]).parents[1])
    assert os.listdir(seen["cwd"]) == ["package"]  # noqa: PTH208 - names
    assert seen["OMP_NUM_THREADS"] == seen["OPENBLAS_NUM_THREADS"] == "2"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds RLIMIT_DATA")
def test_a_worker_takes_no_more_memory_than_it_was_given(tmp_path: Path) -> None:
    """Too much is a 500 for the request that wanted it; numpy and scikit-learn fit in half a gigabyte."""
    script = f"import numpy, sklearn.linear_model\n{INIT}def run(raw): return len(bytearray(int(raw) * 2**20))"
    with healthy(tmp_path, script, memory_gb=0.5) as running:
        assert [post(running, body=body).status_code for body in ("100", "600", "100")] == [200, 500, 200]
