"""Promotion with the real engine: what was shown is what is deployed, even if the source releases again meanwhile."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.engine.project import Project

_PROD = "Pulumi.prod.yaml"


@pytest.fixture
def prod(project: Project) -> Iterator[str]:
    """A stack next to dev that takes dev's releases, without a rehearsal; dev is brought back to its own model."""
    settings = yaml.safe_load(project.read("Pulumi.dev.yaml"))
    own = {"digits:promoteFrom": "dev", "digits:rehearsalEnabled": False, "digits:policyEnabled": False}
    settings["config"] |= own
    project.write(_PROD, yaml.safe_dump(settings))
    project.pulumi("stack", "init", "prod", "--no-select", check=False)  # a test before may have made it
    yield "prod"
    project.restore()
    project.pulumi("stack", "select", "dev")  # the commands select prod
    project.up()


def slip_in(project: Project, directory: Path, model: Path) -> dict[str, str]:
    """Return variables under which dev releases another model as soon as a preview has ended."""
    for path in (project.directory / "model").iterdir():
        project.write(f"model/{path.name}", path.read_bytes())  # so that it is brought back
    real = shutil.which("pulumi")
    assert real is not None
    release = (
        shlex.join(["cp", "-r", f"{model}/.", "model"]),
        shlex.join([real, "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"]),
    )
    wrapper = directory / "bin/pulumi"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(
        f'#!/usr/bin/env bash\n{real} "$@" || exit\nif [ "$1" = preview ]; then {" && ".join(release)}; fi >&2\n'
    )
    wrapper.chmod(0o755)
    for part in Path(real).parent.glob("pulumi-*"):  # without them it is not taken for a whole CLI
        (wrapper.parent / part.name).symlink_to(part)
    return {"PATH": f"{wrapper.parent}{os.pathsep}{project.environment['PATH']}"}


def test_the_release_that_was_shown_is_deployed_and_recorded(
    project: Project, prod: str, trained_model: Path, tmp_path: Path
) -> None:
    """Dev releases a newer model between prod's preview and its deployment: prod takes the one that was shown."""
    shown, settings = project.outputs()["release"], project.read(_PROD)
    promote = ("-m", "digits", "promote", "--from", "dev", "--to", prod, "--yes", "--", "--non-interactive")
    done = project.run(sys.executable, *promote, variables=slip_in(project, tmp_path / "slip", trained_model))
    project.touched = True
    project.pulumi("stack", "select", "dev")
    assert project.outputs()["release"]["modelSha256"] != shown["modelSha256"], "dev did release meanwhile"
    assert f"SHA-256 {shown['modelSha256']}" in done.stdout
    release = json.loads(project.pulumi("stack", "output", "--stack", prod, "--json", "release").stdout)
    assert release["modelSha256"] == shown["modelSha256"]
    assert release["source"]["time"] == shown["time"]
    assert project.read(_PROD) == settings, "nobody asked to hold the stack there"
    id_ = release["source"]["release"]
    assert f"({id_})" in project.pulumi("stack", "history", "--stack", prod).stdout
    (listed,) = project.python("-m", "digits", "releases", "--stack", prod).stdout.splitlines()[2:]
    assert listed.startswith(f"{id_}  yes ")

    older = project.python("-m", "digits", "preview", "--stack", prod, "--no-candidate", "--release", id_).stdout
    assert "Nothing changes in `prod`" in older, "the release that was named, although dev's last is newer"


def test_another_checkout_waits_for_its_promotion(project: Project, prod: str) -> None:
    """What dev has not released changes nothing in prod, and is no failure; another mistake in prod's file is one."""
    project.write("scoring/score.py", project.read("scoring/score.py") + "# reviewed\n")
    waiting = project.python("-m", "digits", "preview", "--stack", prod, "--no-candidate")
    assert "`prod` does not change: it takes what another stack released. This checkout is not what" in waiting.stdout
    assert "the scoring files differ" in waiting.stdout
    settings = yaml.safe_load(project.read(_PROD))
    settings["config"]["digits:sslEnabled"] = True
    project.write(_PROD, yaml.safe_dump(settings))
    refused = project.python("-m", "digits", "preview", "--stack", prod, "--no-candidate", check=False)
    assert refused.returncode == 2
    assert "`prod` cannot be previewed: sslCname is empty" in refused.stdout
