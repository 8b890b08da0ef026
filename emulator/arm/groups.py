"""Resource groups: each is a document under its id in lower case, and its resources have keys below that id."""

import re
from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from emulator.arm import filters
from emulator.arm.documents import CREATED, NO_CONTENT, OK, Call, read_envelope, read_location, render
from emulator.arm.types import WORKSPACE_TYPE
from emulator.http.errors import BadRequestError, ConflictError, NotFoundError
from emulator.kinds import Resource
from emulator.store import Store

_TYPE = "Microsoft.Resources/resourceGroups"
_NAME = re.compile(r"(?!.*\.$)[\w.()-]{1,90}")


class Groups:
    """The handlers for resource groups."""

    def __init__(self, store: Store, on_workspace_deleted: Callable[[str], None]) -> None:
        self._store = store
        self._on_workspace_deleted = on_workspace_deleted

    def find(self, call: Call) -> Resource:
        """Return the group that the request names, or raise ARM's 404."""
        group = self._store.resources.get(_id(call).lower())
        if group is None:
            raise NotFoundError(
                f"Resource group '{call.params['group']}' could not be found.", code="ResourceGroupNotFound"
            )
        return group

    def list_all(self, call: Call) -> Response:
        """List the groups of the subscription that the filter lets through."""
        groups = [group for group in self._store.resources.find(_place(call)) if group["type"] == _TYPE]
        return JSONResponse({"value": filters.select(groups, call.filter)[: call.top]})

    def list_resources(self, call: Call) -> Response:
        """List the resources of a group, or of the subscription, that pass the filter."""
        if "group" in call.params:
            found = [body for _, body in self._members(self.find(call))]
        else:
            found = [body for body in self._store.resources.find(_place(call)) if body["type"] != _TYPE]
        shown = filters.select(found, call.filter)[: call.top]
        return JSONResponse({"value": [render(body, call.base_url) for body in shown]})

    def check(self, call: Call) -> Response:
        """Say whether the group exists."""
        self.find(call)
        return Response(status_code=NO_CONTENT)

    def get(self, call: Call) -> Response:
        """Return the group."""
        return JSONResponse(self.find(call))

    def put(self, call: Call) -> Response:
        """Create the group, or replace its tags."""
        name = call.params["group"]
        if not _NAME.fullmatch(name):
            raise BadRequestError(
                f"The provided resource group name '{name}' is invalid. The name can only be a letter, digit, '-', "
                f"'.', '(', ')' or '_', does not end with '.', and has at most 90 characters.",
                code="InvalidResourceGroup",
            )
        location = read_location(call.body)
        with self._store.transaction():
            old = self._store.resources.get(_id(call).lower())
            if old is not None and old["location"] != location:
                raise ConflictError(
                    f"Invalid resource group location '{location}'. The Resource group already exists in location "
                    f"'{old['location']}'.",
                    code="InvalidResourceGroupLocation",
                )
            group: Resource = {
                "id": old["id"] if old else _id(call),
                "name": old["name"] if old else name,
                "type": _TYPE,
                **read_envelope(call.body),
                "location": location,
                "properties": {"provisioningState": "Succeeded"},
            }
            self._store.resources.put(group["id"].lower(), group)
        return JSONResponse(group, status_code=OK if old else CREATED)

    def patch(self, call: Call) -> Response:
        """Replace the tags of an existing group."""
        with self._store.transaction():
            group: Resource = {**self.find(call), **read_envelope(call.body)}
            self._store.resources.put(group["id"].lower(), group)
        return JSONResponse(group)

    def delete(self, call: Call) -> Response:
        """Remove the group and everything in it."""
        group = self.find(call)
        for key, body in self._members(group):
            if body["type"] == WORKSPACE_TYPE:
                self._on_workspace_deleted(key)
        with self._store.transaction():
            for key, _ in self._members(group):
                self._store.resources.delete(key)
            self._store.resources.delete(group["id"].lower())
        return Response(status_code=OK)

    def _members(self, group: Resource) -> list[tuple[str, Resource]]:
        return self._store.resources.items(f"{group['id'].lower()}/")


def _place(call: Call) -> str:
    """Return the beginning of all keys in the request's subscription."""
    return f"/subscriptions/{call.params['subscription']}/resourcegroups/"


def _id(call: Call) -> str:
    return f"/subscriptions/{call.params['subscription']}/resourceGroups/{call.params['group']}"
