"""Registered environments."""

import json
from collections.abc import Mapping
from typing import Any

from infra.azureml.session import MissingError, call, open_workspace
from runtime.environment import variables


def register_environment(workspace_id: str, name: str, version: str, conda: Mapping[str, Any]) -> bool:
    """Register a conda definition under this version; say whether it was new.

    The version names the content, so one that is there already is the same environment.
    """
    workspace = open_workspace(workspace_id)
    if find_environment(workspace_id, name, version) is not None:
        return False
    with call(f"registering environment {name}"):
        from azureml.core import Environment  # noqa: PLC0415
        from azureml.core.conda_dependencies import CondaDependencies  # noqa: PLC0415

        environment = Environment(name)
        environment.version = version
        environment.inferencing_stack_version = "latest"
        # conda would set these on activation, which the inferencing image does not do.
        environment.environment_variables = variables(conda)
        environment.python.conda_dependencies = CondaDependencies(_underlying_structure=json.loads(json.dumps(conda)))
        environment.register(workspace)
    return True


def find_environment(workspace_id: str, name: str, version: str) -> dict[str, Any] | None:
    """Return the registered conda definition, or None."""
    try:
        workspace = open_workspace(workspace_id)
        with call(f"reading environment {name}:{version}"):
            from azureml.core import Environment  # noqa: PLC0415

            environment = Environment.get(workspace, name, version)
            definition: dict[str, Any] = environment.python.conda_dependencies.as_dict()
            return definition
    except MissingError:
        return None
