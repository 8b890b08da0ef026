"""Private wheels, which Environment.add_private_pip_wheel uploaded, as files that uv can install."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from digits import atomic_files
from emulator.azureml import blobs
from emulator.azureml.artifacts import Artifacts
from emulator.http.errors import BadRequestError

# The SDK removes the signature from the URL; Azure's image build may read the workspace's storage without it.
_URL = re.compile(
    rf"https://[^/\s]+{blobs.ROOT}(?P<workspace>/subscriptions/\S+?)/"
    r"(?P<artifact>Environment/azureml-private-packages/(?P<name>[^/?\s]+\.whl))(\?\S*)?"
)


def place(conda: Any, folder: Path, artifacts: Artifacts) -> Any:
    """Return the conda definition with a file in place of each private wheel's URL, in a folder named by its digest."""

    def replace(match: re.Match[str]) -> str:
        workspace, artifact, name = (unquote(match[part]) for part in ("workspace", "artifact", "name"))
        uploaded = artifacts.file(workspace, artifact)
        if not uploaded.exists():
            raise BadRequestError(
                f"The wheel {name} is not in the storage of workspace {workspace.rpartition('/')[2]}: "
                f"upload it with Environment.add_private_pip_wheel."
            )
        content = uploaded.read_bytes()
        wheel = folder / hashlib.sha256(content).hexdigest() / name
        if not wheel.exists():
            atomic_files.replace(wheel, content)
        return wheel.as_uri()

    if isinstance(conda, str):
        return _URL.sub(replace, conda)
    if isinstance(conda, list):
        return [place(each, folder, artifacts) for each in conda]
    if isinstance(conda, Mapping):
        return {key: place(each, folder, artifacts) for key, each in conda.items()}
    return conda
