"""Drift: what somebody changes in the portal is found, named and repaired by the next `up`.

Each episode changes several things at once, looks, deploys and looks again; the tests are about what was seen.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from infra.model import sha256
from tests.engine.portal import Portal
from tests.engine.project import Deployment, Project

pytestmark = pytest.mark.timeout(900)  # the first test waits for a deployment that was changed, found and repaired

SERVICE = "digits-dev"
OURS = f"Web service {SERVICE}"


@dataclass(frozen=True)
class Look:
    """The result of a look at the stack: exit code, the answer and its findings by title."""

    status: int
    printed: str
    answer: dict[str, Any]

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """The findings by title."""
        return {finding["title"]: finding for finding in self.answer["findings"]}

    def happened(self, title: str) -> set[str]:
        """What happened to this."""
        return set(self.findings[title]["happened"])

    def changes(self, title: str) -> dict[str, tuple[Any, Any]]:
        """What was expected and found, by property."""
        return {change["property"]: (change["expected"], change["found"]) for change in self.findings[title]["changes"]}


@dataclass(frozen=True)
class Episode:
    """The outputs before, a look at what was changed, the `up` that follows, and what is there afterwards."""

    before: dict[str, Any]
    look: Look
    deployment: Deployment
    after: dict[str, Any]
    service: dict[str, Any]
    status: int  # of a scoring request


def look(project: Project) -> Look:
    """Look for drift."""
    done = project.python("-m", "digits", "drift", "--json", check=False)
    assert done.returncode in (0, 1), done.stderr
    return Look(done.returncode, done.stdout + done.stderr, json.loads(done.stdout))


def repair(project: Project, portal: Portal, before: dict[str, Any]) -> Episode:
    """Look, then deploy as `make up` does."""
    seen = look(project)
    deployment = project.up("--refresh")
    after = project.outputs()
    return Episode(before, seen, deployment, after, portal.service(SERVICE), score_blank(after))


def score_blank(outputs: dict[str, Any]) -> int:
    """Score a blank image; return the status."""
    headers = {"Authorization": f"Bearer {outputs['primaryKey']}"}
    body = {"data": np.zeros((1, 784)).tolist()}
    return httpx.post(outputs["scoringUri"], json=body, headers=headers, timeout=30, trust_env=False).status_code


@pytest.fixture(scope="module")
def portal(deployed: Project) -> Iterator[Portal]:
    """Somebody else, while the committed files are deployed."""
    deployed.deploy_committed()
    portal = Portal(deployed.environment)
    yield portal
    portal.close()


@pytest.fixture(scope="module")
def tinkered(deployed: Project, portal: Portal) -> Episode:
    """The service re-tagged, scaled, broken, with another key; the model re-tagged, and run by a second service."""
    before = deployed.outputs()
    portal.copy_service(SERVICE, "intruder")
    portal.regenerate_key(SERVICE, "Primary")
    image = portal.service(SERVICE)["environmentImageRequest"]
    variables = {**image["environment"]["environmentVariables"], "AZUREML_ENTRY_SCRIPT": "scoring/rows.py"}
    broken = {**image, "environment": {**image["environment"], "environmentVariables": variables}}
    portal.change_service(
        SERVICE,
        kvTags={**portal.service(SERVICE)["kvTags"], "method": "by hand"},
        containerResourceRequirements={"cpu": 0.5, "memoryInGB": 1.5},
        environmentImageRequest=broken,
    )
    portal.tag_model(_model(before), {"data": "digits", "reviewed": "no"})
    return repair(deployed, portal, before)


@pytest.fixture(scope="module")
def replaced(deployed: Project, portal: Portal, tinkered: Episode) -> Episode:
    """The service deleted, and the model's file overwritten in the workspace's storage; the second service goes on."""
    portal.delete_service(SERVICE)
    portal.replace_bytes(_model(tinkered.after), b"not the model that was evaluated")
    episode = repair(deployed, portal, tinkered.after)
    assert portal.service("intruder")["state"] == "Healthy"
    portal.delete_service("intruder")
    return episode


@pytest.fixture(scope="module")
def model_gone(deployed: Project, portal: Portal, replaced: Episode) -> Look:
    """The model deleted, for which its service had to go."""
    portal.delete_service(SERVICE)
    portal.delete_model(_model(replaced.after))
    return look(deployed)


@pytest.fixture(scope="module")
def workspace_gone(
    deployed: Project,
    portal: Portal,
    model_gone: Look,  # noqa: ARG001 - comes before
) -> tuple[dict[str, Any], Look]:
    """The workspace deleted; what it was, and a look."""
    return portal.delete_workspace(), look(deployed)


@pytest.fixture(scope="module")
def remade(deployed: Project, portal: Portal, workspace_gone: tuple[dict[str, Any], Look]) -> Episode:
    """The workspace made again by hand, with another definition under our environment's version."""
    before = deployed.outputs()
    portal.make_workspace(workspace_gone[0])
    conda = yaml.safe_load(deployed.read("scoring/conda.yml"))
    conda["dependencies"][-1]["pip"].remove("skops==0.16.0")
    name, version = before["release"]["environment"].split(":")
    portal.register_environment(name, version, conda)
    return repair(deployed, portal, before)


