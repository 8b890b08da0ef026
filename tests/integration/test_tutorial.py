"""The unmodified SDK, without auth=: the tutorial's own sequence of calls, failures, and a large model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import scripting
from tests.integration.wire import Workspace


def _run(workspace: Workspace, script: str, directory: Path) -> scripting.Printed:
    """Run the script next to the tutorial's entry script."""
    (directory / "scoring").mkdir()
    shutil.copy(scripting.SCRIPTS / "entry_script.py", directory / "scoring" / "score.py")
    return scripting.run(workspace, script, directory)


@pytest.fixture(scope="module")
def sdk_workspace(workspace: Workspace) -> Iterator[Workspace]:
    """Give a workspace in which only the SDK works."""
    sdk_workspace = Workspace(workspace.emulator, "sdk-ws")
    yield sdk_workspace
    sdk_workspace.close()


@pytest.fixture(scope="module")
def printed(sdk_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> scripting.Printed:
    """Give what the tutorial's reader sees."""
    return _run(sdk_workspace, "tutorial.py", tmp_path_factory.mktemp("tutorial"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("workspace", ["sdk-ws", "digits", "eastus"]),
        ("same labels", ["True"]),
        ("confusion", ["100"]),
        ("raw", ["200", "True"]),
        ("log", ["True"]),
        ("without key", ["401"]),
        ("with key", ["200"]),
        ("run", ["True"]),
        ("old key", ["401"]),
        ("regenerated", ["True"]),
        ("updated", ["{'updated': 'yes'}", "True", "[2]"]),
        ("new labels", ["True"]),
        ("described", ["described anew"]),
        ("listed", ["[('sklearn-mnist-svc3', {'updated': 'yes', 'more': 'tags'})]"]),
        ("models", ["['sklearn_mnist:2', 'sklearn_mnist:1']"]),
        ("by tag", ["['sklearn_mnist:1']"]),
        ("tags", ["{'data': 'digits', 'checked': 'yes'}"]),
        ("download", ["downloaded/sklearn_mnist_model.pkl"]),
        ("environments", ["['tutorial-env']"]),
        ("in use", ["True"]),
        ("services", ["[]"]),
        ("models left", ["[]"]),
        ("gone", ["True"]),
    ],
)
def test_the_tutorial_s_reader_sees(printed: scripting.Printed, name: str, values: list[str]) -> None:
    """Each step of the tutorial, and of what one does next, as on Azure."""
    assert printed[name] == values


def test_the_tutorial_s_service_is_healthy_on_loopback(printed: scripting.Printed) -> None:
    """wait_for_deployment ends with a service that answers."""
    uri, state = printed["uri"]
    assert uri.startswith("http://127.0.0.1:")
    assert uri.endswith("/score")
    assert state == "Healthy"


def test_the_tutorial_asked_for_nothing_that_is_not_there(printed: scripting.Printed, sdk_workspace: Workspace) -> None:
    """No request of the tutorial's workspace got a 501."""
    assert printed
    assert not {route for route in scripting.unknown_routes(sdk_workspace) if "experiments" not in route}


def test_the_sdk_shows_what_went_wrong(sdk_workspace: Workspace, tmp_path: Path) -> None:
    """Every failure is the SDK's own exception with our sentence in it."""
    seen = _run(sdk_workspace, "failures.py", tmp_path)
    assert seen["syntax"][0] == "UserErrorException"
    assert seen["init"][0] == "WebserviceException"
    assert "Error in entry script, ValueError: upside down" in seen["init"][1]
    assert seen["state"] == ["Failed", "AciDeploymentFailed", "True"]
    assert "between 3 and 32 characters" in seen["name"][1]
    assert "already exists" in seen["taken"][1]
    assert "Environment nobody is not registered" in seen["environment"][1]
    assert "ModelNotFound" in seen["model"][1]
    assert "ModelNotFound" in seen["model id"][1]
    assert "not found" in seen["workspace"][1]
    assert "The emulator does not do" in seen["unknown"][1]


def test_a_large_model_goes_up_in_blocks_and_comes_down_whole(sdk_workspace: Workspace, tmp_path: Path) -> None:
    """70 MB of random bytes, and a folder of more files than fit one batch."""
    workspace = sdk_workspace
    workspace.write_config(tmp_path)
    done = workspace.emulator.run(scripting.SCRIPTS / "large_model.py", directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same True" in done.stdout
    assert "folder True" in done.stdout
    for blob in (workspace.emulator.state / "blobs").iterdir():
        if blob.stat().st_size > 1 << 20:
            blob.unlink()  # Azure keeps the files of a deleted model, and so do we; the test does not
