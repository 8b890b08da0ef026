"""The version: pyproject.toml declares it, and every other place agrees."""

from digits.cli.command import Group, run
from digits.cli.commands import digits

import re
import tomllib

import pytest
import yaml

import emulator
from emulator.cli import azureml_emulator
from tests.unit.pages import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_emulator_has_the_version_of_the_project() -> None:
    """It reads the installed package's."""
    assert emulator.__version__ == VERSION


def test_the_policy_pack_has_the_version_of_the_project() -> None:
    """The engine shows it with each finding, and reads it only from this file."""
    assert yaml.safe_load((ROOT / "infra/policy/PulumiPolicy.yaml").read_text())["version"] == VERSION


def test_the_changelog_dates_the_version_below_what_is_unreleased() -> None:
    """A reader finds the version that is installed, and when it was made."""
    headings = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(VERSION)} \(\d{{4}}-\d\d-\d\d\)", headings[1])


@pytest.mark.parametrize("group", [digits, azureml_emulator], ids=lambda group: group.name)
def test_both_commands_print_the_version(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    """By --version, as users expect."""
    assert run(group, ["--version"]) == 0
    assert capsys.readouterr().out == f"{VERSION}\n"
