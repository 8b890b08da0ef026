"""Every command of make with a stack that there is not, that was never deployed, or whose passphrase is not there."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tools import working_copy

_TARGETS = re.findall(r"^([a-z]+):.*## ", (working_copy.ROOT / "Makefile").read_text(), re.MULTILINE)
_NO_STACK = {
    "help",
    "walkthrough",
    "test",
    "check",
    "bench",
    "comment",
    "issue",
    "skip",
    "lock",
    "clean",
    "certificate",
}
_OF_STACK = sorted(set(_TARGETS) - _NO_STACK)
_READS_A_DEPLOYMENT = ("smoke", "predict", "logs", "releases", "drift")
_NO_SECRETS = {"emulator", "host", "model"}  # these have nothing to do with a state


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, str]]:
    """A copy in which nothing was ever done, with the states of Azure's stacks on this machine, and its shell."""
    directory = tmp_path_factory.mktemp("stacks") / "digits"
    shell = working_copy.make(directory)
    for stack in ("staging", "prod"):
        file = directory / f"Pulumi.{stack}.yaml"
        document = yaml.safe_load(file.read_text())
        document["config"]["digits:localState"] = True
        file.write_text(yaml.safe_dump(document))
    return directory, shell


def run(copy: tuple[Path, Mapping[str, str]], *words: str) -> list[str]:
    """Run make, which has to fail and to have done nothing; return what it said, without make's own lines."""
    directory, shell = copy
    before = {path.name for path in directory.iterdir()}
    done = subprocess.run(
        ["make", *words, "IMAGE=digit.png"],
        cwd=directory,
        env=shell,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert {path.name for path in directory.iterdir()} - {".pulumi"} == before - {".pulumi"}  # the CLI's own
    return [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]


@pytest.mark.parametrize("target", _OF_STACK)
def test_a_stack_that_there_is_not_is_one_sentence(copy: tuple[Path, Mapping[str, str]], target: str) -> None:
    """Before anything is downloaded, trained or started."""
    (said,) = (
        run(copy, target, "FROM=staging", "TO=nosuch") if target == "promote" else run(copy, target, "STACK=nosuch")
    )
    assert said.startswith("error: There is no stack 'nosuch': name one of ")


@pytest.mark.parametrize("target", _READS_A_DEPLOYMENT)
def test_a_stack_that_was_never_deployed_is_one_sentence(copy: tuple[Path, Mapping[str, str]], target: str) -> None:
    """On this machine or on Azure; the sentence is the command that deploys it."""
    assert run(copy, target) == ["error: Nothing is deployed in stack 'dev': run `make up` first."]
    directory, shell = copy
    azure = directory, {**shell, "PULUMI_CONFIG_PASSPHRASE": ""}
    said = run(azure, target, "STACK=staging")
    assert said == ["error: Nothing is deployed in stack 'staging': run `make up STACK=staging` first."]


def test_a_state_that_cannot_be_read_is_not_taken_for_an_empty_one(copy: tuple[Path, Mapping[str, str]]) -> None:
    """The CLI says why it cannot, and nothing is said of what is deployed."""
    directory, shell = copy
    away = {**shell, "PULUMI_BACKEND_URL": "file:///nowhere", "PULUMI_CONFIG_PASSPHRASE": ""}
    said = " ".join(run((directory, away), "logs", "STACK=staging"))
    assert "/nowhere" in said
    assert "Nothing is deployed" not in said


@pytest.mark.parametrize("target", sorted(set(_OF_STACK) - _NO_SECRETS))
def test_a_passphrase_that_is_not_there_is_one_sentence(copy: tuple[Path, Mapping[str, str]], target: str) -> None:
    """It would be asked for in the middle, or where nobody can answer."""
    stack, *words = ("prod", "FROM=staging", "TO=prod") if target == "promote" else ("staging", "STACK=staging")
    (said,) = run(copy, target, *words)
    assert said.startswith(f"error: The secrets of stack '{stack}' are encrypted with a passphrase, and there is none")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in said


def test_an_azure_stack_has_no_emulator(copy: tuple[Path, Mapping[str, str]]) -> None:
    """None is started that nothing would use."""
    (said,) = run(copy, "emulator", "STACK=staging")
    assert said.startswith("error: Stack 'staging' is on Azure and has no emulator: write digits:cloud: emulator")
