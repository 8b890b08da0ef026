"""Requests and answers of ARM: a resource is one JSON document under its id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from emulator.arm.types import WORKSPACE_TYPE
from emulator.http.errors import BadRequestError
from emulator.http.identity import PRINCIPAL
from emulator.http.routing import Fields
from emulator.kinds import Envelope, Resource

CREATED, OK, NO_CONTENT = 201, 200, 204

_ENVELOPE = ("tags", "kind", "sku", "identity", "managedBy", "zones", "extendedLocation")


@dataclass(frozen=True)
class Call:
    """The parts of a request that a handler reads; body is the JSON object, empty if there is none."""

    base_url: str
    params: Mapping[str, str]
    body: Fields
    filter: str | None = None  # the query's $filter
    top: int | None = None  # and its $top


def now() -> str:
    """Return the time as ARM writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def read_envelope(asked: Mapping[str, object]) -> Envelope:
    """Return the fields next to a resource's `properties` that may be asked for, besides the location."""
    return cast("Envelope", {key: asked[key] for key in _ENVELOPE if asked.get(key) is not None})


def read_location(asked: Mapping[str, object]) -> str:
    """Return the location that a new resource asks for, as Azure writes it back; it is required."""
    location = asked.get("location")
    if not isinstance(location, str) or not location:
        raise BadRequestError("The location property is required for this definition.", code="LocationRequired")
    return write_location(location)


def write_location(text: str) -> str:
    """Return a location as Azure writes it: 'East US' is 'eastus'."""
    return text.replace(" ", "").lower()


def write_system_data(old: Resource | None, time: str) -> dict[str, str]:
    """Say who made a resource and who changed it last."""
    who = {"createdBy": PRINCIPAL, "createdByType": "Application", "createdAt": time}
    made = {key: old["systemData"][key] for key in who} if old else who
    return {**made, "lastModifiedBy": PRINCIPAL, "lastModifiedByType": "Application", "lastModifiedAt": time}


def render(body: Resource, base_url: str) -> Resource:
    """Return the resource as it is answered: the emulator's address may differ from one start to the next."""
    if body["type"] != WORKSPACE_TYPE:
        return body
    discovery = f"{base_url}/discovery/workspaces/{body['properties']['workspaceId']}"
    return {**body, "properties": {**body["properties"], "discoveryUrl": discovery}}
