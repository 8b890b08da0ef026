"""A stack's file: what is wrong in it is said before anything is done, all of it, with the line and the fix."""

import re
import subprocess
import sys
from pathlib import Path

import pulumi_azure_native.config.vars as provider
import pytest

from digits.stack import BackendError, Keys, StackFileError, find_unknown, read, require_shared
from digits.stack.keys import PROVIDER_TYPES

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
WHOLE = "config:\n  azure-native:subscriptionId: a\n  azure-native:tenantId: b\n  azure-native:location: c\n"


def write(directory: Path, text: str | bytes) -> Path:
    """Write the stack's file next to the project's own declaration."""
    (directory / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (directory / "Pulumi.dev.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return directory


def refuse(directory: Path, text: str | bytes) -> list[str]:
    """Return the lines with which the file is refused, none where it is taken."""
    try:
        read(write(directory, text), "dev")
    except StackFileError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize("stack", STACKS)
def test_the_projects_own_files_are_taken(stack: str) -> None:
    """What is committed can be deployed once its placeholders are filled in."""
    assert read(ROOT, stack).config["azure-native:location"]


def test_the_providers_own_keys_are_known() -> None:
    """A legitimate key of azure-native is never refused: they are those of its SDK."""
    properties = vars(provider._ExportableConfig).items()  # noqa: SLF001 (as it is generated from the schema)
    names = [name for name, value in properties if isinstance(value, property)]
    camel = {first + "".join(map(str.capitalize, rest)) for first, *rest in (name.split("_") for name in names)}
    assert camel == PROVIDER_TYPES.keys()


@pytest.mark.parametrize(
    "line",
    [
        "azure-native:useMsi: true",
        'azure-native:useOidc: "true"',
        "azure-native:clientId: x",
        "azure-native:clientSecret: {secure: v1:abc}",
        "azure-native:auxiliaryTenantIds: [x, y]",
        "pulumi:tags: {owner: x}",
        "pulumi:disable-default-providers: [aws]",
        "digits:authEnabled: false",
        'digits:authEnabled: "false"',
        'digits:evaluationRows: "5"',
        "digits:evaluationRows: 5",
        "digits:rehearsalRows: 1",
        'digits:minimumAccuracy: "1"',
        'digits:maximumDrop: ""',
        'digits:serviceMemoryGb: "15"',
        "'digits:serviceName': 'digits'",
        'digits:resourceGroup: ""',
        "digits:serviceTags: {owner: me, n: '1'}",
        "digits:serviceDescription: *name",
        "digits:release: '{\"id\": 1}'",
    ],
)
def test_what_pulumi_and_the_program_read_is_taken(tmp_path: Path, line: str) -> None:
    """In each way in which Pulumi itself writes it."""
    anchored = WHOLE.replace(": c\n", ": &name c\n")
    sections = "encryptionsalt: v1:x\nsecretsprovider: x\nencryptedkey: x\n"
    assert refuse(tmp_path, f"{sections}{anchored}  {line}\n") == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("digits:minimumAcuracy: '0.7'", "digits:minimumAcuracy is no setting: write digits:minimumAccuracy"),
        ("digits:minimumaccuracy: '0.7'", "digits:minimumaccuracy is no setting: write digits:minimumAccuracy"),
        ("digit:minimumAccuracy: '0.7'", "digit:minimumAccuracy is no setting: write digits:minimumAccuracy"),
        ("digits:zzz: red", "digits:zzz is no setting: remove the line, or write one of those that Pulumi.yaml"),
        ("aws:region: x", "aws:region is no setting: remove the line"),
        ("azure-native:locaton: x", "azure-native:locaton is no setting: write azure-native:location"),
        ("azure:location: x", "azure:location is no setting: write azure-native:location"),
        ("digits:location: x", "digits:location is no setting: write azure-native:location"),
        ("pulumi:tag: {a: b}", "pulumi:tag is no setting: write pulumi:tags"),
        ("minimumAccuracy: '0.7'", "minimumAccuracy is not the key's full name: write digits:minimumAccuracy"),
        ("minimumAcuracy: '0.7'", "minimumAcuracy is no setting: write digits:minimumAccuracy"),
        ("subscriptionId: x", "subscriptionId is no setting: write azure-native:subscriptionId"),
        ("digits:config:cloud: azure", "digits:config:cloud is not the key's full name: write digits:cloud"),
        (
            "digits: {cloud: azure}",
            "digits has keys of its own under it: write each in full in config, as digits:<name>",
        ),
        ("azure-native: {location: x}", "azure-native has keys of its own under it: write each in full"),
        ("digits:modelName: [a]", "digits:modelName is a list: write one text"),
        ("digits:modelName: {a: b}", "digits:modelName is a group of keys: write one text"),
        ("digits:minimumAccuracy: 0.7", 'YAML reads 0.7 as a number: write "0.7", in quotes'),
        ("digits:serviceName: 0012", 'YAML reads 0012 as a number: write "0012", in quotes'),
        ("digits:serviceName: no", 'YAML reads no as true or false: write "no", in quotes'),
        ("digits:serviceName: 2026-01-01", 'YAML reads 2026-01-01 as a date: write "2026-01-01", in quotes'),
        ("digits:serviceName:", "digits:serviceName has no value: write one"),
        ("digits:serviceName: ~", "digits:serviceName has no value: write one"),
        ("digits:serviceName: !mine x", "cannot be read"),
        ("digits:serviceName: {secure: v1:abc}", "digits:serviceName is encrypted (secure:), but it is no secret"),
        ("digits:authEnabled: {secure: v1:abc}", "digits:authEnabled is encrypted (secure:), but it is no secret"),
        ("digits:authEnabled: yes", "digits:authEnabled is 'yes': write true or false"),
        ("digits:authEnabled: True", "digits:authEnabled is 'True': write true or false"),
        ("digits:authEnabled: [true]", "digits:authEnabled is a list: write true or false"),
        ("digits:evaluationRows: 1.5", "digits:evaluationRows is '1.5': write a whole number"),
        ("digits:evaluationRows: 010", "digits:evaluationRows is '010': write a whole number"),
        ("digits:serviceTags: owner", "digits:serviceTags is 'owner': write names and texts"),
        (
            "digits:serviceTags: {owner: 1}",
            'digits:serviceTags (owner) is text, but YAML reads 1 as a number: write "1"',
        ),
        ("digits:serviceTags: {owner: {secure: x}}", "digits:serviceTags (owner) is encrypted"),
        ("digits:evaluationRows: -1", "digits:evaluationRows is -1: write 0 or more"),
        ("digits:minimumAccuracy: '95'", "digits:minimumAccuracy is 95, but it is a fraction: write 0.95"),
        ("digits:maximumDrop: '-1'", "digits:maximumDrop is -1, but it is a fraction: write 0 to 1"),
        ("digits:maximumDrop: high", "digits:maximumDrop is 'high': write a fraction such as 0.9"),
        ("digits:minimumAccuracy: ''", "digits:minimumAccuracy is '': write a fraction such as 0.9"),
        ("digits:serviceCpuCores: '64'", "digits:serviceCpuCores is 64, but ACI takes 0.1 to 3.8: write such a number"),
        ("digits:serviceMemoryGb: nan", "digits:serviceMemoryGb is nan, but ACI takes 0.5 to 15: write such a number"),
        ("digits:maximumP95LatencyMs: '0'", "digits:maximumP95LatencyMs is 0: write a number above 0"),
        ("digits:maximumP95LatencyMs: inf", "digits:maximumP95LatencyMs is inf: write a number above 0"),
        ("azure-native:useMsi: maybe", "azure-native:useMsi is 'maybe': write true or false"),
        ("azure-native:location: d", "azure-native:location stands in line 4 already: keep one of the two"),
        ("? [a]\n  : b", "a list is no setting"),
        ("<<: {digits:cloud: azure}", "<< is no setting"),
    ],
)
def test_what_would_be_passed_over_is_refused(tmp_path: Path, line: str, sentence: str) -> None:
    """One sentence, with the file, the line and what to write."""
    (said,) = refuse(tmp_path, f"{WHOLE}  {line}\n")
    assert sentence in said
    assert said.startswith("Pulumi.dev.yaml")
    assert ", line 5: " in said or "cannot be read" in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Pulumi.dev.yaml is empty: write a section config: with azure-native:subscriptionId"),
        ("# later\n", "Pulumi.dev.yaml is empty"),
        ("encryptionsalt: v1:x\n", "there is nothing in a section config"),
        ("config:\n", "line 1: there is nothing in a section config"),
        ("config: {}\n", "line 1: there is nothing in a section config"),
        ("config: [a]\n", "line 1: config is a list"),
        ("config: a\n", "line 1: config is 'a'"),
        ("[a]\n", "line 1: this is a list"),
        ("a\n", "line 1: this is 'a'"),
        (WHOLE + '  digits:modelName: "a\n', "line 6: this is not YAML (found unexpected end of stream)"),
        (WHOLE + "\tdigits:modelName: a\n", "line 5: this is not YAML (found character '\\t'"),
        (WHOLE + "  digits:modelName: *a\n", "line 5: this is not YAML (found undefined alias 'a')"),
        (WHOLE + "---\na: b\n", "line 5: this is not YAML (but found another document)"),
        (WHOLE + "digits:cloud: azure\n", "line 5: digits:cloud stands outside of the section config"),
        (WHOLE + "cloud: azure\n", "line 5: cloud stands outside of the section config"),
        (WHOLE + "encryptionsal: x\n", "line 5: encryptionsal is no section of a stack's file: write encryptionsalt:"),
        (WHOLE.replace("config", "confg"), "line 1: confg is no section of a stack's file: write config:"),
        (WHOLE + WHOLE, "line 5: config stands in line 1 already"),
        (WHOLE.replace("  azure-native:location: c\n", ""), "azure-native:location is missing: write it under config:"),
        (b"\xff\xfe", "Pulumi.dev.yaml is not text in UTF-8"),
        ("a: \x01", "Pulumi.dev.yaml is not YAML (unacceptable character"),
    ],
)
def test_a_file_that_is_no_stacks_is_refused(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    """Empty, not YAML, or without what a stack's file has."""
    said = refuse(tmp_path, text)
    assert sentence in said[0]
    assert all("Traceback" not in line for line in said)


def test_all_that_is_wrong_is_said_at_once_by_lines(tmp_path: Path) -> None:
    """A misspelt required key is not also a missing one."""
    text = WHOLE.replace("tenantId", "tenantld") + "  digits:cluod: azure\n  digits:authEnabled: 1\nconfigs: {}\n"
    said = refuse(tmp_path, text)
    assert [re.sub(r"Pulumi.dev.yaml, line (\d+): (\S+) .*", r"\1 \2", line) for line in said] == [
        "3 azure-native:tenantld",
        "5 digits:cluod",
        "6 digits:authEnabled",
        "7 configs",
    ]


def test_an_environment_of_pulumis_may_hold_the_keys_that_are_missing(tmp_path: Path) -> None:
    """What the file does not say can come from there; the program asks for it once all is known."""
    assert refuse(tmp_path, "environment: [azure]\nconfig:\n  digits:cloud: azure\n") == []


def test_a_key_that_came_from_elsewhere_is_refused_too(tmp_path: Path) -> None:
    """Such as one in another file, of `pulumi up --config-file`."""
    said = find_unknown(Keys.declared(write(tmp_path, WHOLE)), ["digits:cloud", "digits:clud", "azure-native:useMsi"])
    assert said == ["digits:clud is no setting: write digits:cloud, or remove the line."]


def test_a_stack_without_a_file_is_named_with_those_that_have_one(tmp_path: Path) -> None:
    """A misspelt stack is not an empty one."""
    with pytest.raises(StackFileError, match=r"There is no stack 'prd': name one of dev, or write Pulumi\.prd\.yaml"):
        read(write(tmp_path, WHOLE), "prd")


LOCAL = "file:///home/me/digits/.state?metadata=skip"
SHARED = "azblob://state?storage_account=digitsstate42"


def run(directory: Path, backend: str = SHARED) -> subprocess.CompletedProcess[str]:
    """Run what make runs before anything else."""
    command = [sys.executable, "-m", "digits", "stack", "check"]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(directory), "PULUMI_CONFIG_PASSPHRASE": ""}
    environment |= {"PULUMI_BACKEND_URL": backend}
    return subprocess.run(command, cwd=directory, env=environment, text=True, capture_output=True, check=False)


