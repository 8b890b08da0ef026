"""Tags and properties of models and web services: names and texts.

Properties are append-only, as the specification of model management says. New ones may be added at any time; one that
is there keeps its value and cannot be removed. A value that changes belongs into a tag.
"""

import json
from collections.abc import Mapping

from emulator.http.errors import BadRequestError

# The SDK sends these with every deployment and every update, from the repository that it finds itself in.
_OF_THE_REPOSITORY = ("azureml.git.", "mlflow.source.git.")


def read(name: str, asked: object) -> dict[str, str]:
    """Return tags or properties as they are stored, a number as text; raises BadRequestError for anything else."""
    if asked is None:
        return {}
    if not isinstance(asked, Mapping):
        raise BadRequestError(f"{name} must be an object of names and texts.")
    for key, value in asked.items():
        if not isinstance(value, (str, int, float)):
            raise BadRequestError(f"{name} must be an object of names and texts: {key} is {json.dumps(value)}.")
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in asked.items()}


def add(kept: Mapping[str, str], asked: Mapping[str, str] | None) -> dict[str, str]:
    """Return the kept properties and those that are new among the asked ones."""
    return {**(asked or {}), **kept}


def check(kept: Mapping[str, str], asked: Mapping[str, str] | None) -> None:
    """Raise BadRequestError if a kept property would change or go.

    The SDK adds the repository's properties by itself, so those stay as they were first sent and are not refused.
    """
    found = asked or {}
    refused = [
        name for name, value in kept.items() if found.get(name) != value and not name.startswith(_OF_THE_REPOSITORY)
    ]
    if refused:
        raise BadRequestError(
            f"Properties are immutable, the following keys cannot be modified or removed: {', '.join(refused)}. "
            f"New ones can be added; a value that changes belongs among the tags."
        )
