# ruff: noqa: ANN001, ANN201, D103, FURB122, PTH103, PTH123, PTH208 - as users write it
# mypy: ignore-errors
"""A model that the SDK uploads in blocks: up, down again, and the bytes compared."""

import hashlib
import os

from azureml.core import Workspace
from azureml.core.model import Model

with open("large.bin", "wb") as file:
    for _ in range(70):
        file.write(os.urandom(1 << 20))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


ws = Workspace.from_config()
model = Model.register(ws, "large.bin", "large")
path = model.download("downloaded")
print("same", digest(path) == digest("large.bin"))
os.makedirs("folder/sub", exist_ok=True)
for number in range(60):
    with open(f"folder/sub/{number}.txt", "w") as file:
        file.write(str(number))
folder = Model.register(ws, "folder", "folder")
folder.download("downloaded")
print("folder", sorted(os.listdir("downloaded/folder/sub")) == sorted(os.listdir("folder/sub")))
model.delete()
