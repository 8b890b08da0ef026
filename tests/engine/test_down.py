"""`make down` with obstacles: what blocks is named with the command that removes it, and then it goes on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.portal import Portal
from tests.engine.project import Project


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project of its own, with two web services of others on its model."""
    project = Project.copy(tmp_path_factory.mktemp("down") / "digits")
    try:
        project.python("-m", "digits", "train", "--dataset", "digits")
        project.start_emulator()
        project.configure(rehearsalEnabled=False, gateEnabled=False, policyEnabled=False)
        project.pulumi("stack", "select", "--create", "dev")
        project.up()
        portal = Portal(project.environment)
        portal.copy_service("digits-dev", "theirs")
        portal.copy_service("digits-dev", "another", stack="digits/another")
        portal.close()
        yield project
    finally:
        project.close()


def test_a_service_of_somebody_else_on_the_model_is_named_and_can_be_removed(blocked: Project) -> None:
    """One message: each service, its stack or that it has none, and a command; with both gone, all goes down."""
    refused = blocked.run("make", "-s", "down", check=False)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "Model sklearn_mnist:1 cannot be deleted, because it is in use. Remove this first" in said
    assert "web service 'another' of stack 'digits/another': make down STACK=another" in said
    command = re.search(
        r"web service 'theirs', which no stack deployed: (\.venv/bin/python -c \".*?\.delete\(\)\")", said
    )
    assert command, said
    assert not re.search(r"object at 0x|412|Traceback", said), said

    kept = blocked.run("make", "-s", "clean", check=False)
    assert kept.returncode == 2
    assert "Run `make down STACK=dev`: it destroys what is deployed, stops the emulator" in kept.stderr
    assert ".venv/bin/azureml-emulator stop --state .emulator" in kept.stderr
    assert Path(blocked.directory, ".state").exists()

    blocked.run("bash", "-ec", f'eval "$(make -s env)"; {command[1]}')
    portal = Portal(blocked.environment)
    portal.delete_service("another")
    portal.close()
    assert "The emulator stopped" in blocked.run("make", "-s", "down").stdout
    blocked.run("make", "-s", "clean")
    assert not Path(blocked.directory, ".state").exists()
