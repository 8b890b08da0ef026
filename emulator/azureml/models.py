"""Azure ML's model registry: assets (uploaded files) and the named, versioned models made of them."""

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import cast

from starlette.responses import Response
from starlette.routing import Route

from emulator.azureml import properties
from emulator.azureml.artifacts import Artifacts
from emulator.http import json_body, json_patch, lists
from emulator.http.errors import AzureError, BadRequestError, NotFoundError
from emulator.http.identity import PRINCIPAL, TENANT
from emulator.http.routing import Answer, Call, Fields, workspace_routes
from emulator.kinds import Asset, Model
from emulator.store import Store

CREATED_BY = {"userObjectId": PRINCIPAL, "userTenantId": TENANT, "userName": "emulator"}
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")
_ASSET = ("name", "description", "artifacts", "kvTags", "properties", "runid", "meta")
_PATCHED = (
    "kvTags",
    "description",
    "properties",
    "datasets",
    "sampleInputData",
    "sampleOutputData",
    "resourceRequirements",
)


_QUERY = frozenset({"name", "framework", "description", "tag", "tags", "properties", "runid", "latestversiononly"})


class ModelInUseError(AzureError):
    """A web service runs with this model."""

    status = 412
    code = "DeletionRequired"


def routes(store: Store, models: "Models") -> list[Route]:
    """Return the model registry's routes."""
    return workspace_routes(
        store,
        "/modelmanagement/v1.0",
        {
            ("POST", "/assets"): models.create_asset,
            ("GET", "/assets/{asset}"): models.read_asset,
            ("POST", "/models"): models.register,
            ("GET", "/models"): models.search,
            ("GET", "/models/{model}"): models.read,
            ("PATCH", "/models/{model}"): models.patch,
            ("DELETE", "/models/{model}"): models.delete,
        },
    )


class Models:
    """The handlers; a model's bytes never change, its tags and description may."""

    def __init__(self, store: Store, artifacts: Artifacts) -> None:
        self._store = store
        self._artifacts = artifacts

    def create_asset(self, call: Call) -> Asset:
        """Make an asset of files that have been uploaded.

        The SDK does not look at the result of an upload, so a file that never arrived is noticed here.
        """
        prefixes = [entry.get("prefix") or entry.get("id") for entry in call.fields.get("artifacts") or []]
        if not prefixes or not all(isinstance(prefix, str) for prefix in prefixes):
            raise BadRequestError("An asset needs artifacts: [{prefix}].")
        if not isinstance(call.fields.get("name"), str):
            raise BadRequestError("An asset needs a name.")
        for prefix in prefixes:
            self._artifacts.find(call.workspace, prefix)
        given = {key: call.fields[key] for key in _ASSET if key in call.fields}
        labels = {key: properties.read(key, given[key]) for key in ("kvTags", "properties") if key in given}
        asset = cast("Asset", {**given, **labels, "id": uuid.uuid4().hex, "createdTime": now()})
        self._store.assets.put(f"{call.workspace}/{asset['id']}", asset)
        return asset

    def read_asset(self, call: Call) -> Asset:
        """Return the asset."""
        return self._asset(call.workspace, call.params["asset"])

    def register(self, call: Call) -> Model:
        """Register the asset as the name's next version; a version's number is never given twice."""
        name = call.fields.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadRequestError(
                "Model name is invalid: it must only consist of letters, numbers, dashes, periods, or underscores, "
                "start with a letter or number, and be between 1 and 255 characters long."
            )
        self._asset(call.workspace, str(call.fields.get("url")).removeprefix("aml://asset/"))
        if not isinstance(call.fields.get("mimeType"), str):
            raise BadRequestError("A model needs a mimeType, such as application/x-python.")
        with self._store.transaction():
            last = self._store.model_versions.get(f"{call.workspace}/{name}") or {"last": 0}
            version = last["last"] + 1
            model = _new_model(name, version, call.fields)
            self._store.model_versions.put(f"{call.workspace}/{name}", {"last": version})
            self._store.models.put(_key(call.workspace, model["id"]), model)
        return model

    def read(self, call: Call) -> Model:
        """Return the model."""
        return self.get(call.workspace, call.params["model"])

    def search(self, call: Call) -> Answer:
        """Return a page of the models that the query asks for, newest first."""
        query = call.query
        lists.check_query(call, _QUERY)
        found = [m for m in self._store.models.find(f"{call.workspace}/") if _matches(m, query)]
        if query.get("latestVersionOnly", "").lower() == "true":
            newest = sorted(found, key=lambda model: int(model["version"]))
            found = list({model["name"]: model for model in newest}.values())
        return lists.page(call, lists.order(call, found, "CreatedAtDesc", "modifiedTime"))

    def patch(self, call: Call) -> Model:
        """Change tags or description, or add properties."""
        with self._store.transaction():
            model = self.get(call.workspace, call.params["model"])
            changed: Model = {**json_patch.apply(model, call.body, _PATCHED), "modifiedTime": now()}
            _require_kinds(changed)
            asked = properties.read("properties", changed["properties"])
            properties.check(model["properties"], asked)
            changed["properties"] = properties.add(model["properties"], asked)
            changed["kvTags"] = properties.read("kvTags", changed["kvTags"])
            self._store.models.put(_key(call.workspace, model["id"]), changed)
        return changed

    def delete(self, call: Call) -> Response:
        """Delete the model unless a web service runs with it; the uploaded files stay, as in Azure."""
        model_id = call.params["model"]
        with self._store.transaction():
            if self._store.models.get(_key(call.workspace, model_id)) is None:
                return Response(status_code=204)
            users = [
                service["name"]
                for service in self._store.services.find(f"{call.workspace}/")
                if model_id in (service["environmentImageRequest"].get("modelIds") or ())
            ]
            if users:
                raise ModelInUseError(
                    f"DeletionRequired: Model {model_id} cannot be deleted because it is currently being used by "
                    f"the services: {', '.join(users)}. Delete them first."
                )
            self._store.models.delete(_key(call.workspace, model_id))
        return Response(status_code=200)

    def get(self, workspace: str, model_id: str) -> Model:
        """Return the model of this id, "name:version"."""
        model = self._store.models.get(_key(workspace, model_id)) if ":" in model_id else None
        if model is None:
            raise NotFoundError(f"Model with id {model_id} not found.", code="ModelNotFound")
        return model

    def prefixes(self, workspace: str, model: Model) -> Iterable[str]:
        """Return the artifact prefixes that the model is made of."""
        asset = self._asset(workspace, model["url"].removeprefix("aml://asset/"))
        return [entry.get("prefix") or entry["id"] for entry in asset["artifacts"]]

    def _asset(self, workspace: str, asset_id: str) -> Asset:
        asset = self._store.assets.get(f"{workspace}/{asset_id}")
        if asset is None:
            raise NotFoundError(f"Asset with id {asset_id} not found.", code="AssetNotFound")
        return asset


