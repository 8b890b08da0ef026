"""The policies without the engine: edges of the rules, their table in docs/policy.md, and their switch."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest
import yaml
from rules import RULES, Resource, Rule
from switch import VARIABLES, SwitchError, choose

from digits.stack import StackFileError

ROOT = Path(__file__).parents[2]
BY_NAME = {rule.name: rule for rule in RULES}
SHA256 = "0123456789abcdef" * 4


def judge(name: str, inputs: dict[str, Any], **settings: object) -> list[str]:
    """Return what a policy says of a resource, under its defaults but for what is named."""
    rule = BY_NAME[name]
    defaults = {key: schema["default"] for key, schema in rule.schema.items()}
    return list(rule.judge(Resource("prod", inputs, {**defaults, **settings})))


def packages(*dependencies: object) -> list[str]:
    """Return what is said of an environment with these dependencies."""
    return judge("packages-pinned", {"name": "env", "conda": {"dependencies": [*dependencies]}})


@pytest.mark.parametrize(
    "text", ["numpy", "numpy>=2", "numpy==2.*", "numpy==2,<3", "numpy~=2.1", "-r more.txt", "numpy @ https://x/n.whl"]
)
def test_a_requirement_of_pip_that_leaves_a_choice_is_found(text: str) -> None:
    """Only == and === with one whole version leave none."""
    assert text in packages({"pip": [text]})[0]


@pytest.mark.parametrize("text", ["numpy==2.4.6", "uvicorn[standard]==0.34", "numpy === 2.4.6 ; python_version>'3'"])
def test_a_requirement_of_pip_that_leaves_no_choice_passes(text: str) -> None:
    """With extras and markers too."""
    assert packages({"pip": [text]}) == []


@pytest.mark.parametrize("text", ["numpy", "numpy=2.4.6", "numpy=2.4", "conda-forge::numpy>=2", "python", "python>=3"])
def test_a_package_of_conda_that_leaves_a_choice_is_found(text: str) -> None:
    """For conda a single = asks for a prefix: =2.4.6 takes 2.4.6.1 too."""
    assert text in packages(text)[0]


@pytest.mark.parametrize("text", ["numpy==2.4.6", "conda-forge::numpy=2.4.6=py311_0", "pip", "python=3.11"])
def test_a_package_of_conda_that_leaves_no_choice_passes(text: str) -> None:
    """The one only installs, the other's patches are security fixes: these two need no exact version."""
    assert packages(text) == []


def test_the_projects_own_conda_file_passes() -> None:
    """What is committed keeps its own policy."""
    conda = yaml.safe_load((ROOT / "scoring/conda.yml").read_text())
    assert judge("packages-pinned", {"name": "env", "conda": conda}) == []


@pytest.mark.parametrize(
    ("manifest", "passes"),
    [
        (json.dumps({"model": {"sha256": SHA256}}), True),
        (json.dumps({"model": {"sha256": SHA256[::-1]}}), False),
        ("[]", False),
        ("{", False),
        (None, False),
    ],
)
def test_the_manifest_must_name_the_model_that_is_deployed(manifest: str | None, passes: bool) -> None:  # noqa: FBT001
    """The service holds the model against the manifest, so one that names another model pins nothing."""
    assets = {} if manifest is None else {"manifest.json": SimpleNamespace(text=manifest)}
    inputs = {"name": "digits", "modelSha256": SHA256, "scoringPackage": SimpleNamespace(assets=assets)}
    assert (judge("model-pinned", inputs) == []) is passes


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"minimumAccuracy": 0.9, "rows": 0}, ""),
        ({"minimumAccuracy": 0.8, "rows": 100}, ""),
        ({"minimumAccuracy": 0.1, "rows": 0}, "accuracy of 0.1 (the stack's policy asks for 0.8)"),
        ({"minimumAccuracy": 0.9, "rows": 5}, "after 5 images (the stack's policy asks for 100)"),
    ],
)
def test_a_gate_that_lets_everything_through_is_as_good_as_none(inputs: dict[str, float], found: str) -> None:
    """A threshold of nothing, or a handful of images, switches it off by another name."""
    said = judge("gate-on", {"service": "digits", "gateEnabled": True, **inputs})
    assert len(said) == bool(found)
    assert all(found in sentence for sentence in said)


