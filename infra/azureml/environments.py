"""Registered environments."""

import json
from collections.abc import Mapping

from digits.runtime.environment import EnvironmentFailedError, digest, variables
from infra.azureml.session import MissingError, call, open_workspace


def register_environment(workspace_id: str, name: str, version: str, conda: Mapping[str, object]) -> str:
    """Register a conda definition under this version, or adopt it if it is there; return the version.

    Azure ML never changes or deletes a version. If somebody used it for other content, the next free one of version-2,
    version-3, … is taken.
    """
    wanted, number = version, 1
    while (found := find_environment(workspace_id, name, wanted)) is not None and not is_same_environment(found, conda):
        number += 1
        wanted = f"{version}-{number}"
    if found is None:
        _register(workspace_id, name, wanted, conda)
    return wanted


def find_environment(workspace_id: str, name: str, version: str) -> dict[str, object] | None:
    """Return the registered conda definition with the variables that the service gets, or None."""
    try:
        workspace = open_workspace(workspace_id)
        with call(f"reading environment {name}:{version}"):
            from azureml.core import Environment

            environment = Environment.get(workspace, name, version)
            definition: dict[str, object] = environment.python.conda_dependencies.as_dict()
            return {**definition, "variables": dict(environment.environment_variables or {})}
    except MissingError:
        return None


def is_same_environment(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Return whether two conda definitions ask for the same packages and variables."""
    try:
        # The registry keeps each variable as text, of any type in conda.yml.
        return digest({**one, "variables": variables(one)}) == digest({**other, "variables": variables(other)})
    except EnvironmentFailedError:  # others may have written anything
        return False


def _register(workspace_id: str, name: str, version: str, conda: Mapping[str, object]) -> None:
    workspace = open_workspace(workspace_id)
    with call(f"registering environment {name}"):
        from azureml.core import Environment
        from azureml.core.conda_dependencies import CondaDependencies

        environment = Environment(name)
        environment.version = version
        environment.inferencing_stack_version = "latest"
        # conda would set these on activation, which the inferencing image does not do.
        environment.environment_variables = variables(conda)
        environment.python.conda_dependencies = CondaDependencies(_underlying_structure=json.loads(json.dumps(conda)))
        environment.register(workspace)