def now() -> str:
    """Return the time as Azure writes it."""
    return datetime.now(UTC).isoformat()


def matches_tags(found: dict[str, str] | None, query: str | None) -> bool:
    """Say whether these tags have all that the query ("key=value,key") asks for."""
    tags = found or {}
    for wanted in filter(None, (query or "").split(",")):
        key, equals, value = wanted.partition("=")
        if key not in tags or (equals and str(tags[key]) != value):
            return False
    return True


def _require_kinds(fields: Mapping[str, object]) -> None:
    json_body.require_texts(fields, ("framework", "frameworkVersion", "description", "experimentName", "runId"))
    json_body.require_texts(fields, ("sampleInputData", "sampleOutputData"))
    json_body.require_objects(fields, ("resourceRequirements",))
    json_body.require_list(fields, "datasets", dict)


def _new_model(name: str, version: int, fields: Fields) -> Model:
    _require_kinds(fields)
    created = now()
    return {
        "id": f"{name}:{version}",
        "name": name,
        "version": version,
        "url": fields["url"],
        "mimeType": fields["mimeType"],
        "framework": fields.get("framework"),
        "frameworkVersion": fields.get("frameworkVersion"),
        "description": fields.get("description"),
        "experimentName": fields.get("experimentName"),
        "runId": fields.get("runId"),
        "resourceRequirements": fields.get("resourceRequirements"),
        "sampleInputData": fields.get("sampleInputData"),
        "sampleOutputData": fields.get("sampleOutputData"),
        "unpack": bool(fields.get("unpack")),
        "kvTags": properties.read("kvTags", fields.get("kvTags")),
        "properties": properties.read("properties", fields.get("properties")),
        "datasets": fields.get("datasets") or [],
        "derivedModelIds": [],
        "createdTime": created,
        "modifiedTime": created,
        "createdBy": CREATED_BY,
    }


def _matches(model: Model, query: Mapping[str, str]) -> bool:
    exact = {
        "name": model["name"],
        "framework": model["framework"],
        "runId": model["runId"],
        "description": model["description"],
    }
    return (
        all(query.get(asked) in (None, value) for asked, value in exact.items())  # a value may be any JSON
        and matches_tags(model["kvTags"], query.get("tags"))
        and matches_tags(model["kvTags"], query.get("tag"))
        and matches_tags(model["properties"], query.get("properties"))
    )


def _key(workspace: str, model_id: str) -> str:
    name, _, version = model_id.rpartition(":")
    return f"{workspace}/{name}/{version}"
