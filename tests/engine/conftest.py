"""The real engine: one deployed project, shared; each test starts from the committed files, deployed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.project import Deployment, Project, train_another_model


@pytest.fixture(scope="session")
def initial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Deployment]]:
    """A fresh copy with emulator, model and an initialised dev stack, and its first deployment."""
    if shutil.which("pulumi") is None:
        pytest.fail("There is no pulumi on PATH: run these tests with `make test`.")
    project = Project.copy(tmp_path_factory.mktemp("engine") / "digits")
    try:
        project.python("-m", "digits", "train", "--dataset", "digits")
        project.start_emulator()
        project.pulumi("stack", "select", "--create", "dev")
        first = project.up()
        # It takes seconds of every deployment; only test_rehearsal.py is about it.
        project.configure(rehearsalEnabled=False)
        project.originals.clear()
        yield project, first
        project.restore()
        project.pulumi("destroy", "--yes", "--skip-preview", check=False)
    finally:
        project.close()


@pytest.fixture(scope="session")
def deployed(initial: tuple[Project, Deployment]) -> Project:
    """The project that was deployed once."""
    return initial[0]


@pytest.fixture
def first_up(initial: tuple[Project, Deployment]) -> Deployment:
    """The first `up` of the project, which was deployed from nothing."""
    return initial[1]


@pytest.fixture
def project(deployed: Project) -> Iterator[Project]:
    """The deployed project, with the committed files deployed; what a test changes is brought back."""
    deployed.deploy_committed()
    yield deployed
    deployed.restore()


@pytest.fixture
def trained_model(tmp_path: Path) -> Path:
    """Another model than the one that is deployed, with its evidence."""
    train_another_model(tmp_path)
    return tmp_path
