"""Which Python a conda definition gets: the one it asks for, another patch of it, or by a setting the nearest."""

import subprocess
import sys
from pathlib import Path

import pytest

from digits.runtime.conda import EnvironmentFailedError
from digits.runtime.interpreters import NEAREST_PYTHON, choose, find

OWN = ".".join(map(str, sys.version_info[:3]))
MINOR = OWN.rpartition(".")[0]
_LOOK_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from digits.runtime.interpreters import find

sys.setswitchinterval(1e-6)
together = Barrier(8)

def look(_):
    together.wait()
    return find()

with ThreadPoolExecutor(8) as threads:
    assert all(threads.map(look, range(8)))
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with our own Python, three of pyenv's, of which one is broken, and nothing on PATH."""
    for version in ("3.8.1", "3.8.9", "3.90.2"):
        _write(tmp_path / "versions" / version / "bin" / "python", f"echo {version}")
    _write(tmp_path / "versions" / "3.90.3" / "bin" / "python", "exit 127")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.delenv(NEAREST_PYTHON, raising=False)
    return tmp_path


def _write(path: Path, command: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [(MINOR, OWN), ("3", OWN), ("3.8", "3.8.9"), ("3.8.1", "3.8.1"), (">=3.8,<3.8.5", "3.8.1"), ("3.90", "3.90.2")],
)
def test_the_python_asked_for_is_taken_without_a_word(wanted: str, taken: str) -> None:
    """Our own where it fits, else the newest that fits and runs."""
    notes: list[str] = []
    assert choose(wanted, notes.append).name == taken
    assert notes == []


@pytest.mark.parametrize(("wanted", "taken"), [(f"{MINOR}.99", OWN), ("3.8.18", "3.8.9"), (">=3.8.5,<3.8.9", "3.8.9")])
def test_another_patch_of_the_same_minor_version_is_taken_and_reported(wanted: str, taken: str) -> None:
    """The SDK's default asks for one patch, 3.10.18, which few machines have."""
    notes: list[str] = []
    assert choose(wanted, notes.append).name == taken
    assert notes == [f"The conda definition asks for Python {wanted}; Python {taken} is on this machine and is taken."]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("3.89", "which is not on this machine: install it"),
        ("4.1", "which is not on this machine: ask for"),
        ("2.7", "on which the inference server does not run here"),
        ("3.6.2", "on which the inference server does not run here"),
    ],
)
def test_another_minor_version_is_refused_with_the_ways_out(wanted: str, sentence: str) -> None:
    """A model of one Python may not load in another, so the user decides."""
    with pytest.raises(EnvironmentFailedError, match=f"asks for Python {wanted}, {sentence}") as raised:
        choose(wanted, print)
    assert f"allow the nearest of 3.8, {MINOR}, 3.90 with `azureml-emulator start --nearest-python`" in str(
        raised.value
    )


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [("3.6.2", "3.8.9"), ("2.7", "3.8.9"), ("3.89", "3.90.2"), ("<3.5", "3.8.9"), ("4.1", "3.90.2")],
)
def test_the_nearest_minor_version_is_taken_where_that_is_allowed(
    wanted: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said loudly, as packages and results may differ."""
    notes: list[str] = []
    monkeypatch.setenv(NEAREST_PYTHON, "1")
    assert choose(wanted, notes.append).name == taken
    assert notes[0].startswith(f"WARNING: The conda definition asks for Python {wanted}, which is not here.")


def test_a_shim_that_fails_gives_way_to_the_next_on_path(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version manager puts a command for each Python on PATH, also for those that are switched off."""
    _write(machine / "shims-of-another" / f"python{MINOR}", "exit 127")
    _write(machine / "real" / f"python{MINOR}", f'exec {Path(sys.executable).resolve()} "$@"')
    monkeypatch.setenv("PATH", f"{machine / 'shims-of-another'}:{machine / 'real'}:/usr/bin:/bin")
    paths = [found.path for found in find()]
    assert str(machine / "real" / f"python{MINOR}") in paths
    assert not any("shims-of-another" in path for path in paths)


@pytest.mark.parametrize("_attempt", range(4))
def test_many_services_look_for_their_python_at_once_in_a_new_process(_attempt: int) -> None:
    """A restart of the emulator starts them all together, and what Python itself finds out late is not yet known."""
    done = subprocess.run([sys.executable, "-c", _LOOK_AT_ONCE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
