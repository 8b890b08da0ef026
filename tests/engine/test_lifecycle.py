"""The deployment's life through the real engine: what `up` does is what the preview said, and nothing else."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from tests.engine.project import Deployment, Project

ALL = {
    "resourceGroup",
    "storage",
    "keyVault",
    "logAnalytics",
    "insights",
    "registry",
    "workspace",
    "environment",
    "model",
    "webservice",
    "release",
}


def score(outputs: dict[str, str], rows: int = 1) -> httpx.Response:
    """Score blank images with the primary key."""
    return httpx.post(
        outputs["scoringUri"],
        json={"data": np.zeros((rows, 784)).tolist()},
        headers={"Authorization": f"Bearer {outputs['primaryKey']}"},
        timeout=30,
    )


def test_a_fresh_up_deploys_everything_and_the_service_answers(project: Project, first_up: Deployment) -> None:
    """Workspace, environment, model, web service and release are created, and digits are scored behind the URI."""
    assert first_up.operations == dict.fromkeys(ALL, "create")
    assert "warning" not in first_up.printed
    assert "azmlinfsrv" not in first_up.printed
    outputs = project.outputs()
    assert outputs["state"] == "Healthy"
    assert score(outputs, rows=3).json() == [score(outputs).json()[0]] * 3
    assert outputs["release"]["accuracy"] >= 0.9
    matrix = np.array([[int(count) for count in row.split()] for row in outputs["release"]["confusionMatrix"]])
    assert matrix.sum() == outputs["release"]["rowsEvaluated"]
    assert matrix.trace() / matrix.sum() == pytest.approx(outputs["release"]["accuracy"])


def test_the_service_wants_its_key(project: Project) -> None:
    """Authentication is on by default: both keys open the service, no key and a wrong one do not."""
    outputs = project.outputs()
    body = {"data": [[0.0] * 784]}
    for key, status in ((outputs["primaryKey"], 200), (outputs["secondaryKey"], 200), ("wrong", 401)):
        answer = httpx.post(outputs["scoringUri"], json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert answer.status_code == status
    assert httpx.post(outputs["scoringUri"], json=body, timeout=30).status_code == 401


def test_an_unchanged_tree_changes_nothing(project: Project) -> None:
    """A second `up`, a preview and a refresh find nothing to do."""
    assert project.up().operations == {}
    project.pulumi("preview", "--expect-no-changes")
    project.pulumi("refresh", "--yes", "--expect-no-changes")
    assert project.preview() == {}


def test_a_changed_entry_script_updates_the_service_in_place(project: Project) -> None:
    """Service and release are updated, nothing else; URI and keys stay, and the new code answers."""
    before = project.outputs()
    script = project.read("scoring/score.py")
    labels = "labels, probabilities = found if wanted else (found, None)\n"
    assert labels in script, "in every form, with and without probabilities"
    project.write("scoring/score.py", script.replace(labels, f"{labels}    labels = labels * 0 + 7\n"))
    project.configure(minimumAccuracy="0.05")
    assert project.preview() == {"webservice": "update", "release": "update"}
    assert project.up().operations == {"webservice": "update", "release": "update"}
    after = project.outputs()
    assert [after[name] for name in ("scoringUri", "primaryKey")] == [
        before[name] for name in ("scoringUri", "primaryKey")
    ]
    assert score(after, rows=2).json() == [7, 7]


def test_the_preview_names_the_file_that_changed(project: Project) -> None:
    """The scoring package is an asset whose identity is its files' contents: the others show as unchanged."""
    project.write("scoring/score.py", project.read("scoring/score.py") + "\n# reviewed\n")
    printed = project.pulumi("preview", "--diff").stdout
    assert re.search(r'~ "score\.py" *: asset\(file:[0-9a-f]+->[0-9a-f]+\)', printed)
    assert not re.search(r'~ "manifest\.json"', printed)
    assert max(map(len, printed.splitlines())) < 250, "nobody reads base64"