def test_the_command_says_each_problem_and_exits_with_2(tmp_path: Path) -> None:
    """On stderr, without a traceback."""
    refused = run(write(tmp_path, WHOLE + "  digits:a: b\n  digits:c: d\n"))
    assert refused.returncode == 2
    assert [line[:30] for line in refused.stderr.splitlines()] == [
        "error: Pulumi.dev.yaml, line 5",
        "error: Pulumi.dev.yaml, line 6",
    ]


@pytest.mark.parametrize(
    ("line", "url", "taken"),
    [
        ("", LOCAL, False),
        ("  digits:localState: false\n", LOCAL, False),
        ("  digits:localState: true\n", LOCAL, True),
        ('  digits:localState: "true"\n', LOCAL, True),
        ("  digits:cloud: emulator\n", LOCAL, True),
        ("", SHARED, True),
        ("", "https://api.pulumi.com", True),
        ("", "", True),  # the last login's, of which there is none: the CLI asks for one
    ],
)
def test_a_stack_on_azure_starts_no_state_on_this_machine_unasked(
    tmp_path: Path,
    line: str,
    url: str,
    taken: bool,  # noqa: FBT001
) -> None:
    """One sentence with the fix and with the way to confirm; the emulator's stacks are never asked."""
    answer = run(write(tmp_path, WHOLE + line), url)
    assert (answer.returncode == 0) is taken, answer.stderr
    if not taken:
        (said,) = answer.stderr.splitlines()
        assert "Stack 'dev' is deployed to Azure, but its state would lie on this machine" in said
        assert "`export PULUMI_BACKEND_URL='azblob://state?storage_account=…'`" in said
        assert "`digits:localState: true` in Pulumi.dev.yaml" in said


def test_the_state_is_looked_for_where_the_cli_looks(tmp_path: Path) -> None:
    """The shell's URL, then the project's, then the last login's."""
    write(tmp_path, WHOLE)
    home = {"PULUMI_HOME": str(tmp_path)}
    (tmp_path / "credentials.json").write_text('{"current": "file://~"}')
    for environment in ({"PULUMI_BACKEND_URL": LOCAL}, home):
        with pytest.raises(BackendError):
            require_shared("dev", environment, tmp_path)
    require_shared("dev", {**home, "PULUMI_BACKEND_URL": SHARED}, tmp_path)
    with (tmp_path / "Pulumi.yaml").open("a") as file:
        file.write(f"backend: {{url: '{SHARED}'}}\n")
    require_shared("dev", home, tmp_path)
