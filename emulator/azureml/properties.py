"""Tags and properties of models and web services: names and texts.

Properties are append-only, as the specification of model management says. New ones may be added at any time; one that
is there keeps its value and cannot be removed: what changes is a tag.
"""

import json
from collections.abc import Mapping

from emulator.http.errors import BadRequestError

# The SDK sends these with every deployment and every update, from the repository that it finds itself in.
_OF_THE_REPOSITORY = ("azureml.git.", "mlflow.source.git.")


def read(name: str, asked: object) -> dict[str, str]:
    """Return tags or properties as they are kept: a number becomes a text; raises BadRequestError for what is none."""
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
    """Raise BadRequestError where what is asked for does more than add to the kept properties.

    What the SDK says of the repository is no wish of its user's: it stays as it was first said.
    """
    found = asked or {}
    refused = [
        name for name, value in kept.items() if found.get(name) != value and not name.startswith(_OF_THE_REPOSITORY)
    ]
    if refused:
        raise BadRequestError(
            f"Properties are immutable, the following keys cannot be modified or removed: {', '.join(refused)}. "
            f"New ones can be added; what changes belongs among the tags."
        )