def test_a_service_that_failed_is_found_and_deployed_again(tinkered: Episode) -> None:
    """Somebody's update broke it: its state is named, and the next `up` serves what was released."""
    assert tinkered.look.status == 1
    assert "failed" in tinkered.look.happened(OURS)
    assert tinkered.look.changes(OURS)["state"] == ("Healthy", "Failed")
    assert tinkered.look.answer["next"]["webservice"] == "update"
    assert tinkered.deployment.operations["webservice"] == "update"
    assert tinkered.after["state"] == "Healthy"
    assert tinkered.status == 200


def test_a_service_that_was_scaled_is_found_and_scaled_back(tinkered: Episode, replaced: Episode) -> None:
    """Cores and memory are named with what the stack says; the next look has nothing to say of them."""
    assert "scaled" in tinkered.look.happened(OURS)
    changes = tinkered.look.changes(OURS)
    assert (changes["cpuCores"], changes["memoryGb"]) == ((1, 0.5), (1, 1.5))
    assert replaced.look.changes(OURS) == {}


def test_a_service_that_was_retagged_is_found_and_tagged_back(tinkered: Episode) -> None:
    """The one tag that is another is named, the others are not."""
    assert "retagged" in tinkered.look.happened(OURS)
    changes = tinkered.look.changes(OURS)
    assert changes["tags.method"] == ("sklearn", "by hand")
    assert "tags.data" not in changes
    assert tinkered.service["kvTags"]["method"] == "sklearn"
    assert tinkered.service["containerResourceRequirements"] == {"cpu": 1, "memoryInGB": 1}


def test_a_regenerated_key_is_named_never_shown_and_taken_into_the_outputs(tinkered: Episode) -> None:
    """Which key is another one is all that is said; the old key does not come back, for it may have leaked."""
    assert "keysRegenerated" in tinkered.look.happened(OURS)
    changes = tinkered.look.changes(OURS)
    assert changes["primaryKey"] == ("as deployed", "regenerated")
    assert "secondaryKey" not in changes
    keys = {name: tinkered.after[name] for name in ("primaryKey", "secondaryKey")}
    assert keys["primaryKey"] != tinkered.before["primaryKey"]
    assert keys["secondaryKey"] == tinkered.before["secondaryKey"]
    for secret in (tinkered.before["primaryKey"], *keys.values()):
        assert secret not in tinkered.look.printed
        assert secret not in tinkered.deployment.printed


def test_a_model_that_was_retagged_is_tagged_back_as_the_same_version(tinkered: Episode) -> None:
    """Also where the tag is gone by which its bytes are known: they are there, so no other version is registered."""
    title = f"Model {_model(tinkered.before)}"
    assert tinkered.look.happened(title) == {"retagged"}
    assert tinkered.look.changes(title)["tags.sha256"] == (tinkered.before["release"]["modelSha256"], None)
    assert tinkered.look.changes(title)["tags.reviewed"] == (None, "no")
    assert _model(tinkered.after) == _model(tinkered.before)


