"""The resources of one type: each is a document under its id in lower case."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from emulator.arm.documents import (
    CREATED,
    NO_CONTENT,
    OK,
    Call,
    now,
    read_envelope,
    read_location,
    render,
    write_system_data,
)
from emulator.arm.groups import Groups
from emulator.arm.types import WORKSPACE_TYPE, ArmType, New
from emulator.http.errors import BadRequestError, ConflictError, NotFoundError
from emulator.http.identity import TENANT
from emulator.http.routing import Fields
from emulator.kinds import Envelope, Resource
from emulator.store import Store


class Resources:
    """The handlers for the resources of one type."""

    def __init__(
        self, store: Store, groups: Groups, arm_type: ArmType, on_workspace_deleted: Callable[[str], None]
    ) -> None:
        self._store = store
        self._groups = groups
        self._type = arm_type
        self._on_workspace_deleted = on_workspace_deleted

    def list_all(self, call: Call) -> Response:
        """List the resources of this type in a group, or in the subscription."""
        place = (
            self._groups.find(call)["id"] if "group" in call.params else f"/subscriptions/{call.params['subscription']}"
        )
        mine = [body for body in self._store.resources.find(f"{place.lower()}/") if body["type"] == self._type.name]
        return JSONResponse({"value": [render(body, call.base_url) for body in mine]})

    def get(self, call: Call) -> Response:
        """Return the resource."""
        return JSONResponse(render(self._find(call), call.base_url))

    def put(self, call: Call) -> Response:
        """Create the resource, or replace its properties."""
        if not self._type.naming.fullmatch(call.params["name"]):
            raise self._type.bad_name.error(call.params["name"])
        with self._store.transaction():
            old = self._store.resources.get(self._id(call).lower())
            body = self._write(call, call.body, old)
        return JSONResponse(render(body, call.base_url), status_code=OK if old else CREATED)

    def patch(self, call: Call) -> Response:
        """Replace the tags, and the properties that are named, of an existing resource."""
        with self._store.transaction():
            old = self._find(call)
            properties = {**old["properties"], **call.body.get("properties", {})}
            body = self._write(call, {**old, **call.body, "properties": properties}, old)
        return JSONResponse(render(body, call.base_url))

    def delete(self, call: Call) -> Response:
        """Remove the resource; one that is not there is no error."""
        key = self._id(call).lower()
        if self._store.resources.get(key) is None:
            return Response(status_code=NO_CONTENT)
        if self._type.name == WORKSPACE_TYPE:
            self._on_workspace_deleted(key)
        self._store.resources.delete(key)
        return Response(status_code=OK)

    def _id(self, call: Call) -> str:
        group = self._groups.find(call)
        return f"{group['id']}/providers/{self._type.name}/{call.params['name']}"

    def _find(self, call: Call) -> Resource:
        body = self._store.resources.get(self._id(call).lower())
        if body is None:
            raise NotFoundError(
                f"The Resource '{self._type.name}/{call.params['name']}' under resource group '{call.params['group']}' "
                f"was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
            )
        return body

    def _write(self, call: Call, asked: Fields, old: Resource | None) -> Resource:
        """Store the request's fields together with the fields that Azure adds."""
        resource_id = old["id"] if old else self._id(call)
        name, location, time = resource_id.rpartition("/")[2], read_location(asked), now()
        self._check(call, resource_id, location, asked, old)
        added = self._type.read_only(New(name, location, time))
        if old:
            added = {key: old["properties"].get(key, value) for key, value in added.items()}
        envelope: Envelope = {**self._type.envelope, **read_envelope(asked)}
        if "sku" in envelope:
            envelope["sku"] = {"tier": str(envelope["sku"].get("name")).partition("_")[0], **envelope["sku"]}
        if "SystemAssigned" in str(envelope.get("identity", {}).get("type")):
            principal = (old["identity"] if old and "identity" in old else {}).get("principalId") or str(uuid.uuid4())
            envelope["identity"] = {**envelope["identity"], "principalId": principal, "tenantId": TENANT}
        body: Resource = {
            "id": resource_id,
            "name": name,
            "type": self._type.name,
            **envelope,
            "location": location,
            "properties": {
                **self._type.defaults,
                **asked.get("properties", {}),
                **added,
                "provisioningState": "Succeeded",
            },
            "systemData": write_system_data(old, time),
        }
        self._store.resources.put(resource_id.lower(), body)
        return body

    def _check(
        self, call: Call, resource_id: str, location: str, asked: Mapping[str, Any], old: Resource | None
    ) -> None:
        name = call.params["name"]
        if old and old["location"] != location:
            raise ConflictError(
                f"The resource '{name}' already exists in location '{old['location']}' in resource group "
                f"'{call.params['group']}'. A resource with the same name cannot be created in location '{location}'. "
                f"Please select a new resource name.",
                code="InvalidResourceLocation",
            )
        suffix = f"/providers/{self._type.name}/{name}".lower()
        others = [
            key for key, _ in self._store.resources.items() if key.endswith(suffix) and key != resource_id.lower()
        ]
        if others and self._type.taken_name:
            raise self._type.taken_name.error(name)
        properties = asked.get("properties", {})
        missing = [link for link in self._type.required_links if not properties.get(link)]
        if missing:
            raise BadRequestError(f"Missing dependent resources in workspace json: {', '.join(missing)}.")
        for link in self._type.links:
            target = properties.get(link)
            if target and self._store.resources.get(str(target).lower()) is None:
                raise BadRequestError(f"The resource that properties.{link} names does not exist: {target}")
