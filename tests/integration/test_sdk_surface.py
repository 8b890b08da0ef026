"""Every public method of the SDK's classes for models, environments and web services, called once.

A method that a later SDK brings along fails here until it is called, or listed as out of scope with its difference.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator import differences
from tests.integration.wire import CONDA, ENTRY_SCRIPTS, Workspace

_SCRIPT = Path(__file__).parent / "scripts" / "surface.py"

# What a call gives or prints has these words in it.
COVERED = {
    "Workspace.from_config": "surface-ws",
    "Workspace.get": "surface-ws",
    "Workspace.list": "surface-ws",
    "Workspace.create": "surface-ws",
    "Workspace.setup": "surface-ws",
    "Workspace.write_config": "workspaces/surface-ws",
    "Workspace.get_details": "'workspaceid'",
    "Workspace.update": "'friendlyName': 'Friendly'",
    "Workspace.update_dependencies": "No resource is specified",
    "Workspace.get_default_keyvault": "Keyvault",
    "Workspace.name": "surface-ws",
    "Workspace.subscription_id": "00000000-0000-0000-0000-000000000001",
    "Workspace.resource_group": "digits",
    "Workspace.location": "eastus",
    "Workspace.tags": "{'kind': 'surface'}",
    "Workspace.sku": "Basic",
    "Workspace.discovery_url": "https://127.0.0.1:",
    "Workspace.service_context": "ServiceContext",
    "Workspace.environments": "{}",
    "Workspace.models": "{}",
    "Workspace.webservices": "{}",
    "Workspace.private_endpoints": "{}",
    "Workspace.delete": "False",
    "Environment.from_conda_specification": "surface",
    "Environment.environment_variables": "EXAMPLE_VALUE",
    "Environment.register": "1",
    "Environment.get": "1",
    "Environment.label": "(None, '1')",
    "Environment.list": "['surface']",
    "Environment.get_image_details": "False",
    "Environment.clone": "clone",
    "Environment.save_to_directory": "None",
    "Environment.load_from_directory": "surface",
    "Environment.add_private_pip_wheel": "/own-1.0-py3-none-any.whl",
    "Environment.from_pip_requirements": "pip",
    "Environment.from_docker_image": "image",
    "Environment.from_dockerfile": "file",
    "Environment.from_docker_build_context": "context",
    "Model.register": "surface:1",
    "Model.add_tags": "{'more': '1'}",
    "Model.remove_tags": "{}",
    "Model.add_properties": "{'origin': 'here', 'new': '1'}",
    "Model.update_tags_properties": "{'b': '2'}",
    "Model.update": "described",
    "Model.add_dataset_references": "None",
    "Model.list": "['surface:1']",
    "Model.get_sas_urls": "a model",
    "Model.download": "a model",
    "Model.get_model_path": "a model",
    "Model.serialize": "surface:1",
    "Model.deserialize": "surface:1",
    "Model.print_configuration": "Models: ['surface:1']",
    "Model.deploy": "surface",
    "Model.delete": "[",
    "Webservice.check_for_existing_webservice": "None",
    "Webservice.wait_for_deployment": "Healthy",
    "Webservice.update_deployment_state": "None",
    "Webservice.list": "['surface']",
    "Webservice.run": "None",
    "Webservice.get_keys": "[32, 32]",
    "Webservice.regen_key": "None",
    "Webservice.get_logs": "echo is ready",
    "Webservice.get_token": "None",
    "Webservice.update": "None",
    "Webservice.serialize": "surface",
    "Webservice.deserialize": "surface",
    "Webservice.delete": "[]",
    "AciWebservice.deploy_configuration": "1",
    "AciWebservice.run": "hello",
    "AciWebservice.add_tags": "{'kind': 'surface', 'more': '1'}",
    "AciWebservice.remove_tags": "{'kind': 'surface'}",
    "AciWebservice.add_properties": "'new': '1'",
    "AciWebservice.update": "described",
    "AciWebservice.serialize": "http://127.0.0.1:",
    "AciWebservice.deserialize": "surface",
}
# By the difference that excludes them: what is raised has these words in it.
_NOT_DONE = "The emulator does not do"
OUT_OF_SCOPE = {
    "Models, environments and ACI web services; the rest answers 501": {
        **dict.fromkeys(
            (
                "Workspace.compute_targets",
                "Workspace.datastores",
                "Workspace.experiments",
                "Workspace.images",
                "Workspace.linked_services",
                "Workspace.get_default_datastore",
                "Workspace.set_default_datastore",
                "Workspace.get_default_compute_target",
                "Workspace.get_run",
                "Workspace.diagnose_workspace",
                "Workspace.list_keys",
                "Workspace.sync_keys",
                "Workspace.list_connections",
                "Workspace.set_connection",
                "Workspace.get_connection",
                "Workspace.delete_connection",
                "Workspace.add_private_endpoint",
                "Workspace.delete_private_endpoint_connection",
            ),
            _NOT_DONE,
        ),
        "Workspace.datasets": "Not Implemented",  # all that the SDK says of a 501
        "Workspace.get_mlflow_tracking_uri": "azureml-mlflow",  # which would ask for runs
        "Model.profile": "azureml-dataset-runtime",  # which would ask for datasets
    },
    "It answers 501, as template deployments do": {"Workspace.create a new one": _NOT_DONE},
    "building one answers 501": dict.fromkeys(
        ("Environment.build", "Environment.build_local", "Model.package"), _NOT_DONE
    ),
    "ACI, with an InferenceConfig that has an environment; the rest answers 501": dict.fromkeys(
        ("Webservice.deploy", "Webservice.deploy_from_model", "Webservice.deploy_from_image"), _NOT_DONE
    ),
}
# What these do never reaches the emulator: they ask conda or Docker on the caller's machine, or ACI has no tokens.
ELSEWHERE = {
    "Environment.from_existing_conda_environment",
    "Webservice.deploy_local_from_model",
    "AciWebservice.get_token",
}


@pytest.fixture(scope="module")
def printed(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give the SDK's public methods, and what became of each call."""
    directory = tmp_path_factory.mktemp("surface")
    own = Workspace(workspace.emulator, "surface-ws")
    own.write_config(directory)
    own.close()
    (directory / "conda.yml").write_text(yaml.safe_dump(CONDA), encoding="utf-8")
    (directory / "scoring").mkdir()
    shutil.copy(ENTRY_SCRIPTS / "echo.py", directory / "scoring" / "score.py")
    done = workspace.emulator.run(_SCRIPT, directory=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"surface"') :])
    return found


def test_every_public_method_is_called_or_out_of_scope(printed: dict[str, Any]) -> None:
    """None is forgotten, and none is listed that the SDK does not have."""
    excluded = {name for names in OUT_OF_SCOPE.values() for name in names if " " not in name}
    assert set(printed["surface"]) == set(COVERED) | excluded | ELSEWHERE


@pytest.mark.parametrize("name", COVERED)
def test_a_method_of_the_sdk_works(printed: dict[str, Any], name: str) -> None:
    """It raises nothing, and gives or prints what it should."""
    call = printed["called"][name]
    assert call["raised"] is None, call
    assert COVERED[name] in call["said"]


@pytest.mark.parametrize(
    ("difference", "name", "words"),
    [(difference, *entry) for difference, names in OUT_OF_SCOPE.items() for entry in names.items()],
)
def test_what_is_out_of_scope_is_refused_and_in_the_table(
    printed: dict[str, Any], difference: str, name: str, words: str
) -> None:
    """It is refused before anything is changed, and the table of differences has it."""
    call = printed["called"][name]
    assert call["raised"] is not None
    assert words in call["said"]
    assert any(difference in row for _, _, row, _ in differences.collect())
