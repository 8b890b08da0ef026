"""Requests about Azure ML's web services on ACI; the supervisor carries them out."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.aci.supervisor import Supervisor
from emulator.azureml import properties, service_requests, services
from emulator.azureml.models import Models, matches_tags, now
from emulator.azureml.operations import Operations
from emulator.http import json_body, json_patch, lists
from emulator.http.errors import AzureError, BadRequestError, ConflictError, NotFoundError
from emulator.http.routing import Answer, Call, Fields, workspace_routes
from emulator.service_kinds import Keys, Operation, Service, ServiceChange, ServiceRequest
from emulator.store import Store


def routes(store: Store, webservices: "Webservices") -> list[Route]:
    """Return the routes of web services."""
    return workspace_routes(
        store,
        "/modelmanagement/v1.0",
        {
            ("POST", "/services/validate/name/{service}"): webservices.validate_name,
            ("POST", "/services/validate/resource"): webservices.validate_resource,
            ("POST", "/services/validate"): webservices.validate,
            ("POST", "/services"): webservices.create,
            ("GET", "/services"): webservices.search,
            ("GET", "/services/{service}"): webservices.read,
            ("PATCH", "/services/{service}"): webservices.patch,
            ("DELETE", "/services/{service}"): webservices.delete,
            ("POST", "/services/{service}/listkeys"): webservices.list_keys,
            ("POST", "/services/{service}/regenerateKeys"): webservices.regenerate_keys,
            ("GET", "/services/{service}/logs"): webservices.read_logs,
        },
    )


_IMAGE = frozenset({"imageId", "imageName", "imageDigest"})
_QUERY = frozenset({"computetype", "name", "modelid", "modelname", "tag", "tags", "properties", "expand"}) | {
    name.lower() for name in _IMAGE
}


class Webservices:
    """The handlers; a request that takes time becomes an operation."""

    def __init__(self, store: Store, models: Models, operations: Operations, supervisor: Supervisor) -> None:
        self._store = store
        self._models = models
        self._operations = operations
        self._supervisor = supervisor

    def validate_name(self, call: Call) -> Answer:
        """Return why a service cannot be deployed under this name."""
        try:
            self._check_new(call.workspace, service_requests.check_name(call.params["service"]))
        except AzureError as error:
            return {"error": {"code": error.code, "message": error.message}}
        return {}

    def validate_resource(self, call: Call) -> Answer:  # noqa: ARG002 - as every handler
        """Return that there is room; the machine's limits show when the container runs."""
        return {}

    def validate(self, call: Call) -> Answer:
        """Return the mistakes of a create or update request before it is made."""
        try:
            if call.fields.get("type") == "Create":
                self._read_request(call.workspace, call.fields.get("createRequest") or {})
            elif call.fields.get("type") == "Update":
                service = self._get(call.workspace, str(call.fields.get("serviceName")))
                self._check_patch(call.workspace, service, call.fields.get("updateRequest"))
        except AzureError as error:
            return {"error": {"code": error.code, "message": error.message}}
        return {}

    def create(self, call: Call) -> Response:
        """Deploy a new web service. With overwrite one that is there is replaced, and its URI and keys stay."""
        wanted = self._read_request(call.workspace, call.fields)
        key = f"{call.workspace}/{wanted['name']}"
        with self._store.transaction():
            service = self._store.services.get(key)
            if not call.fields.get("overwrite"):
                self._check_new(call.workspace, wanted["name"])
            if service is None:
                taken = {other["port"] for other in self._store.services.find()}
                service = services.new_service(wanted, services.free_port(taken))
            operation = self._begin(call.workspace, service, {"replace": wanted})
        return self._accept(call, operation)

    def search(self, call: Call) -> Answer:
        """Return a page of the web services that the query asks for, the one changed last before the others."""
        lists.check_query(call, _QUERY)
        services_here = self._store.services.items(f"{call.workspace}/")
        found = [self._render(call, service) for _, service in services_here if _matches(service, call.query)]
        return lists.page(call, lists.order(call, found, "UpdatedAtDesc", "updatedTime"))

    def read(self, call: Call) -> Answer:
        """Return the web service."""
        return self._render(call, self._get(call.workspace, call.params["service"]))

    def patch(self, call: Call) -> Response:
        """Change the web service: at once if nothing has to be deployed again, else by an operation."""
        with self._store.transaction():
            service = self._get(call.workspace, call.params["service"])
            changed = self._check_patch(call.workspace, service, call.body)
            key = f"{call.workspace}/{service['name']}"
            waiting = any(self._unfinished(call.workspace, service["name"]))
            if not waiting and not json_patch.touched(call.body) & services.REDEPLOYED_BY:
                changed["updatedTime"] = now()
                self._store.services.put(key, changed)
                return JSONResponse(self._render(call, changed))
            operation = self._begin(call.workspace, service, {"patch": call.body})
        return self._accept(call, operation)

    def delete(self, call: Call) -> Response:
        """End the web service and remove everything of it."""
        # Azure answers 202 and an operation to poll; we answer 200: it is gone when we answer.
        name = call.params["service"]
        if self._store.services.get(f"{call.workspace}/{name}") is None:
            return Response(status_code=204)
        self._end(call.workspace, name)
        return Response(status_code=200)

    def list_keys(self, call: Call) -> Keys:
        """Return the keys."""
        return self._get(call.workspace, call.params["service"])["keys"]

    def regenerate_keys(self, call: Call) -> Response:
        """Replace a key by a random one or the one given; the old one stops working at once."""
        kind, value = call.fields.get("keyType"), call.fields.get("keyValue") or services.new_key()
        if kind not in {"Primary", "Secondary"}:
            raise BadRequestError("keyType must be Primary or Secondary.")
        json_body.require_texts(call.fields, ("keyValue",))
        with self._store.transaction():
            service = self._get(call.workspace, call.params["service"])
            service["keys"]["primaryKey" if kind == "Primary" else "secondaryKey"] = value
            key = f"{call.workspace}/{service['name']}"
            self._store.services.put(key, service)
            operation = self._operations.create(call.workspace, service["name"], {}, state="Succeeded")
        self._supervisor.write_keys(key, service)
        return self._accept(call, operation)

    def read_logs(self, call: Call) -> Answer:
        """Return the end of the container's log; before there is a container, the end of its deployment's log."""
        service = self._get(call.workspace, call.params["service"])
        tail = call.query.get("tail", "5000")
        wanted = int(tail) if tail.isdecimal() else 5000
        try:
            with self._supervisor.log_file(service).open(encoding="utf-8", errors="replace") as file:
                return {"content": "".join(deque(file, wanted))}
        except FileNotFoundError:
            operation = self._operations.get(call.workspace, service["operationId"])
            return {"content": "\n".join(self._operations.lines(operation).splitlines()[-wanted:])}

    def drop(self, workspace: str) -> None:
        """End all web services of a workspace."""
        for service in self._store.services.find(f"{workspace}/"):
            self._end(workspace, service["name"])

    def _begin(self, workspace: str, service: Service, request: ServiceChange) -> Operation:
        """Make the operation, and show in the service that it changes from now on."""
        operation = self._operations.create(workspace, service["name"], request)
        shown: Service = {**service, "state": "Transitioning", "error": None, "operationId": operation["id"]}
        self._store.services.put(f"{workspace}/{service['name']}", shown)
        return operation

    def _accept(self, call: Call, operation: Operation) -> Response:
        if operation["state"] == "NotStarted":
            self._supervisor.submit(operation)
        location = f"{call.base_url}{call.root}/operations/{operation['id']}"
        return Response(status_code=202, headers={"Operation-Location": location})

    def _end(self, workspace: str, name: str) -> None:
        key = f"{workspace}/{name}"
        with self._store.transaction():
            service = self._store.services.get(key)
            self._store.services.delete(key)
            for operation in self._unfinished(workspace, name):
                self._operations.change(operation, state="Cancelled")
        if service is not None:
            self._supervisor.end(key, service["deployment"])

    def _unfinished(self, workspace: str, name: str) -> list[Operation]:
        return [found for found in self._operations.unfinished(f"{workspace}/") if found["service"] == name]

    def _read_request(self, workspace: str, fields: Fields) -> ServiceRequest:
        found = self._store.resources.get(workspace)
        wanted = service_requests.read_request(fields, found["location"] if found else "eastus")
        service_requests.check(wanted, workspace, self._models)
        return wanted

    def _check_patch(self, workspace: str, service: Service, patch: object) -> Service:
        asked = json_patch.apply(service, patch, services.PATCHED)["properties"]
        properties.check(service["properties"], properties.read("properties", asked))
        changed = services.change(service, {"patch": patch})
        service_requests.check(changed, workspace, self._models)
        return changed

    def _check_new(self, workspace: str, name: str) -> None:
        if self._store.services.get(f"{workspace}/{name}") is not None:
            raise ConflictError(
                f"Service {name} with the same name already exists, please use a different service name or "
                f"delete the existing service.",
                code="WebserviceAlreadyExists",
            )

    def _get(self, workspace: str, name: str) -> Service:
        service = self._store.services.get(f"{workspace}/{name}")
        if service is None:
            raise NotFoundError(f"Service with name {name} not found.", code="WebserviceNotFound")
        return service

    def _render(self, call: Call, service: Service) -> Answer:
        return services.render(service, call.workspace, self._models)


def _matches(service: Service, query: Mapping[str, Any]) -> bool:
    model_ids = service["environmentImageRequest"].get("modelIds") or []
    names = [model_id.rpartition(":")[0] for model_id in model_ids]
    return (
        query.get("computeType", "ACI").upper() == "ACI"
        and query.get("name") in {None, service["name"]}
        and not _IMAGE & set(query)  # nothing here runs from an image
        and (query.get("modelId") is None or query["modelId"] in model_ids)
        and (query.get("modelName") is None or query["modelName"] in names)
        and matches_tags(service["kvTags"], query.get("tags"))
        and matches_tags(service["kvTags"], query.get("tag"))
        and matches_tags(service["properties"], query.get("properties"))
    )
