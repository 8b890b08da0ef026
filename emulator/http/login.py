"""Login with a service principal: the part of Microsoft Entra ID that MSAL needs, on this machine.

The emulator has one service principal, made with its state; `env` prints its id and secret. The address is that of an
ADFS, because MSAL asks the real login host about every other authority that it does not know.
"""

import hmac
import json
import secrets
import time
import uuid
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.http.identity import TENANT, make_token, signing_key
from emulator.kinds import Principal
from emulator.store import Store

ROOT = "/adfs/"
# The SDK puts the tenant in place of the last segment.
ENDPOINT = f"{ROOT}tenant"
_FILE = "service-principal.json"
_SCOPE = "/.default"


def write_principal(store: Store) -> None:
    """Make the service principal unless it is there, and write it to a file that only the owner may read."""
    store.write_file(_FILE, json.dumps(_principal(store), indent=2).encode())


def read_principal(state: Path) -> Principal | None:
    """Return the service principal, with the names of `az ad sp create-for-rbac`; None before the first start."""
    try:
        found: Principal = json.loads((state / _FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found


def routes(store: Store) -> list[Route]:
    """Return the discovery and the token route of a tenant."""
    key, principal = signing_key(store), _principal(store)

    async def discover(request: Request) -> Response:
        # Entra ID refuses an unknown tenant here; we refuse it with the token, because the SDK shows that sentence.
        base = f"{str(request.base_url).rstrip('/')}{ROOT}{request.path_params['tenant']}"
        return JSONResponse(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/oauth2/authorize",
                "token_endpoint": f"{base}/oauth2/token",
            }
        )

    async def give_token(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        refusal = _check(principal, request.path_params["tenant"], form)
        if refusal is not None:
            return refusal
        token, expires = make_token(key, form["scope"].removesuffix(_SCOPE))
        return JSONResponse({"token_type": "Bearer", "expires_in": expires - int(time.time()), "access_token": token})

    return [
        Route(f"{ROOT}{{tenant}}/.well-known/openid-configuration", discover),
        Route(f"{ROOT}{{tenant}}/oauth2/token", give_token, methods=["POST"]),
    ]


def _principal(store: Store) -> Principal:
    with store.transaction():
        principal = store.principals.get("service-principal")
        if principal is None:
            principal = {
                "appId": str(uuid.uuid4()),
                "displayName": "emulator",
                "password": secrets.token_urlsafe(30),
                "tenant": TENANT,
            }
            store.principals.put("service-principal", principal)
    return principal


def _check(principal: Principal, tenant: str, form: dict[str, str]) -> Response | None:
    """Return the refusal of a request for a token, in Entra ID's words, or None."""
    client = form.get("client_id", "")
    if tenant.lower() != TENANT:
        return _refuse(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found. The emulator's is {TENANT}.")
    if form.get("grant_type") != "client_credentials":
        return _refuse(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
    if client.lower() != principal["appId"]:
        return _refuse(
            400,
            "unauthorized_client",
            f"AADSTS700016: Application with identifier '{client}' was not found in the directory '{TENANT}'. "
            f"The emulator's is {principal['appId']}.",
        )
    if not hmac.compare_digest(form.get("client_secret", "").encode(), principal["password"].encode()):
        return _refuse(
            401,
            "invalid_client",
            f"AADSTS7000215: Invalid client secret provided for app '{client}'. "
            f"`azureml-emulator env` prints the emulator's.",
        )
    if not form.get("scope", "").endswith(_SCOPE):
        return _refuse(400, "invalid_scope", f"AADSTS1002012: The scope must end with {_SCOPE}.")
    return None


def _refuse(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)
