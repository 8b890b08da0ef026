"""Anything that reads a stack's file refuses what is wrong in it, before anything is done."""

import re

import pytest

from tests.engine.project import Project

MISTAKES = {"digits:minimumAcuracy": '"0.7"', "digits:modelName": "12", "azure-native:locaton": "x"}
SENTENCES = (
    "digits:minimumAcuracy is no setting: write digits:minimumAccuracy",
    'digits:modelName is text, but YAML reads 12 as a number: write "12", in quotes',
    "azure-native:locaton is no setting: write azure-native:location",
)
READERS = {
    "the program": ("pulumi", "preview", "--non-interactive", "--color=never"),
    "make up": ("make", "-s", "up"),
    "make preview": ("make", "-s", "preview"),
    "make promote": ("make", "-s", "promote", "FROM=staging", "TO=dev", "YES=1"),
    "make down": ("make", "-s", "down"),
    "make drift": ("make", "-s", "drift"),
    "make model": ("make", "-s", "model"),
    "make emulator": ("make", "-s", "emulator"),
    "make smoke": ("make", "-s", "smoke"),
    "make logs": ("make", "-s", "logs"),
    "make releases": ("make", "-s", "releases"),
    "promotion": (".venv/bin/python", "-m", "digits", "promote", "--from", "staging", "--to", "dev", "--yes"),
    "the shell": ("make", "-s", "env"),
}
OURS = "11111111-0000-0000-0000-000000000002"


def add(project: Project, *lines: str) -> None:
    """Write lines under the section config, which stands first."""
    text = project.read("Pulumi.dev.yaml")
    project.write("Pulumi.dev.yaml", text.replace("config:\n", "config:\n" + "".join(f"  {line}\n" for line in lines)))


def move_to_azure(project: Project, *lines: str) -> None:
    """Make it a stack on Azure, in a subscription that is no placeholder."""
    project.configure(cloud="azure")
    text = re.sub("00000000(-0000){3}-00000000000[1a]", OURS, project.read("Pulumi.dev.yaml"))
    project.write("Pulumi.dev.yaml", text)
    add(project, *lines)


@pytest.mark.parametrize("reader", READERS)
def test_all_that_is_wrong_is_said_before_anything_is_done(project: Project, reader: str) -> None:
    """One line each, no traceback; what is deployed and the state stay as they are."""
    project.configure(minimumAccuracy="95")
    add(project, *(f"{key}: {value}" for key, value in MISTAKES.items()))
    before = project.state()
    refused = project.run(*READERS[reader], check=False)
    said = [" ".join(line.split()) for line in (refused.stdout + refused.stderr).splitlines()]
    assert refused.returncode != 0
    for sentence in SENTENCES:
        assert any(sentence in line for line in said), said
    assert all(sum(sentence in line for sentence in SENTENCES) <= 1 for line in said)
    assert "Traceback" not in refused.stdout + refused.stderr
    assert project.state() == before
    if reader == "the program":
        assert any("write 0.95 in Pulumi.dev.yaml" in line for line in said), "the program reads the values too"


def test_a_key_in_another_configuration_file_is_refused_too(project: Project) -> None:
    """The program sees the keys that the engine read, from whatever file."""
    other = project.directory / "other.yaml"
    other.write_text(project.read("Pulumi.dev.yaml").replace("config:\n", "config:\n  digits:modelNam: x\n"))
    refused = project.pulumi("preview", f"--config-file={other}", check=False)
    assert "digits:modelNam is no setting: write digits:modelName" in refused.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("pulumi", "preview", "--non-interactive", "--color=never"),
        ("make", "-s", "up", "YES=1"),
        ("make", "-s", "preview"),
        ("make", "-s", "down"),
        ("make", "-s", "drift"),
        ("make", "-s", "env"),
        ("make", "-s", "smoke"),
        ("make", "-s", "logs"),
        ("make", "-s", "releases"),
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_a_stack_on_azure_begins_no_state_on_this_machine(project: Project, command: tuple[str, ...]) -> None:
    """With a forgotten PULUMI_BACKEND_URL, make would take .state/; the fix and the way to confirm are said."""
    move_to_azure(project)
    refused = project.run("env", "-u", "AZUREML_EMULATOR", *command, check=False)
    said = " ".join((refused.stdout + refused.stderr).split())
    assert refused.returncode != 0
    assert "Stack 'dev' is deployed to Azure, but its state would lie on this machine" in said
    assert "export PULUMI_BACKEND_URL='azblob://state?storage_account=…'" in said
    assert "write `digits:localState: true` in Pulumi.dev.yaml" in said
    assert "Traceback" not in said


def test_a_state_on_this_machine_can_be_chosen(project: Project) -> None:
    """The stack's file says so, and then neither make nor the program asks again; a wrong value ends it there."""
    project.configure(evaluationDataset="letters")
    move_to_azure(project, "digits:localState: true")
    shell = project.run("env", "-u", "AZUREML_EMULATOR", "make", "-s", "env")
    assert "PULUMI_BACKEND_URL='file://" in shell.stdout
    preview = project.run("env", "-u", "AZUREML_EMULATOR", "pulumi", "preview", "--non-interactive", check=False)
    assert f"touches subscription {OURS}" in preview.stdout
    assert "write digits or mnist" in preview.stdout
    assert "state would lie" not in preview.stdout
