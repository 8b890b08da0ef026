"""What the SDK's users put into a container: models where the SDK looks for them, wheels, variables."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.wire import CONDA, Emulator, Workspace, entry_script

_SCRIPT = Path(__file__).parent / "scripts" / "containers.py"
PYPI, OLD_PYPI = (".".join(parts) for parts in (("pypi", "org"), ("pypi", "python", "org")))
_OTHER_PATCH = f"{sys.version_info.major}.{sys.version_info.minor}.99"


@pytest.fixture(scope="module")
def containers(workspace: Workspace) -> Iterator[Workspace]:
    """Give a workspace of its own."""
    workspace = Workspace(workspace.emulator, "Containers-WS")
    yield workspace
    for name in ("one-model", "two-models", "script-single", "old-way"):
        workspace.client.delete(workspace.models(f"/services/{name}"))
    workspace.close()


@pytest.fixture(scope="module")
def printed(containers: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what the script printed, by name."""
    directory = tmp_path_factory.mktemp("containers")
    containers.write_config(directory)
    (directory / "conda.yml").write_text(yaml.safe_dump(CONDA), encoding="utf-8")
    done = containers.emulator.run(_SCRIPT, _OTHER_PATCH, directory=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (line.partition("\t") for line in done.stdout.splitlines() if "\t" in line)
    return {name: json.loads(value) for name, _, value in lines}


def test_get_model_path_finds_one_model_by_name_and_by_version(printed: dict[str, Any]) -> None:
    """It looks below AML_APP_ROOT; AZUREML_MODEL_DIR is the model's own folder there."""
    seen = printed["one"]
    assert (seen["by name"], seen["by version"]) == ("first", "first")
    assert seen["model dir"] == "azureml-models/forest/1"


def test_get_model_path_finds_each_of_several_models_and_a_model_that_is_a_folder(printed: dict[str, Any]) -> None:
    """AZUREML_MODEL_DIR is the folder of all models; folders within a model stay folders."""
    seen = printed["two"]
    assert (seen["by name"], seen["by version"], seen["folder"]) == ("first", "first", ["a.txt", "b.txt"])
    assert seen["model dir"] == "azureml-models"


def test_the_container_knows_its_service_and_begins_in_the_application_s_root(printed: dict[str, Any]) -> None:
    """SERVICE_NAME and WORKSPACE_NAME as public threads show them, in the workspace's own case."""
    assert printed["one"]["names"] == ["one-model", "Containers-WS"]
    assert printed["one"]["working directory"] is True


def test_a_variable_of_the_environment_arrives_as_it_is(printed: dict[str, Any]) -> None:
    """No shell reads quotes, dollars, line ends or other alphabets on the way."""
    assert printed["one"]["odd"] == "a=b 'c' \"d\" $HOME\n# ä ☃"


def test_a_private_wheel_that_is_there_is_the_conflict_that_the_sdk_expects(printed: dict[str, Any]) -> None:
    """Uploading it again is a sentence of the SDK's own, and with exist_ok no error."""
    assert "A wheel with the name greeting-1.0-py3-none-any.whl already exists." in printed["twice"]
    assert printed["wheel"] == ["greeting-1.0-py3-none-any.whl", "greeting-1.0-py3-none-any.whl", False]


def test_a_private_wheel_is_installed_in_the_service_s_environment(printed: dict[str, Any]) -> None:
    """The URL that the SDK gives has no signature; the emulator knows its own storage."""
    assert printed["one"]["greeting"] == "hello from a wheel"


def test_an_environment_that_was_used_before_deploys_a_script_without_a_source_directory(
    printed: dict[str, Any],
) -> None:
    """The Environment object keeps AZUREML_SOURCE_DIRECTORY, and the script is not in it."""
    assert printed["left over"] == "src"
    assert (printed["single"]["script"], printed["single"]["by name"]) == ("single.py", "first")


def test_the_log_says_what_was_taken_and_what_was_left_out(printed: dict[str, Any], containers: Workspace) -> None:
    """Another patch of Python, and PyPI's own index, which CondaDependencies.create writes twice."""
    assert printed["one"]
    operation = containers.client.get(
        containers.models(f"/operations/{containers.service('one-model')['operationId']}")
    )
    log = operation.json()["streamingOperationLog"]
    assert f"asks for Python {_OTHER_PATCH}; Python {sys.version.split()[0]} is on this machine and is taken." in log
    assert f"--find-links https://{PYPI}/simple is left out" in log
    assert f"--extra-index-url https://{OLD_PYPI}/simple is left out" in log


def test_the_container_s_log_begins_with_the_python_that_was_taken(
    printed: dict[str, Any], containers: Workspace
) -> None:
    """print(service.get_logs()) is where a user looks; the service is Healthy."""
    assert containers.service("one-model")["state"] == "Healthy"
    taken = f"Python {sys.version.split()[0]} is on this machine and is taken."
    assert printed["first line"] == f"The conda definition asks for Python {_OTHER_PATCH}; {taken}"


def test_the_nearest_python_is_loud_in_the_container_s_log_and_in_the_emulator_s(
    own_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine has only our own Python here, so that the environment is the others'."""
    with monkeypatch.context() as only_own:
        for name in ("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
            only_own.setenv(name, str(tmp_path / "nowhere"))
        own_emulator.start("--nearest-python")
    workspace = Workspace(own_emulator)
    conda = yaml.safe_dump(CONDA).replace(f"python={sys.version_info.major}.{sys.version_info.minor}", "python=3.99")
    request = workspace.request("nearest", entry_script("echo"))
    request["environmentImageRequest"]["environment"]["python"]["condaDependencies"] = yaml.safe_load(conda)
    answer = workspace.client.post(workspace.models("/services"), json=request)
    workspace.run(answer.headers["Operation-Location"])
    first = workspace.client.get(workspace.models("/services/nearest/logs")).json()["content"].splitlines()[0]
    workspace.close()
    assert first.startswith("WARNING: The conda definition asks for Python 3.99, which is not here. Python ")
    (line,) = (line for line in own_emulator.log.splitlines() if "asks for Python 3.99" in line)
    assert "WARNING" in line
    assert "Web service nearest: The conda definition" in line


@pytest.mark.parametrize(
    ("name", "asked"), [("dockerfile", "a base_dockerfile"), ("image", "the base image example.azurecr.io/own:1")]
)
def test_what_needs_an_image_of_its_own_is_refused(printed: dict[str, Any], name: str, asked: str) -> None:
    """What an image holds besides the conda environment would be missing without a word."""
    assert (
        f"The emulator runs no Docker image: it makes the environment from its conda dependencies, so {asked} is not "
        in (printed[name])
    )


def test_an_inference_config_without_an_environment_is_deployed_where_it_needs_no_image(
    printed: dict[str, Any],
) -> None:
    """The SDK makes an environment of runtime and conda_file; with Docker steps it asks for an image: a 501."""
    assert printed["old"] == "quick"
    assert "The emulator does not do POST" in printed["steps"]
    assert "/images" in printed["steps"]
