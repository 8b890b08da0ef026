"""The real engine: one deployed project, shared; each test starts from the committed files, deployed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project, train_another_model


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A fresh copy with emulator, model and an initialised dev stack, deployed once."""
    if shutil.which("pulumi") is None:
        pytest.fail("There is no pulumi on PATH: run these tests with `make test`.")
    project = Project.copy(tmp_path_factory.mktemp("engine") / "digits")
    try:
        project.python("-m", "digits.training", "--dataset", "digits")
        project.start_emulator()
        project.pulumi("stack", "select", "--create", "dev")
        project.first = project.up()
        # Seconds of every deployment below, which test_rehearsal.py alone is about.
        project.configure(rehearsalEnabled=False)
        project.originals.clear()
        yield project
        project.restore()
        project.pulumi("destroy", "--yes", "--skip-preview", check=False)
    finally:
        project.close()


@pytest.fixture
def project(deployed: Project) -> Iterator[Project]:
    """The deployed project, with the committed files deployed; what a test changes is brought back."""
    deployed.restore()
    if deployed.touched and deployed.pulumi("preview", "--expect-no-changes", check=False).returncode != 0:
        deployed.up()
    deployed.touched = False
    yield deployed
    deployed.restore()


@pytest.fixture
def trained_model(tmp_path: Path) -> Path:
    """Another model than the one that is deployed, with its evidence."""
    train_another_model(tmp_path)
    return tmp_path
