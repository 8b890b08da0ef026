"""Azure as one application: every service's routes behind the login check, the request log and the error bodies."""

import logging
import sqlite3
import time
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulator import arm
from emulator.aci.failures import DiskFullError, is_disk_full
from emulator.aci.supervisor import Supervisor
from emulator.arm.subscriptions import Subscriptions
from emulator.azureml import artifacts, blobs, discovery, environments, models
from emulator.azureml import operations as operations_module
from emulator.azureml import webservices as webservices_module
from emulator.http import administration, identity, login
from emulator.http.errors import AzureError
from emulator.store import Store

_log = logging.getLogger("emulator.requests")
# Blobs check the URL's signature instead of a token.
_OPEN = ("/discovery/", *administration.OPEN, login.ROOT, blobs.ROOT + "/")
_UNKNOWN_ROUTES_KEPT = 200


def build(store: Store, subscriptions: Subscriptions) -> tuple[ASGIApp, Supervisor]:
    """Return the application, and the supervisor that runs its web services."""
    key = identity.signing_key(store)
    storage = blobs.Blobs(store, key)
    files = artifacts.Artifacts(store, storage)
    registry = models.Models(store, files)
    operations = operations_module.Operations(store, storage)
    supervisor = Supervisor(store, files, registry, operations)
    webservices = webservices_module.Webservices(store, registry, operations, supervisor)

    def drop_workspace(workspace: str) -> None:
        webservices.drop(workspace)
        operations.drop(workspace)
        files.drop(workspace)
        for kept in (store.assets, store.models, store.model_versions, store.environments, store.environment_labels):
            kept.delete_below(f"{workspace}/")

    application = Starlette(
        routes=[
            *administration.routes(store, subscriptions, supervisor.log_file),
            *discovery.routes(),
            *login.routes(store),
            *blobs.routes(storage),
            *environments.routes(store),
            *artifacts.routes(store, files),
            *models.routes(store, registry),
            *operations_module.routes(store, operations),
            *webservices_module.routes(store, webservices),
            *arm.routes(store, subscriptions, drop_workspace),
        ],
        middleware=[Middleware(_Gate, key=key)],
        exception_handlers={
            AzureError: _render,
            HTTPException: _UnknownRoute(store),
            OSError: _render_storage,
            sqlite3.Error: _render_storage,
            Exception: _render_bug,
        },
    )
    application.router.redirect_slashes = False
    return application, supervisor


class _Gate:
    """Lets a request with a good token through and logs every request.

    Never its query, which may hold a signature.
    """

    def __init__(self, app: ASGIApp, key: bytes) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, began, status = Request(scope), time.perf_counter(), 0

        async def note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            if not request.url.path.startswith(_OPEN):
                identity.check_token(self._key, request.headers.get("authorization"))
            await self._app(scope, receive, note)
        except AzureError as error:
            await (await _render(request, error))(scope, receive, note)
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            _log.info("%s %s %s %.0f ms", request.method, _shown(request), status or "-", milliseconds)


class _UnknownRoute:
    """Answers 501 to a request that the emulator does not do, and remembers it for `status`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - starlette's signature
        route = f"{request.method} {_shown(request)}"
        with self._store.transaction():
            known = self._store.unknown_routes.get(route)
            if known or len(self._store.unknown_routes.items()) < _UNKNOWN_ROUTES_KEPT:
                self._store.unknown_routes.put(route, {"count": (known or {"count": 0})["count"] + 1})
        unknown = AzureError(
            f"The emulator does not do {route}; `azureml-emulator status` lists all such requests.{_way_out(route)}",
            code="NotImplemented",
            status=501,
        )
        return await _render(request, unknown)


def _shown(request: Request) -> str:
    """Return the request's path as a terminal may show it: control characters are quoted."""
    return "".join(each if each.isprintable() else quote(each, errors="replace") for each in request.url.path)


def _way_out(route: str) -> str:
    """Return a sentence about a command that does the same, if there is one: Workspace.create deploys a template."""
    if "/providers/microsoft.resources/deployments/" not in route.lower():
        return ""
    return " A new workspace is made by `azureml-emulator workspace NAME --resource-group GROUP`."


async def _render(request: Request, error: Exception) -> Response:
    """Return the error as the service under this path words it."""
    assert isinstance(error, AzureError)  # noqa: S101 - registered for nothing else
    path = request.url.path
    if path.startswith(blobs.ROOT):
        body = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        return Response(
            f'<?xml version="1.0" encoding="utf-8"?>{body}',
            status_code=error.status,
            media_type="application/xml",
            headers={"x-ms-error-code": error.code},
        )
    if path.lower().startswith("/modelmanagement"):
        shown = error.model_management_body()
    else:
        # Azure ML's other services always give details, also empty ones; without them the SDK prints nothing.
        details = {} if path.lower().startswith("/subscriptions") else {"details": list[object]()}
        shown = {"error": {**error.arm_error(), **details}}
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, identity.UnauthorizedError) else None
    return JSONResponse(shown, status_code=error.status, headers=headers)


async def _render_storage(request: Request, error: Exception) -> Response:
    if is_disk_full(error):
        _log.error("%s", DiskFullError())
        return await _render(request, DiskFullError())
    return await _render_bug(request, error)


async def _render_bug(request: Request, error: Exception) -> Response:
    # Azure answers 500, which the SDK tries again for 14 s; we answer 400: a bug does not go away.
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    message = f"The emulator itself failed ({error!r}): `azureml-emulator logs` has the traceback."
    return await _render(request, AzureError(message, code="InternalServerError", status=400))