@pytest.mark.parametrize(
    ("policy", "inputs", "fix"),
    [
        ("gate-on", {"gateEnabled": True, "minimumAccuracy": 0.7, "rows": 0}, 'digits:minimumAccuracy: "0.8"'),
        ("gate-on", {"gateEnabled": True, "minimumAccuracy": 0.9, "rows": 5}, "digits:evaluationRows: 100"),
        ("gate-on", {"gateEnabled": False, "minimumAccuracy": 0.9, "rows": 0}, "digits:gateEnabled: true"),
        ("size-limited", {"cpuCores": 3, "memoryGb": 1}, 'digits:serviceCpuCores: "2"'),
        ("size-limited", {"cpuCores": 1, "memoryGb": 8}, 'digits:serviceMemoryGb: "4"'),
        ("storage-closed", {"enableHttpsTrafficOnly": True}, "allow_blob_public_access=False"),
        ("storage-closed", {"allowBlobPublicAccess": False}, "enable_https_traffic_only=True"),
    ],
)
def test_the_fix_names_only_what_is_wrong(policy: str, inputs: dict[str, Any], fix: str) -> None:
    """A setting that is right already is no advice."""
    (said,) = judge(policy, inputs)
    assert fix in said
    settings = ("gateEnabled:", "minimumAccuracy:", "evaluationRows:", "CpuCores:", "MemoryGb:", "access=", "only=")
    assert sum(said.count(setting) for setting in settings) == 1, said


def test_what_azure_does_by_itself_counts() -> None:
    """A workspace that says nothing is open, a vault that says nothing is not protected."""
    assert judge("workspace-closed", {"workspaceName": "ml"})
    assert not judge("workspace-closed", {"workspaceName": "ml"}, publicAccess=True)
    assert judge("purge-protected", {"vaultName": "kv", "properties": {}})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_table_in_the_docs_is_the_packs(rule: Rule) -> None:
    """Name, meaning, settings with their defaults, and the fix, in the pack's own words."""
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", (ROOT / "docs/policy.md").read_text(), re.MULTILINE))
    assert rows.keys() == BY_NAME.keys()
    meaning, settings, fix = rows[rule.name].split(" | ")
    written = ", ".join(f"`{name}: {json.dumps(schema['default'])}`" for name, schema in rule.settings.items())
    assert (meaning, settings, fix) == (rule.description, written or " ", rule.fix.format(stack="<stack>"))


@pytest.mark.parametrize("path", sorted((ROOT / "infra/policy/config").glob("*.json")), ids=lambda path: path.stem)
def test_a_stacks_policy_configuration_is_what_the_schemas_take(path: Path) -> None:
    """Values of the right type; that the names exist, `make env` asks."""
    for name, choice in json.loads(path.read_text()).items():
        schema = {"type": "object", "properties": BY_NAME[name].schema}
        assert choice in {"advisory", "mandatory", "disabled"} if isinstance(choice, str) else True
        assert isinstance(choice, str) or jsonschema_rs.is_valid(schema, choice)
    assert dict(choose(ROOT, path.stem))["PULUMI_OPTION_POLICY_PACK_CONFIG"]


