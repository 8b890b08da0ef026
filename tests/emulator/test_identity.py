"""Login: tokens from the managed identity endpoint, and what happens without a good one."""

import base64
import json

import httpx
import pytest
from wire import Emulator, Workspace

from emulator import identity


def test_any_program_here_gets_a_token_that_the_services_take(workspace: Workspace) -> None:
    """The endpoint wants no secret, and its token opens everything."""
    assert workspace.client.get(workspace.id, params={"api-version": "2022-05-01"}).status_code == 200
    assert workspace.client.get(workspace.models("/models")).status_code == 200


def test_a_token_says_tenant_and_end(emulator: Emulator) -> None:
    """The SDK reads tid and exp out of the token's middle part."""
    claims = emulator.token().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert claims["tid"] == identity.TENANT
    assert claims["exp"] > claims["iat"]


def test_a_web_page_cannot_fetch_a_token(emulator: Emulator) -> None:
    """Without the Metadata header, which a page cannot send unasked, there is no token."""
    answer = httpx.post(emulator.variables()["MSI_ENDPOINT"], data={"resource": "https://management.azure.com/"})
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "AuthenticationFailed"),
        ("Bearer nonsense", "InvalidAuthenticationToken"),
        ("Bearer é.ü.ö", "InvalidAuthenticationToken"),
    ],
)
def test_a_request_without_a_good_token_is_401(workspace: Workspace, authorization: str | None, code: str) -> None:
    """Missing and made-up tokens are refused in Azure's words, whatever the route."""
    with workspace.emulator.client() as client:
        del client.headers["Authorization"]
        headers = {b"Authorization": authorization.encode()} if authorization else {}
        for path in (workspace.id, workspace.models("/models"), "/nowhere"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401
            body = answer.json()
            assert body.get("code", body.get("error", {}).get("code")) == code


def test_a_token_is_refused_after_its_end() -> None:
    """A token's time is checked, and its signature binds it."""
    key = b"k" * 32
    token, expires = identity.make_token(key, "https://management.azure.com/")
    identity.check_token(key, f"Bearer {token}")
    old, _ = identity.make_token(key, "https://management.azure.com/", now=expires - 200_000)
    with pytest.raises(identity.UnauthorizedError, match="expired"):
        identity.check_token(key, f"Bearer {old}")
    with pytest.raises(identity.UnauthorizedError, match="invalid"):
        identity.check_token(b"another", f"Bearer {token}")
