"""Routes to the handlers: each handler is a function of a Call, runs in a thread, and returns JSON or a Response."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.http import json_body
from emulator.http.errors import BadRequestError, NotFoundError
from emulator.store import Store

WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
)

Fields = dict[str, Any]  # a JSON object that a client sent; nothing of it is checked yet


@dataclass(frozen=True)
class Call:
    """The parts of a request that a handler reads; workspace is the ARM id in lower case, body the JSON or None."""

    workspace: str
    base_url: str
    root: str  # the path up to the workspace
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None

    @property
    def fields(self) -> Fields:
        """Return the body, which has to be a JSON object."""
        if not isinstance(self.body, dict):
            raise BadRequestError("The request body must be a JSON object.")
        return self.body


Answer = Mapping[str, object]
Handler = Callable[[Call], Answer | Response]


def ignore_case(route: Route) -> Route:
    """Return the route for its literal segments in any letter case, as Azure reads them; names keep theirs."""
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


def workspace_routes(store: Store, prefix: str, handlers: Mapping[tuple[str, str], Handler]) -> list[Route]:
    """Return a route for each (method, path below the workspace); all answer 404 if there is no such workspace."""
    return [_route(store, method, prefix + WORKSPACE + path, handler) for (method, path), handler in handlers.items()]


def workspace_id(params: Mapping[str, str]) -> str:
    """Return the workspace's ARM id in lower case, as the store's keys have it."""
    return WORKSPACE.format_map(params).lower()


async def read_call(store: Store, request: Request) -> Call:
    """Return the request as a Call; raises AzureError if it is wrong."""
    workspace = workspace_id(request.path_params)
    if store.resources.get(workspace) is None:
        raise NotFoundError(
            f"The Resource '{workspace.partition('/providers/')[2]}' under resource group "
            f"'{request.path_params['group']}' was not found.",
        )
    return Call(
        workspace=workspace,
        base_url=str(request.base_url).rstrip("/"),
        root=request.scope["path"].lower().partition("/subscriptions/")[0]
        + quote(WORKSPACE.format_map(request.path_params)),
        path=request.url.path,
        params={
            key: value for key, value in request.path_params.items() if key not in {"subscription", "group", "name"}
        },
        query=dict(request.query_params),
        body=_parse(await request.body()),
    )


def _route(store: Store, method: str, path: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        call = await read_call(store, request)
        result = await run_in_threadpool(handler, call)
        return result if isinstance(result, Response) else JSONResponse(result)

    return ignore_case(Route(path, endpoint, methods=[method]))


def _parse(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json_body.parse(body)
    except ValueError as error:
        raise BadRequestError(f"The request body is not JSON: {error}.") from None