def test_a_changed_model_is_the_next_version_and_reaches_the_service(project: Project, trained_model: Path) -> None:
    """Model, service and release are updated in place, and the old bytes are still the old version."""
    before = project.outputs()
    for file in ("sklearn_mnist_model.pkl", "metadata.json"):
        project.write(f"model/{file}", (trained_model / file).read_bytes())
    expected = {"model": "update", "webservice": "update", "release": "update"}
    assert project.preview() == expected
    assert project.up().operations == expected
    after = project.outputs()
    assert after["release"]["modelVersion"] == before["release"]["modelVersion"] + 1
    assert after["release"]["modelSha256"] != before["release"]["modelSha256"]
    assert after["scoringUri"] == before["scoringUri"]
    assert score(after).status_code == 200
    project.restore()
    project.up()
    assert project.outputs()["release"]["modelVersion"] == before["release"]["modelVersion"]


def test_a_changed_conda_file_is_another_environment_version(project: Project) -> None:
    """Environment, service and release are updated; a comment in conda.yml is no change."""
    conda = project.read("scoring/conda.yml")
    project.write("scoring/conda.yml", conda + "# a comment\n")
    assert project.preview() == {}
    project.write("scoring/conda.yml", conda.replace("joblib==1.6.0", "joblib==1.5.3"))
    expected = {"environment": "update", "webservice": "update", "release": "update"}
    assert project.preview() == expected
    assert project.up().operations == expected


@dataclass(frozen=True)
class Change:
    """The outputs before and after a deployment, and what was printed and kept on the way."""

    before: dict[str, Any]
    after: dict[str, Any]
    deployment: Deployment
    texts: tuple[str, ...]


@pytest.fixture(scope="module")
def settings_changed(deployed: Project) -> Iterator[Change]:
    """More memory, another primary key and a description, deployed together."""
    deployed.deploy_committed()
    before = deployed.outputs()
    deployed.configure(serviceMemoryGb="2", primaryKeyVersion=2, serviceDescription="Digits")
    previewed = deployed.pulumi("preview", "--diff").stdout
    deployment = deployed.up()
    files = [*deployed.directory.glob("reports/**/*.json"), *deployed.directory.glob(".emulator/**/*.log")]
    texts = (
        deployed.state(),
        previewed,
        deployment.printed,
        deployed.pulumi("stack", "output").stdout,
        *(path.read_text(errors="replace") for path in files),
    )
    yield Change(before, deployed.outputs(), deployment, texts)
    deployed.restore()


def test_a_changed_size_keeps_the_uri(settings_changed: Change) -> None:
    """Cores and memory change in place."""
    assert settings_changed.deployment.operations == {"webservice": "update", "release": "update"}
    assert settings_changed.after["scoringUri"] == settings_changed.before["scoringUri"]


def test_a_raised_key_version_changes_only_that_key(settings_changed: Change) -> None:
    """The primary key is another one, and the secondary key still works."""
    before, after = settings_changed.before, settings_changed.after
    assert after["primaryKey"] != before["primaryKey"]
    assert after["secondaryKey"] == before["secondaryKey"]
    assert score(after).status_code == 200
    assert score({**after, "primaryKey": after["secondaryKey"]}).status_code == 200
    assert score(before).status_code == 401


def test_keys_never_reach_plain_state_or_output(settings_changed: Change) -> None:
    """Neither the state on the disk, nor what the CLI prints, nor a report or a log holds the bytes of a key."""
    for outputs in (settings_changed.before, settings_changed.after):
        for text in settings_changed.texts:
            assert outputs["primaryKey"] not in text
            assert outputs["secondaryKey"] not in text


def test_state_holds_no_path_of_this_machine(project: Project) -> None:
    """An unchanged tree previews as unchanged on any machine, so state must not say where the tree lies."""
    assert str(project.directory) not in project.state()


def test_refresh_finds_a_service_that_was_deleted_behind_our_back(project: Project) -> None:
    """Refresh drops it from the state; the next `up` deploys it again under the same URI and evaluates it."""
    before = project.outputs()
    project.python(
        "-c",
        "from azureml.core import Workspace, Webservice\n"
        "subscription = '00000000-0000-0000-0000-000000000001'\n"
        "workspace = Workspace.get('digits-dev-ml', subscription_id=subscription, resource_group='digits-dev')\n"
        "Webservice(workspace, 'digits-dev').delete()",
    )
    refreshed = project.pulumi("refresh", "--yes")
    assert "webservice" not in project.resources(), refreshed.stdout
    assert project.preview() == {"webservice": "create", "release": "update"}
    assert project.up().operations == {"webservice": "create", "release": "update"}
    after = project.outputs()
    assert score(after).status_code == 200
    assert after["release"]["serviceRevision"] != before["release"]["serviceRevision"]


