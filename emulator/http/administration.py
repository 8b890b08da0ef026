"""The emulator's own routes, which Azure does not have: its health, its content, and one more subscription."""

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator import __version__
from emulator.arm.subscriptions import Subscriptions, describe, read_id
from emulator.azureml.services import scoring_uri
from emulator.host import instance
from emulator.host.status import Contents, Place, ServiceStatus
from emulator.kinds import Resource
from emulator.service_kinds import Service
from emulator.store import Store

OPEN = (instance.HEALTH_PATH, instance.STATUS_PATH)  # without a login: they change nothing and hold no secret


def routes(store: Store, subscriptions: Subscriptions, find_log: Callable[[Service], Path]) -> list[Route]:
    """Return the emulator's own routes; `find_log` gives the log of a web service's container."""

    async def health(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
        return JSONResponse({"version": __version__, "state": str(store.directory)})

    def status(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
        content: Contents = {
            "subscriptions": subscriptions.list_ids(),
            "resourceGroups": [_place(body["id"].split("/")) for body in _find_groups(store)],
            "services": [_summarize(key, service, find_log(service)) for key, service in store.services.items()],
            "unknownRoutes": [
                {"route": route, "count": found["count"]} for route, found in store.unknown_routes.items()
            ],
        }
        return JSONResponse(content)

    async def add(request: Request) -> Response:
        subscription = read_id(request.path_params["subscription"])
        is_new = await run_in_threadpool(subscriptions.add, subscription)
        return JSONResponse(describe(subscription), status_code=201 if is_new else 200)

    return [
        Route(instance.HEALTH_PATH, health),
        Route(instance.STATUS_PATH, status),
        Route(f"{instance.SUBSCRIPTIONS_PATH}/{{subscription}}", add, methods=["PUT"]),
    ]


def _find_groups(store: Store) -> list[Resource]:
    return [body for body in store.resources.find() if body["type"] == "Microsoft.Resources/resourceGroups"]


def _place(parts: Sequence[str]) -> Place:
    """Return a resource's place, for the segments of its ARM id."""
    return {"subscription": parts[2], "resourceGroup": parts[4]}


def _summarize(key: str, service: Service, log: Path) -> ServiceStatus:
    parts = key.split("/")
    return {
        **_place(parts),
        "workspace": parts[-2],
        "name": service["name"],
        "state": service["state"],
        "scoringUri": scoring_uri(service),
        "error": service["error"] and service["error"]["message"],
        "log": str(log),
    }
