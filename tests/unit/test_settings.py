"""One table of settings: Pulumi.yaml declares it, the program and docs/settings.md read it."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from digits.stack.bounds import Bounds
from infra import names
from infra.settings import Settings

ROOT = Path(__file__).parents[2]
DECLARED = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
BOUNDS = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["bounds"]


def settings(**values: object) -> Settings:
    """Return settings with anything in the fields that a test does not name."""
    fields: dict[str, Any] = {field.name: "x" for field in dataclasses.fields(Settings)}
    return Settings(**fields | {"stack": "dev", "resource_group": "digits-dev", "service_name": "digits-dev"} | values)


@pytest.mark.parametrize("key", DECLARED)
def test_every_key_has_type_default_and_meaning(key: str) -> None:
    """A reader of `pulumi config` needs no other page."""
    assert DECLARED[key].keys() == {"type", "default", "description"}
    assert DECLARED[key]["description"].endswith(".")


def test_the_page_lists_every_key_with_its_default_and_meaning() -> None:
    """The tables of docs/settings.md are the declaration's."""
    page = (ROOT / "docs/settings.md").read_text()
    rows = {key: rest for key, *rest in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", page, re.MULTILINE)}
    assert rows.keys() == DECLARED.keys()
    for key, (default, meaning) in rows.items():
        assert yaml.safe_load(default.strip("`") or '""') == yaml.safe_load(str(DECLARED[key]["default"]) or '""'), key
        assert meaning == DECLARED[key]["description"]


@pytest.mark.parametrize("key", BOUNDS)
def test_bounds_are_of_a_number_that_is_declared(key: str) -> None:
    """The default is within them, and the description says a range that somebody else sets."""
    bounds = Bounds.declared(BOUNDS[key], DECLARED[key])
    assert bounds.check(str(DECLARED[key]["default"])) is None
    if bounds.taken_by:
        assert f"{bounds.minimum:g} to {bounds.maximum:g}" in DECLARED[key]["description"]


def test_a_whole_number_without_bounds_is_none() -> None:
    """The program could not read it."""
    assert {key for key, declaration in DECLARED.items() if declaration["type"] == "integer"} <= BOUNDS.keys()


@pytest.mark.parametrize("group", ["d", "digits-dev", "A_very-long.resource(group)" * 3])
def test_physical_names_keep_azures_limits(group: str) -> None:
    """Names that are unique world-wide are made of what Azure takes, whatever the resource group is called."""
    found = settings(resource_group=group, subscription_id="00000000")
    assert re.fullmatch(r"[a-z0-9]{3,24}", names.storage_account(found))
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,23}", names.key_vault(found))
    assert re.fullmatch(r"[a-z0-9]{5,50}", names.registry(found))
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,62}", names.dns_name_label(found))


def test_two_subscriptions_do_not_share_a_name() -> None:
    """World-wide names carry the subscription's mark."""
    one, other = settings(subscription_id="1"), settings(subscription_id="2")
    assert names.storage_account(one) != names.storage_account(other)
