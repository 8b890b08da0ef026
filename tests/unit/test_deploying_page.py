"""docs/deploying.md can be followed: its commands run in order in one shell, with what the steps before have set.

`az`, `gh`, `make`, `git` and `sleep` only note their arguments; the shell, and the programs that edit files, are real.
"""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from digits.stack import read
from infra.host_name import host_name
from infra.names import dns_name_label

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/deploying.md"
MAKEFILE = (ROOT / "Makefile").read_text()
NOTED = ("az", "gh", "make", "git", "sleep")
# Notes a command's words, and prints an id if the command asks for one.
STUB = """#!/bin/bash
printf '%q ' "$(basename "$0")" "$@" >> "$NOTES"; echo >> "$NOTES"
case "$*" in *'account show'*) echo 11111111-0000-0000-0000-000000000001;; *'--query'*|*host*) echo "an-id";; esac
"""


@dataclass(frozen=True)
class Run:
    """What the page's commands did: their words in order, and the stack files that they left."""

    commands: list[list[str]]
    directory: Path

    def find(self, *words: str) -> list[int]:
        """Return the places of the commands that have all these words."""
        return [at for at, command in enumerate(self.commands) if set(words) <= set(command)]


def blocks(path: Path) -> list[str]:
    """Return the page's indented blocks that are commands, in order; the others show output."""
    found = re.findall(r"(?:^    .*\n(?:^ *\n(?=    ))*)+", path.read_text(), re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found if not block.startswith("    error:")]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Follow the page from its first command to its last, where a variable that nothing set is an error."""
    directory, tools = tmp_path_factory.mktemp("deploying"), tmp_path_factory.mktemp("tools")
    for file in ROOT.glob("Pulumi.*yaml"):
        shutil.copy(file, directory)
    (directory / "certificates").mkdir()
    for name in ("staging.pem", "staging.key", "prod.pem", "prod.key"):
        (directory / "certificates" / name).write_text(name)
    for name in NOTED:
        (tools / name).write_text(STUB)
        (tools / name).chmod(0o755)
    notes = tools / "notes"
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(directory), "NOTES": str(notes)}
    script = "set -euo pipefail\n" + "\n".join(blocks(PAGE))
    done = subprocess.run(
        ["bash", "-c", script], cwd=directory, env=environment, text=True, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return Run([shlex.split(line) for line in notes.read_text().splitlines()], directory)


def test_every_word_that_a_command_gets_has_been_set(followed: Run) -> None:
    """No variable is empty, none is left as it stands, and no placeholder in angle brackets is left to be guessed."""
    assert len(followed.commands) > 50
    for command in followed.commands:
        assert all(command), command
        assert not re.search(r"[<>]|\$\{?\w|//|=$", " ".join(command).replace("://", "")), command


def test_each_step_has_what_it_needs_from_those_before(followed: Run) -> None:
    """Services are registered before anything is made; roles, vault, certificate and DNS come before their use."""
    first = {
        name: followed.find(*words)[0]
        for name, words in {
            "register": ("provider", "register"),
            "account": ("storage", "account", "create"),
            "container": ("storage", "container", "create"),
            "vault": ("keyvault", "create"),
            "key": ("keyvault", "key", "create"),
            "try": ("make", "up", "STACK=az-dev"),
            "end of the try": ("make", "down", "STACK=az-dev"),
            "cname": ("network", "dns", "set-record"),
            "certificate": ("keyvault", "certificate", "import"),
            "staging": ("make", "up", "STACK=staging"),
            "prod": ("make", "promote", "FROM=staging"),
            "identity": ("ad", "app", "create"),
            "trust": ("ad", "app", "federated-credential", "create"),
            "variables": ("gh", "variable", "set"),
        }.items()
    }
    assert list(first.values()) == sorted(first.values()), first
    granted = {followed.commands[at][followed.commands[at].index("--role") + 1]: at for at in followed.find("--role")}
    for role, use in {"Storage Blob Data Contributor": "container", "Key Vault Crypto Officer": "key"}.items():
        before = [at for at in followed.find("assignment", "create", role) if at < first[use]]
        assert before, role
    assert granted["Key Vault Certificates Officer"] < first["certificate"]
    assert max(followed.find("provider", "register")) < first["account"]


def test_every_role_of_the_table_is_granted(followed: Run) -> None:
    """By a command of the page, but for the one that a tenant's administrator gives and the one that Azure assigns."""
    table = PAGE.read_text().partition("### Roles")[2]
    rows = [row.split("|") for row in re.findall(r"^\| .*", table.partition("\n#")[0], re.MULTILINE)[1:]]
    listed = {role.strip() for _, _who, roles, *_ in rows for role in roles.partition(", if ")[0].split(",")}
    by_others = {
        "Azure AI Administrator",
        "on workspaces made before 19 November 2024 Contributor",
        "Application Developer",
    }
    granted = {followed.commands[at][followed.commands[at].index("--role") + 1] for at in followed.find("--role")}
    assert listed - by_others == granted


def test_the_stack_files_are_filled_in(followed: Run) -> None:
    """What the page's commands write is what the program takes, and no placeholder is left."""
    for stack in ("az-dev", "staging", "prod"):
        file = read(followed.directory, stack)
        assert file.config["azure-native:subscriptionId"].startswith("11111111"), stack
        assert file.config["azure-native:tenantId"].startswith("11111111"), stack
        assert file.config["azure-native:location"] == "westeurope"
        assert bool(file.get("sslEnabled")) is (stack != "az-dev")
        assert not file.may_be_local
    assert not list(followed.directory.glob("*.bak"))
    assert sorted(path.name for path in (followed.directory / "certificates").glob("*both*")) == []


def test_github_gets_what_the_workflows_read(followed: Run) -> None:
    """Each variable of a workflow is set or said to be for another case, and none is set that nothing reads."""
    text = "".join(path.read_text() for path in (ROOT / ".github").rglob("*.yml"))
    variables = {followed.commands[at][3] for at in followed.find("gh", "variable", "set")}
    assert variables | {"PULUMI_ORGANIZATION"} == set(re.findall(r"vars\.(\w+)", text))
    rows = re.findall(r"^\| `([A-Z_]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert set(rows) == variables | {"PULUMI_ORGANIZATION"}


def test_make_gets_targets_and_variables_that_it_has(followed: Run) -> None:
    """In a command block and in prose alike."""
    prose = [shlex.split(text.replace("…", "x")) for text in re.findall(r"`(make [^`]*)`", PAGE.read_text())]
    for command in [followed.commands[at] for at in followed.find("make")] + prose:
        for word in command[1:]:
            name, is_variable, _ = word.partition("=")
            if is_variable:
                assert re.search(rf"\b{name}\b", MAKEFILE), command
            elif not word.startswith("-"):
                assert re.search(
                    rf"^{re.escape(word)}:|^[a-z -]*\b{re.escape(word)}\b[a-z -]*:", MAKEFILE, re.MULTILINE
                ), command


def test_the_host_name_is_known_before_there_is_a_service() -> None:
    """`make host` says what the program will ask Azure for."""
    file = read(ROOT, "staging")

    class Chosen:
        subscription_id = file.config["azure-native:subscriptionId"]
        resource_group = service_name = "digits-staging"

    assert host_name(file) == f"{dns_name_label(Chosen())}.westeurope.azurecontainer.io"
