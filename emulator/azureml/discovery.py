"""The addresses of a workspace's services: all of them are the emulator's own."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

# The SDK wants every one of these, also of services that the emulator answers with 501.
_SERVICES = ("api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio")


def routes() -> list[Route]:
    """Return the discovery route; as in Azure it needs no token."""

    async def discover(request: Request) -> Response:
        base_url = str(request.base_url).rstrip("/")
        return JSONResponse(dict.fromkeys(_SERVICES, base_url))

    return [Route("/discovery/workspaces/{id}", discover)]
