"""Who runs beside whom where tests run in two processes: what shares a deployment stays together, the longest first."""

from pathlib import Path

import pytest

_TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before the marks are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the engine's tests in one process, those of every other file too, and begin with the engine's."""
    for item in items:
        tier, *file = item.path.relative_to(_TESTS).parts
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(tier if tier == "engine" else "/".join((tier, *file))))
    items.sort(key=lambda item: item.path.relative_to(_TESTS).parts[0] != "engine")
