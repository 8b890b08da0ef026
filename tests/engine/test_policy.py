"""The policy pack through the real engine: a violation is a sentence with its fix, and a program that complies passes.

Each preview is of a stack that was never deployed, in a shell that `make env` made.
One stack violates every policy, one violates none, and the policy configuration of one lets it pass.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme
import yaml
from rules import RULES

from tests.engine.project import Project

# What each policy says of the stack where everything violates: what was found, and the fix.
SENTENCES = {
    "authentication-on": (
        "Web service 'digits-strict' answers anyone who asks, without a key (authEnabled is not true): "
        "write `digits:authEnabled: true` in Pulumi.strict.yaml."
    ),
    "tls-on": (
        "Web service 'digits-strict' sends keys and images over plain HTTP (sslEnabled is not true): "
        "write `digits:sslEnabled: true` in Pulumi.strict.yaml."
    ),
    "tags-present": (
        "Web service 'digits-strict' has no owner and no data among its tags: "
        "add them to digits:serviceTags in Pulumi.strict.yaml, as in `{owner: vision-team}`."
    ),
    "size-limited": (
        "Web service 'digits-strict' asks for 3.8 cores (maximumCpuCores is 2): "
        'write `digits:serviceCpuCores: "2"` or less in Pulumi.strict.yaml, '
        "or raise maximumCpuCores of size-limited in infra/policy/config/strict.json."
    ),
    "model-pinned": (
        "Web service 'digits-strict' does not say which model it runs (modelSha256 is 'latest'): "
        "deploy what `make model` writes, whose SHA-256 travels to the service as manifest.json."
    ),
    "packages-pinned": (
        "Environment 'tutorial-env' names no exact version of python, joblib>=1.6.0: "
        "write name==version for each in scoring/conda.yml."
    ),
    "gate-on": (
        "The release of 'digits-strict' counts without an evaluation of the live service (gateEnabled is not true): "
        "write `digits:gateEnabled: true` in Pulumi.strict.yaml."
    ),
    "storage-closed": (
        "takes requests over plain HTTP (enableHttpsTrafficOnly is not true): "
        "set enable_https_traffic_only=True in infra/workspace.py."
    ),
    "purge-protected": (
        "can be purged, with every secret in it (enablePurgeProtection is not true): "
        "write `digits:protectData: true` in Pulumi.strict.yaml."
    ),
    "workspace-closed": (
        "Azure ML workspace 'digits-strict-ml' can be reached from the internet (publicNetworkAccess is Enabled): "
        "write `digits:workspacePublicAccess: false` in Pulumi.strict.yaml, or allow it by publicAccess in "
        "infra/policy/config/strict.json."
    ),
}
# Two findings of one policy are two sentences.
MORE_SENTENCES = (
    'asks for 15 GB (maximumMemoryGb is 4): write `digits:serviceMemoryGb: "4"` or less',
    "may show its blobs to everybody",
    'write `digits:minimumAccuracy: "0.8"` or more in Pulumi.strict.yaml',
    "write `digits:evaluationRows: 100` or more (or 0 for all) in Pulumi.strict.yaml",
)

VIOLATING = {
    "authEnabled": False,
    "serviceCpuCores": "3.8",
    "serviceMemoryGb": "15",
    "serviceTags": {"data": "", "method": "sklearn"},
    "gateEnabled": False,
    "minimumAccuracy": "0.7",
    "evaluationRows": 5,
}
COMPLYING = {
    "serviceTags": {"owner": "vision-team"},
    "sslEnabled": True,
    "sslCname": "localhost",
    "sslCertificateFile": "certificates/guarded.pem",
    "sslKeyFile": "certificates/guarded.key",
    "protectData": True,
    "workspacePublicAccess": False,
}
VIOLATING_PROGRAM = {
    "infra/workspace.py": {
        "enable_https_traffic_only=True": "enable_https_traffic_only=False",
        "allow_blob_public_access=False": "allow_blob_public_access=True",
    },
    "infra/program.py": {'"modelSha256": model.sha256': '"modelSha256": "latest"'},
    "scoring/conda.yml": {"python=3.11": "python", "joblib==": "joblib>="},
}
Preview = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def fresh(deployed: Project) -> Project:
    """The project with two more stacks, in which nothing was deployed."""
    deployed.restore()
    for stack, settings in (("strict", VIOLATING), ("guarded", COMPLYING)):
        file = yaml.safe_load(deployed.read("Pulumi.dev.yaml"))
        config = {key: value for key, value in file["config"].items() if key != "digits:serviceTags"}
        config |= {f"digits:{key}": value for key, value in settings.items()}
        (deployed.directory / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
        deployed.pulumi("stack", "init", stack, "--no-select")
    issued = trustme.CA().issue_cert("localhost")
    certificates = deployed.directory / "certificates"
    certificates.mkdir()
    issued.cert_chain_pems[0].write_to_path(certificates / "guarded.pem")
    issued.private_key_pem.write_to_path(certificates / "guarded.key")
    return deployed


def preview(project: Project, stack: str, *options: str) -> Preview:
    """Preview as a user does after `make env`, in a shell of that stack."""
    command = f'eval "$(make -s env STACK={stack})" && exec pulumi preview --stack {stack} "$@"'
    return project.run("bash", "-ec", command, "bash", "--non-interactive", "--color=never", *options, check=False)


@contextmanager
def changed(project: Project, changes: dict[str, dict[str, str]]) -> Iterator[None]:
    """Have another program meanwhile."""
    for name, replacements in changes.items():
        text = project.read(name)
        for old, new in replacements.items():
            assert old in text, f"{old} in {name}"
            text = text.replace(old, new)
        project.write(name, text)
    try:
        yield
    finally:
        project.restore()


@pytest.fixture(scope="module")
def violating(fresh: Project) -> Preview:
    """The preview of a stack in which every policy is violated, under the pack's defaults."""
    with changed(fresh, VIOLATING_PROGRAM):
        return preview(fresh, "strict")


