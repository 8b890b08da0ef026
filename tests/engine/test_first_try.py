"""The stack of a first try on Azure, here on the emulator: no certificate, but keys, and no other policy is let off."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.engine.project import Project

STACK = "az-dev"


@pytest.fixture
def first_try(project: Project) -> Iterator[Project]:
    """The committed stack file, on the emulator that the project has, in a stack that nobody has deployed."""
    text = project.read(f"Pulumi.{STACK}.yaml").replace("-000000000004", "-000000000001")
    emulated = (
        "config:\n  digits:cloud: emulator\n  digits:evaluationDataset: digits\n  digits:rehearsalEnabled: false\n"
    )
    project.write(f"Pulumi.{STACK}.yaml", text.replace("config:\n", emulated))
    project.pulumi("stack", "init", STACK, "--no-select")
    yield project
    project.pulumi("destroy", "--stack", STACK, "--yes", "--skip-preview", check=False)
    project.pulumi("stack", "rm", STACK, "--yes", "--preserve-config", check=False)
    project.pulumi("stack", "select", "dev")  # removing any stack leaves none selected


def shell(project: Project, command: str, *, check: bool = True) -> str:
    """Run a command in the stack's own shell, as `make env` makes it."""
    done = project.run("bash", "-ec", f'eval "$(make -s env STACK={STACK})"; {command}', check=check)
    return done.stdout + done.stderr


def test_it_deploys_without_a_certificate_and_only_with_keys(first_try: Project) -> None:
    """The policies are on: they let plain HTTP pass, and refuse a service that answers without a key."""
    printed = shell(first_try, f"pulumi up --stack {STACK} --yes --skip-preview --non-interactive --color=never")
    assert "✅ digits@v" in printed
    outputs = json.loads(shell(first_try, f"pulumi stack output --stack {STACK} --json --show-secrets"))
    assert outputs["scoringUri"].startswith("http://")
    body = {"data": [[0.0] * 784]}
    assert httpx.post(outputs["scoringUri"], json=body, timeout=30).status_code == 401
    key = {"Authorization": f"Bearer {outputs['primaryKey']}"}
    assert httpx.post(outputs["scoringUri"], json=body, headers=key, timeout=30).status_code == 200

    text = first_try.read(f"Pulumi.{STACK}.yaml")
    first_try.write(f"Pulumi.{STACK}.yaml", text.replace("config:\n", "config:\n  digits:authEnabled: false\n"))
    refused = shell(first_try, f"pulumi preview --stack {STACK} --non-interactive --color=never", check=False)
    assert "[mandatory]  authentication-on  (" in refused
    assert "tls-on" not in refused
