"""The order in which two processes run the tests: each takes the next file, the longest first.

The tests of a file share what it deploys, so they stay in one process.
Each process has a deployed project of its own for the engine's tests.
"""

import os
from pathlib import Path

import pytest

# Each process has a core: threads of their own for linear algebra would wait for each other most of the time.
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

_TESTS = Path(__file__).parent
_WALKTHROUGH = "engine/test_walkthrough.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the engine's tests, which take the longest, and of these with the longest."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, bool]:
    file = item.path.relative_to(_TESTS)
    return file.parts[0] != "engine", file.as_posix() != _WALKTHROUGH