@pytest.fixture(scope="module")
def complying(fresh: Project) -> Preview:
    """The preview of a stack in which no policy is violated, under the pack's defaults."""
    return preview(fresh, "guarded")


def test_every_policy_is_violated_here_and_complied_with() -> None:
    """A policy without its two tests is none."""
    assert {rule.name for rule in RULES} == SENTENCES.keys()


@pytest.mark.parametrize("policy", SENTENCES)
def test_a_violation_is_named_with_what_was_found_and_the_fix(violating: Preview, policy: str) -> None:
    """One sentence under the policy's name: the resource, the input, what to write where."""
    assert f"[mandatory]  {policy}  (" in violating.stdout
    assert SENTENCES[policy] in violating.stdout


@pytest.mark.parametrize("policy", SENTENCES)
def test_a_program_that_complies_passes(complying: Preview, policy: str) -> None:
    """The same policy under the same settings says nothing of a program that keeps it."""
    assert complying.returncode == 0, complying.stdout
    assert "✅ digits@v" in complying.stdout
    assert policy not in complying.stdout


def test_a_mandatory_violation_fails_the_preview(violating: Preview) -> None:
    """Nothing is deployed past it; every finding is there at once, and no policy gave up on an unknown value."""
    assert violating.returncode != 0
    assert "preview failed" in violating.stdout
    assert all(sentence in violating.stdout for sentence in MORE_SENTENCES)
    assert "can't run policy" not in violating.stdout
    assert "Traceback" not in violating.stdout + violating.stderr


def test_make_up_changes_nothing_that_a_policy_refuses(fresh: Project) -> None:
    """Every policy speaks before the first resource, also on a stack whose `up` previews nothing."""
    with changed(fresh, VIOLATING_PROGRAM):
        refused = fresh.run("make", "-s", "-o", "emulator", "-o", "model", "up", "STACK=strict", check=False)
    assert refused.returncode != 0
    for policy, sentence in SENTENCES.items():
        assert sentence in refused.stdout + refused.stderr, policy
    exported = json.loads(fresh.pulumi("stack", "export", "--stack", "strict").stdout)
    assert exported["deployment"].get("resources", []) == []


def test_a_worse_model_is_not_live_before_a_policy_speaks(project: Project) -> None:
    """The last resource's policy stops the service's change, which comes before it; the fix names what is wrong."""
    before = project.state()
    project.configure(minimumAccuracy="0.7")
    project.write("scoring/score.py", project.read("scoring/score.py") + "\n")
    refused = project.run("make", "-s", "-o", "emulator", "-o", "model", "up", check=False)
    assert refused.returncode != 0
    assert "accuracy of 0.7 (the stack's policy asks for 0.8)" in refused.stderr
    assert 'write `digits:minimumAccuracy: "0.8"` or more in Pulumi.dev.yaml' in refused.stderr
    assert "gateEnabled" not in refused.stderr
    assert project.state() == before


def test_a_stack_chooses_enforcement_and_values(fresh: Project) -> None:
    """infra/policy/config/<stack>.json: advice does not fail, a disabled policy is silent, limits hold."""
    chosen = fresh.directory / "infra/policy/config/strict.json"
    chosen.write_text(
        json.dumps(
            {
                "all": "advisory",
                "tls-on": "disabled",
                "size-limited": {"maximumCpuCores": 4, "maximumMemoryGb": 16},
                "workspace-closed": {"exempt": ["workspace"]},
            }
        )
    )
    try:
        advised = preview(fresh, "strict")
    finally:
        chosen.unlink()
    assert advised.returncode == 0, advised.stdout
    assert "[advisory]  authentication-on  (" in advised.stdout
    assert "[mandatory]" not in advised.stdout
    for policy in ("tls-on", "size-limited", "workspace-closed"):
        assert policy not in advised.stdout, policy


def test_the_dev_stack_keeps_its_own_policies(fresh: Project) -> None:
    """`make up` is held against infra/policy/config/dev.json, and what is deployed there, archive and all, passes."""
    passed = preview(fresh, "dev")
    assert passed.returncode == 0, passed.stdout
    assert "✅ digits@v" in passed.stdout