def test_ctrl_c_in_make_up_says_what_to_do_next(project: Project) -> None:
    """The CLI ends what it is at; the sentence names what tells what is live, and what goes on."""
    project.write("scoring/score.py", project.read("scoring/score.py") + "\n# interrupted\n")
    project.touched = True
    running = subprocess.Popen(
        ["make", "up"],
        cwd=project.directory,
        env=project.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert running.stdout is not None
    with running, running.stdout:
        assert any("webservice updating" in line for line in running.stdout)
        os.killpg(running.pid, signal.SIGINT)
        printed = running.stdout.read()
    assert "Interrupted: `make status STACK=dev` says what is live and whether it was released" in printed
    project.up()


def test_what_vanished_as_a_whole_is_deployed_again(project: Project) -> None:
    """The emulator's folder was deleted: a refreshed `up`, which is what `make up` runs, starts from nothing."""
    port = project.environment["AZUREML_EMULATOR"].rsplit(":", 1)[-1]
    project.python("-m", "emulator", "stop")
    shutil.rmtree(project.directory / ".emulator")
    project.start_emulator(port)
    project.up("--refresh")
    assert score(project.outputs()).status_code == 200
    project.pulumi("preview", "--expect-no-changes")


def test_destroy_leaves_nothing_and_may_be_repeated(project: Project) -> None:
    """Destroy ends the service and empties the state, and a second destroy is fine."""
    uri = project.outputs()["scoringUri"]
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert project.resources() == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(uri, timeout=5)
    project.pulumi("destroy", "--yes", "--skip-preview")


def test_an_up_that_was_killed_is_resumed_not_doubled(deployed: Project) -> None:
    """Killed after a destroy while the service deploys, its checkpoint and a lock cut: the next `up` adopts all.

    There is no second model version and one service.
    """
    deployed.restore()
    deployed.pulumi("destroy", "--yes", "--skip-preview")
    printed = deployed.interrupt("up", "--yes", "--skip-preview", after="webservice creating")
    assert "webservice created" not in printed
    state = deployed.directory / ".state/.pulumi"
    checkpoint, locks = state / "stacks/digits/dev.json", state / "locks/organization/digits/dev"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-999])
    (locks / "cut.json.1.tmp").touch()  # as a CLI leaves it on a full disk
    repaired = deployed.python("-m", "digits", "stack", "repair")  # as `make up` does
    assert "dev.json.bak, of " in repaired.stdout + repaired.stderr
    deployed.pulumi("up", "--yes", "--skip-preview")
    assert set(deployed.resources()) >= ALL
    outputs = deployed.outputs()
    assert outputs["release"]["modelVersion"] == 1
    assert score(outputs).status_code == 200
    deployed.pulumi("preview", "--expect-no-changes")


def test_an_existing_workspace_is_used_and_not_changed(project: Project) -> None:
    """A second stack deploys into the first one's workspace; destroying it takes its service and nothing else."""
    guest = project.directory / "Pulumi.guest.yaml"
    settings = yaml.safe_load(project.read("Pulumi.dev.yaml"))["config"]
    settings |= {"digits:existingWorkspace": "digits-dev-ml", "digits:resourceGroup": "digits-dev"}
    guest.write_text(yaml.safe_dump({"config": settings}))
    project.pulumi("stack", "init", "guest")
    try:
        project.pulumi("up", "--yes", "--skip-preview", "--stack", "guest")
        outputs = json.loads(project.pulumi("stack", "output", "--json", "--show-secrets", "--stack", "guest").stdout)
        assert score(outputs).status_code == 200
        assert outputs["release"]["modelVersion"] == 1  # the same bytes are the same version
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "guest")
    finally:
        project.pulumi("stack", "rm", "--yes", "--force", "guest")
        project.pulumi("stack", "select", "dev")
    project.pulumi("refresh", "--yes", "--expect-no-changes")
    assert score(project.outputs()).status_code == 200
