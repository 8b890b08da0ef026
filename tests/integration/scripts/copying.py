# ruff: noqa: ANN001, ANN201, BLE001 - as users write it
# mypy: ignore-errors
"""Copies a model from a workspace of one subscription into that of another, as a promotion does."""

import sys
from pathlib import Path

from azureml.core import Workspace
from azureml.core.model import Model


def attempt(name, action):
    """Print what an action gives, or what it raises, on one line."""
    try:
        said = action()
    except Exception as error:
        said = f"{type(error).__name__} {error}"
    print(name, " ".join(str(said).split()), sep="\t")


def open_workspace(subscription):
    """Return the workspace of this subscription; all have the same group and name."""
    return Workspace.get("digits-ws", subscription_id=subscription, resource_group="digits")


source, target = map(open_workspace, sys.argv[1:3])
staged = Model(source, "shared", version=1)
staged.download("downloaded")
copied = Model.register(target, "downloaded/shared.pkl", "shared", tags=staged.tags)
print("copied", copied.id, copied.tags, sep="\t")
Path("again").mkdir()
print("bytes", Path(Model(target, "shared", version=2).download("again")).read_bytes() == b"staged bytes", sep="\t")
for name, workspace in (("source", source), ("target", target)):
    print(name, sorted(model.id for model in Model.list(workspace)), sep="\t")
print("workspaces", sorted(Workspace.list(subscription_id=sys.argv[1])), sep="\t")
attempt("unknown", lambda: open_workspace(sys.argv[3]))
