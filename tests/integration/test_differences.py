"""The published table of differences from Azure is what the code says, and each row has its test."""

import ast

from emulator import differences
from tests.integration.wire import ROOT


def test_the_published_table_is_up_to_date() -> None:
    """`azureml-emulator differences > docs/emulator-differences.md` changes nothing."""
    assert (ROOT / "docs" / "emulator-differences.md").read_text(encoding="utf-8") == differences.render()


def test_every_difference_is_held_true_by_a_test() -> None:
    """The test that a row names is there."""
    for _, _, _, name in differences.collect():
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, name
