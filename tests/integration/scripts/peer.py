# ruff: noqa: ANN001, ANN201, BLE001 - as users write it
# mypy: ignore-errors
"""Reads a peer's workspace, named by subscription, group and name, through the emulator that this shell points at."""

import sys
from pathlib import Path

from azureml.core import Environment, Webservice, Workspace
from azureml.core.model import Model


def attempt(name, action):
    """Print what an action gives, or what it raises, on one line."""
    try:
        said = action()
    except Exception as error:
        said = f"{type(error).__name__} {error}"
    print(name, " ".join(str(said).split()), sep="\t")


subscription = sys.argv[1]
ws = Workspace.get("digits-ws", subscription_id=subscription, resource_group="digits")
print("workspace", ws.name, ws.subscription_id, sep="\t")
print("models", sorted(model.id for model in Model.list(ws)), sep="\t")
model = Model(ws, "shared", version=1)
print("model", model.tags, sep="\t")
print("download", Path(model.download("downloaded")).read_bytes() == b"staged bytes", sep="\t")
print("environments", sorted(Environment.list(ws)), sep="\t")
print("services", Webservice.list(ws), sep="\t")

attempt("register", lambda: Model.register(ws, "downloaded/shared.pkl", "shared"))
attempt("tag", lambda: model.add_tags({"changed": "yes"}))
attempt("delete", model.delete)
print("after", sorted(found.id for found in Model.list(ws)), Model(ws, "shared").tags, sep="\t")
