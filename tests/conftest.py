"""Who runs beside whom where tests run in two processes: what shares a deployment stays together, the longest first."""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_TESTS = Path(__file__).parent
_ENGINE = "tests/engine/"
_ALONE = "tests/engine/test_walkthrough.py"  # it shares no deployment with the others


class _Scheduling(LoadScopeScheduling):
    """Gives the engine's tests to one process, and those of every other file to one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return _ENGINE if file.startswith(_ENGINE) and file != _ALONE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Schedule by deployment."""
    return _Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the engine's tests, which take the longest."""
    items.sort(key=lambda item: item.path.relative_to(_TESTS).parts[0] != "engine")
