"""What a refresh found, in words: as text, Markdown and JSON."""

import json

import pytest

from digits.drift import formats
from digits.drift.findings import Change, Drift, compare, find, name_others
from digits.engine.events import Step

OURS = "pulumi-python:dynamic/azureml:"
MODEL = {"name": "digits", "version": 2.0, "ownedVersions": [1.0, 2.0], "sha256": "a" * 64, "tags": {"data": "MNIST"}}
SERVICE = {"name": "digits-dev", "state": "Healthy", "cpuCores": 1, "primaryKey": "[secret]"}


def step(operation: str, type_: str, before: dict[str, object], **found: object) -> Step:
    """Return what the engine says of a resource that was found with these properties."""
    name = type_.rpartition(":")[2].lower()
    return Step(operation, f"urn:pulumi:dev::digits::{type_}::{name}", type_, "", {}, before, {}, {**before, **found})


def drift(*steps: Step, unknown: str | None = None, **next_steps: str) -> Drift:
    """Return the answer for what was found."""
    return Drift("dev", 11, tuple(find(steps)), next_steps, unknown)


def test_only_the_leaves_that_differ_are_changes() -> None:
    """By their paths, in maps and in lists of the same length; the SDK's own names are left out."""
    expected = {"tags": {"a": "1", "b": "2"}, "list": [1, {"x": 1}], "short": [1], "gone": 0, "__provider": "x"}
    found = {"tags": {"a": "1", "b": "3"}, "list": [1, {"x": 2}], "short": [1, 2], "new": None, "__provider": "y"}
    assert list(compare(expected, found)) == [
        Change("tags.b", "2", "3"),
        Change("list[1].x", 1, 2),
        Change("short", [1], [1, 2]),
        Change("gone", 0, None),
        Change("new", None, None),
    ]


def test_what_is_as_it_was_is_no_finding() -> None:
    """Also where Azure's own bookkeeping moved on, which the engine does not count as a change."""
    assert find([step("same", "azure-native:storage:StorageAccount", {"name": "s"}, etag="2")]) == []


def test_a_resource_of_the_workspace_is_named_by_its_type() -> None:
    """Whatever azure-native compares is found, without a word of ours for it."""
    (finding,) = find([step("update", "azure-native:storage:StorageAccount", {"name": "digits"}, access="all")])
    assert (finding.title, finding.happened) == ("StorageAccount digits", ("changed",))
    assert finding.changes == (Change("access", None, "all"),)


def test_a_change_that_shows_only_in_secrets_is_a_finding_without_a_value() -> None:
    """Both values are masked alike, so that it changed is all there is to say."""
    (finding,) = find([step("update", "azure-native:keyvault:Vault", {"name": "v", "key": "[secret]"})])
    assert (finding.happened, finding.changes) == (("changed",), ())


def test_several_things_that_happened_to_one_resource_are_each_named_once() -> None:
    """Cores and memory are one scaling."""
    found = step("update", f"{OURS}Webservice", {**SERVICE, "memoryGb": 1}, state="Failed", cpuCores=2, memoryGb=4)
    text = formats.to_text(drift(found, webservice="update"))
    assert "Web service digits-dev: failed, scaled\n" in text
    assert "    state: expected Healthy, found Failed\n" in text


def test_a_regenerated_key_is_named_without_its_value() -> None:
    """The next `up` cannot bring it back, and the answer says what it does instead."""
    found = step("update", f"{OURS}Webservice", SERVICE, keysRegenerated=["primaryKey"], primaryKey="[secret] too")
    text = formats.to_text(drift(found, webservice="update"))
    assert "    primaryKey: expected as deployed, found regenerated\n" in text
    assert "The new keys come into the stack's outputs" in text
    assert "[secret]" not in text


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ("same", "takes it into the state and changes nothing"),
        ("create", "makes it again"),
        ("replace", "replaces it"),
        ("delete", "the program no longer declares it"),
    ],
)
def test_what_the_next_up_does_is_what_the_preview_said(operation: str, sentence: str) -> None:
    """One sentence at each finding, and the whole plan at the end: a repair draws others along."""
    found = step("delete", f"{OURS}Model", MODEL)
    text = formats.to_text(drift(found, model=operation, release="update"))
    assert "Model digits:2: deleted\n" in text
    assert sentence in text
    plan = "" if operation == "same" else f"{operation} model, "
    assert text.endswith(f"`make up STACK=dev` would now {plan}update release.")


def test_a_preview_that_failed_is_said_and_the_drift_all_the_same() -> None:
    """What was found does not depend on the files here."""
    found = step("delete", f"{OURS}Model", MODEL)
    text = formats.to_text(drift(found, unknown="model/metadata.json is missing."))
    assert "Model digits:2: deleted" in text
    assert "could not be previewed: model/metadata.json is missing." in text


def test_a_service_that_another_stack_deployed_is_nobodys_secret() -> None:
    """Named are those that no stack deployed and that run with a version of ours."""
    users = [
        ("intruder", ["digits:1", "other:1"], None),
        ("digits-guest", ["digits:2"], "digits/guest"),
        ("theirs", ["digits:3"], None),
    ]
    (finding,) = name_others(step("same", f"{OURS}Model", MODEL), users)
    assert (finding.title, finding.resource) == ("Web service intruder", None)
    assert finding.changes == (Change("models", None, ["digits:1"]),)
    text = formats.to_text(Drift("dev", 11, (finding,), {}))
    assert "does not change it" in text
    assert "make up" not in text


def test_markdown_is_a_table_that_no_value_breaks() -> None:
    """What others wrote into a tag stays in its cell, as code: no row of its own, no mention, no picture."""
    found = step("update", f"{OURS}Model", MODEL, tags={"data": "a|b`@all`\n| c"}, sha256="b" * 64)
    lines = formats.to_markdown(drift(found, model="update")).splitlines()
    assert lines[0] == "**Stack dev has drifted: 1 thing is not as deployed.**"
    assert "### Model digits:2: bytes replaced, re-tagged" in lines
    assert r"""| `tags.data` | `MNIST` | `"a¦b'@all'\n¦ c"` |""" in lines
    assert f"| `sha256` | `{'a' * 64}` | `{'b' * 64}` |" in lines


def test_text_moves_no_cursor() -> None:
    """A tag with an escape sequence is shown, not obeyed."""
    found = step("update", f"{OURS}Model", MODEL, tags={"data": "\x1b[2Jgone"})
    assert r'tags.data: expected MNIST, found "\u001b[2Jgone"' in formats.to_text(drift(found, model="update"))


def test_json_has_codes_and_whole_values() -> None:
    """For programs: nothing is shortened or put into words."""
    found = step("update", f"{OURS}Environment", {"name": "env", "version": "1", "conda": {}}, conda={"x": "y" * 99})
    answer = json.loads(formats.to_json(drift(found, environment="update")))
    assert answer["drift"] is True
    (finding,) = answer["findings"]
    assert (finding["resource"], finding["happened"]) == ("environment", ["definitionChanged"])
    assert finding["changes"] == [{"property": "conda.x", "expected": None, "found": "y" * 99}]
    assert answer["next"] == {"environment": "update"}
    assert json.loads(formats.to_json(drift()))["drift"] is False
