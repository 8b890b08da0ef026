"""Access tokens: the managed identity endpoint makes them, and every Azure call is checked for one.

The endpoint needs no secret, as on a virtual machine: any program on this machine may call it. It wants the `Metadata`
header, so that a web page in a browser here cannot fetch a token.
"""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.http.errors import AzureError
from emulator.store import Store

TENANT = "00000000-0000-0000-0000-00000000000a"
PRINCIPAL = "00000000-0000-0000-0000-00000000000b"

TOKEN_PATH = "/metadata/identity/oauth2/token"  # noqa: S105 - a path
_HOSTS = frozenset({"127.0.0.1", "localhost"})  # another name leads here from a web page that has rebound it
_LIFETIME_SECONDS = 86_400


class UnauthorizedError(AzureError):
    """The request has no token, or a wrong one."""

    status = 401
    code = "AuthenticationFailed"


def signing_key(store: Store) -> bytes:
    """Return the key that signs tokens and blob URLs, made on first use and kept with the state."""
    with store.transaction():
        document = store.signing_keys.get("signing")
        if document is None:
            document = {"key": secrets.token_hex(32)}
            store.signing_keys.put("signing", document)
    return bytes.fromhex(document["key"])


def make_token(key: bytes, resource: str, now: float | None = None) -> tuple[str, int]:
    """Return a signed JSON web token for the resource, and when it expires (seconds since 1970)."""
    issued = int(time.time() if now is None else now)
    expires = issued + _LIFETIME_SECONDS
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": issued,
        "nbf": issued,
        "exp": expires,
        "oid": PRINCIPAL,
        "tid": TENANT,
    }
    content = f"{_encode_json({'alg': 'HS256', 'typ': 'JWT'})}.{_encode_json(claims)}"
    return f"{content}.{_sign(key, content)}", expires


def check_token(key: bytes, authorization: str | None) -> None:
    """Raise Azure's 401 unless the Authorization header holds a token of ours that is still good."""
    if not authorization:
        raise UnauthorizedError("Authentication failed. The 'Authorization' header is missing.")
    scheme, _, token = authorization.partition(" ")
    content, _, signature = token.rpartition(".")
    if scheme.lower() != "bearer" or not hmac.compare_digest(_sign(key, content).encode(), signature.encode()):
        raise UnauthorizedError(
            "The access token is invalid: it is not one of this emulator's identity endpoint.",
            code="InvalidAuthenticationToken",
        )
    expires = json.loads(_decode(content.partition(".")[2]))["exp"]
    if expires < time.time():
        raise UnauthorizedError("The access token expired.", code="ExpiredAuthenticationToken")


def routes(store: Store) -> list[Route]:
    """Return the managed identity endpoint."""
    key = signing_key(store)

    async def give_token(request: Request) -> Response:
        if request.url.hostname not in _HOSTS or "origin" in request.headers:
            error = {"error": "access_denied", "error_description": "Only programs of this machine get a token."}
            return JSONResponse(error, status_code=403)
        if request.headers.get("metadata", "").lower() != "true":
            error = {"error": "invalid_request", "error_description": "Required metadata header not specified"}
            return JSONResponse(error, status_code=400)
        form = (await request.body()).decode() if request.method == "POST" else request.url.query
        resource = parse_qs(form).get("resource", [""])[0]
        if not resource:
            error = {"error": "invalid_request", "error_description": "Required query variable 'resource' is missing"}
            return JSONResponse(error, status_code=400)
        token, expires = make_token(key, resource)
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_on": str(expires),
                "expires_in": str(_LIFETIME_SECONDS),
                "resource": resource,
            }
        )

    return [Route(TOKEN_PATH, give_token, methods=["GET", "POST"])]


def _encode_json(value: Mapping[str, object]) -> str:
    return _encode(json.dumps(value).encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sign(key: bytes, content: str) -> str:
    return _encode(hmac.digest(key, content.encode(), "sha256"))
