"""Emulators for the tests: one for the whole run, and one of its own for a test that stops or kills it."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.deployed import Service, digits_model, service_unharmed, serving_model
from tests.integration.wire import Emulator, Workspace


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Give the emulator that most tests share."""
    emulator = Emulator(tmp_path_factory.mktemp("emulator") / "state")
    try:
        yield emulator.start()
    finally:
        _end(emulator)


@pytest.fixture(scope="session")
def workspace(emulator: Emulator) -> Iterator[Workspace]:
    """Give a workspace on the shared emulator."""
    workspace = Workspace(emulator)
    yield workspace
    workspace.close()


@pytest.fixture
def own_emulator(tmp_path: Path) -> Iterator[Emulator]:
    """Give an emulator that is not started yet and that nobody else uses."""
    emulator = Emulator(tmp_path / "state")
    try:
        yield emulator
    finally:
        _end(emulator)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Serve the package as it is deployed, with the dev stack's model."""
    with serving_model(tmp_path_factory.mktemp("service"), digits_model()) as service:
        yield service


@pytest.fixture
def unharmed(service: Service) -> Iterator[None]:
    """Check after the test that the service is unharmed."""
    with service_unharmed(service):
        yield


def _end(emulator: Emulator) -> None:
    """End the emulator and prove that nothing of it is left."""
    emulator.command("stop")
    left = [process for process in psutil.process_iter(["cmdline", "environ"]) if _belongs(process, emulator.state)]
    _, alive = psutil.wait_procs(left, timeout=10)
    for process in alive:
        process.kill()
    assert not alive, f"left running: {alive}"


def _belongs(process: psutil.Process, state: Path) -> bool:
    texts = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
    return any(str(state) in text for text in texts) and "emulator" not in (process.info["cmdline"] or ())[1:3]
