"""What Azure does not have: is the emulator there, what does it hold, and one more subscription for it."""

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
from emulator.store import Document, Store

OPEN = (instance.HEALTH_PATH, instance.STATUS_PATH)  # without a login: they change nothing and hold no secret


def routes(store: Store, subscriptions: Subscriptions, find_log: Callable[[Document], Path]) -> list[Route]:
    """Return the emulator's own routes; `find_log` gives the log of a web service's container."""

    async def health(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
        return JSONResponse({"version": __version__, "state": str(store.directory)})

    def status(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
        return JSONResponse(
            {
                "subscriptions": subscriptions.list_ids(),
                "resourceGroups": [_place(body["id"].split("/")) for body in _find_groups(store)],
                "services": [
                    {**_summary(key, service), "log": str(find_log(service))} for key, service in store.items("service")
                ],
                "unknownRoutes": [{"route": route, **found} for route, found in store.items("unknown-route")],
            }
        )

    async def add(request: Request) -> Response:
        subscription = read_id(request.path_params["subscription"])
        is_new = await run_in_threadpool(subscriptions.add, subscription)
        return JSONResponse(describe(subscription), status_code=201 if is_new else 200)

    return [
        Route(instance.HEALTH_PATH, health),
        Route(instance.STATUS_PATH, status),
        Route(f"{instance.SUBSCRIPTIONS_PATH}/{{subscription}}", add, methods=["PUT"]),
    ]


def _find_groups(store: Store) -> list[Document]:
    return [body for _, body in store.items("arm") if body["type"] == "Microsoft.Resources/resourceGroups"]


def _place(parts: Sequence[str]) -> dict[str, str]:
    """Return where something lies, for the segments of its ARM id."""
    return {"subscription": parts[2], "resourceGroup": parts[4]}


def _summary(key: str, service: Document) -> Document:
    parts = key.split("/")
    return {
        **_place(parts),
        "workspace": parts[-2],
        "name": service["name"],
        "state": service["state"],
        "scoringUri": scoring_uri(service),
        "error": (service.get("error") or {}).get("message"),
    }