def write_project(directory: Path, stack: str, policies: str = "{}") -> Path:
    """Write what the switch reads."""
    (directory / "infra/policy/config").mkdir(parents=True)
    (directory / "infra/policy/config/prod.json").write_text(policies)
    (directory / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    azure = "".join(f"  azure-native:{name}: x\n" for name in ("subscriptionId", "tenantId", "location"))
    for name in ("prod", "another"):
        (directory / f"Pulumi.{name}.yaml").write_text(f"config:\n{azure}{stack}")
    return directory


@pytest.mark.parametrize(
    ("stack", "enabled"),
    [
        ("", True),
        ("  digits:policyEnabled: true\n", True),
        ("  digits:policyEnabled: false\n", False),
        ('  digits:policyEnabled: "false"\n', False),  # as `pulumi config set` writes it
    ],
)
def test_one_switch_turns_the_pack_on_and_off(tmp_path: Path, stack: str, enabled: bool) -> None:  # noqa: FBT001
    """On unless the stack says otherwise; off takes back what another stack's shell had on."""
    pack = f"{tmp_path}/infra/policy"
    paths = (pack, f"{pack}/config/prod.json") if enabled else (None, None)
    assert list(choose(write_project(tmp_path, stack), "prod")) == list(zip(VARIABLES, paths, strict=True))


def test_a_stack_without_a_policy_configuration_gets_the_packs_defaults(tmp_path: Path) -> None:
    """The strictest there are."""
    chosen = dict(choose(write_project(tmp_path, ""), "another"))
    assert chosen == dict(zip(VARIABLES, (f"{tmp_path}/infra/policy", None), strict=True))


def test_a_comma_in_a_path_does_not_make_two_of_it(tmp_path: Path) -> None:
    """The CLI reads the variable as a line of CSV."""
    project = write_project(tmp_path / "here, there", "")
    assert dict(choose(project, "prod"))["PULUMI_OPTION_POLICY_PACK"] == f'"{project}/infra/policy"'


@pytest.mark.parametrize(
    ("stack", "policies", "sentence"),
    [
        ("  digits:policyEnabled: perhaps\n", "{}", "policyEnabled is 'perhaps': write true or false"),
        ("  digits:policyEnabld: false\n", "{}", "digits:policyEnabld is no setting: write digits:policyEnabled"),
        ("", '{"tls-of": "disabled"}', "names a policy 'tls-of', which does not exist: write tls-on."),
        ("", '{"nothing-near": "disabled"}', "write authentication-on, tls-on,"),
        ("", '{"size-limited": {"maximumCores": 1}}', "no such setting: write maximumCpuCores."),
        ("", '{"all": {"maximumCpuCores": 1}}', "sets maximumCpuCores of 'all', which has no such setting: write enf"),
        ("", '{"tls-on": "disable"}', "gives 'tls-on' the level \"disable\": write disabled."),
        ("", '{"tls-on": false}', "gives 'tls-on' the level false: write mandatory, advisory or disabled."),
        ("", '{"tls-on": {"enforcementLevel": "of"}}', "gives 'tls-on' the level \"of\": write"),
        ("", '{"tls-on": "disabled", "tls-on": "mandatory"}', "has tls-on twice: keep one"),
        ("", '{"tls-on": {"exempt": [], "exempt": ["a"]}}', "has tls-on, exempt twice: keep one"),
        ("", "[]", "is no object"),
        ("", "{", "infra/policy/config/prod.json is not JSON"),
    ],
)
def test_a_mistake_in_a_stacks_choice_is_not_passed_over(
    tmp_path: Path, stack: str, policies: str, sentence: str
) -> None:
    """The engine ignores what it does not know, and a misspelt policy would be none."""
    with pytest.raises((SwitchError, StackFileError), match=re.escape(sentence)):
        list(choose(write_project(tmp_path, stack, policies), "prod"))


def test_all_that_is_wrong_in_a_policy_configuration_is_said_at_once(tmp_path: Path) -> None:
    """Each on its own line."""
    project = write_project(tmp_path, "", '{"tls-of": "disabled", "size-limited": {"maximumCores": 1}, "gate-on": 1}')
    with pytest.raises(SwitchError) as refused:
        list(choose(project, "prod"))
    assert len(str(refused.value).splitlines()) == 3


def test_a_policy_configuration_of_no_stack_is_refused(tmp_path: Path) -> None:
    """A file under a misspelt name would be read by nobody, and its stack held against the defaults."""
    project = write_project(tmp_path, "")
    (project / "infra/policy/config/prd.json").write_text("{}")
    with pytest.raises(
        SwitchError, match=re.escape("infra/policy/config/prd.json belongs to no stack: name it prod.json")
    ):
        list(choose(project, "prod"))