def test_a_second_service_with_our_model_is_named_until_its_owner_removes_it(
    tinkered: Episode, replaced: Episode, model_gone: Look
) -> None:
    """It is not ours to delete: `up` leaves it as it is, and the next look names it again."""
    for seen in (tinkered.look, replaced.look):
        assert seen.happened("Web service intruder") == {"usesOurModel"}
        assert seen.changes("Web service intruder")["models"] == (None, [_model(tinkered.before)])
        assert seen.findings["Web service intruder"]["resource"] is None
    assert "Web service intruder" not in model_gone.findings


def test_a_service_that_was_deleted_is_found_and_made_again_under_its_uri(replaced: Episode) -> None:
    """Nothing that was repaired before is found again."""
    assert set(replaced.look.findings) == {OURS, f"Model {_model(replaced.before)}", "Web service intruder"}
    assert replaced.look.happened(OURS) == {"deleted"}
    assert replaced.look.answer["next"]["webservice"] == "create"
    assert replaced.deployment.operations["webservice"] == "create"
    assert replaced.after["state"] == "Healthy"
    assert replaced.status == 200


def test_replaced_bytes_are_found_and_ours_become_the_next_version(replaced: Episode, deployed: Project) -> None:
    """The tampered version still says that it holds our bytes; it is not believed and not adopted."""
    title = f"Model {_model(replaced.before)}"
    ours = sha256(deployed.directory / "model/sklearn_mnist_model.pkl")
    assert replaced.look.happened(title) == {"bytesReplaced"}
    assert replaced.look.changes(title)["sha256"][0] == ours
    assert replaced.look.changes(title)["sha256"][1] != ours
    assert replaced.look.answer["next"]["model"] == "update"
    assert replaced.after["release"]["modelVersion"] == replaced.before["release"]["modelVersion"] + 1
    assert replaced.after["release"]["modelSha256"] == ours


def test_a_deleted_model_is_found(model_gone: Look, replaced: Episode) -> None:
    """By its version, and registered again by the next `up`."""
    assert model_gone.happened(f"Model {_model(replaced.after)}") == {"deleted"}
    assert model_gone.answer["next"]["model"] == "create"


def test_a_deleted_workspace_is_found_with_all_that_was_in_it(workspace_gone: tuple[dict[str, Any], Look]) -> None:
    """The other resources of the resource group are not named."""
    seen = workspace_gone[1]
    happened = {finding["resource"]: finding["happened"] for finding in seen.answer["findings"]}
    assert happened == {name: ["deleted"] for name in ("workspace", "environment", "model", "webservice")}
    assert {seen.answer["next"][name] for name in happened} == {"create"}


def test_a_changed_environment_is_found_and_ours_registered_next_to_it(remade: Episode) -> None:
    """The version that is named after our content holds another one, and Azure ML never changes a version."""
    title = f"Environment {remade.before['release']['environment']}"
    assert remade.look.happened(title) == {"definitionChanged"}
    assert any(change.startswith("conda.") for change in remade.look.changes(title))
    assert remade.look.answer["next"]["environment"] == "update"
    assert remade.after["release"]["environment"] == f"{remade.before['release']['environment']}-2"


def test_after_the_repair_make_drift_finds_nothing(remade: Episode, deployed: Project) -> None:
    """The deployment answers again, exit code 0, and the answer is one sentence."""
    assert remade.after["state"] == "Healthy"
    assert remade.status == 200
    assert remade.after["release"]["modelVersion"] == 1
    seen = deployed.run("make", "-s", "drift")
    assert seen.stdout == "Stack dev has not drifted: all 11 resources are as they were deployed.\n"


def test_what_could_not_be_looked_at_is_no_drift(deployed: Project) -> None:
    """Neither a stack that is not there nor a cloud that does not answer counts as drifted, or as not drifted."""
    done = deployed.run("python", "-m", "digits", "drift", "--stack", "nowhere", check=False)
    assert done.returncode == 2
    assert "There is no stack 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    # The command sets the shell of its stack, so the engine is asked without it.
    refresh = "from digits.engine import automation; print(automation.refresh('dev').errors)"
    nowhere = {"MSI_ENDPOINT": "http://127.0.0.1:9/token"}
    done = deployed.run("python", "-c", refresh, check=False, variables=nowhere)
    assert "does not answer" in done.stdout


def _model(outputs: dict[str, Any]) -> str:
    """Return the id of the model that was released."""
    return f"sklearn_mnist:{outputs['release']['modelVersion']}"
