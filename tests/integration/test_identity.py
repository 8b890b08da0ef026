"""Login: tokens from the managed identity endpoint, and what happens without a good one."""

import base64
import json
from pathlib import Path

import httpx
import pytest

from emulator.http import identity
from tests.integration.wire import Emulator, Workspace

_SCRIPT = Path(__file__).parent / "scripts" / "login.py"


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


@pytest.fixture(scope="module")
def logins(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give what each way to log in came to, in the SDK's own words."""
    directory = tmp_path_factory.mktemp("logins")
    workspace.write_config(directory)
    done = workspace.emulator.run(_SCRIPT, directory=directory)
    assert done.returncode == 0, done.stderr
    return dict(line.split("\t") for line in done.stdout.splitlines() if "\t" in line)


@pytest.mark.parametrize(
    "way", ["managed identity", "service principal", "service principal in capitals", "from the environment"]
)
def test_a_program_logs_in_as_managed_identity_or_service_principal(logins: dict[str, str], way: str) -> None:
    """With MsiAuthentication, ServicePrincipalAuthentication, or the SDK's own variables; the first is the default."""
    assert logins[way] == "digits-ws"
    assert logins["default"] == "MsiAuthentication"


def test_any_identity_and_any_cloud_that_are_asked_for_are_this_one(logins: dict[str, str]) -> None:
    """A script that names its own user-assigned identity, or another cloud, runs here as it is."""
    assert logins["an identity of one's own"] == "digits-ws"
    assert logins["another cloud"] == "digits-ws"


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("unknown secret", "AADSTS7000215: Invalid client secret"),
        ("unknown principal", "AADSTS700016: Application with identifier '11111111"),
        ("unknown tenant", "AADSTS90002: Tenant '22222222-2222-2222-2222-222222222222' not found"),
        ("another tenant", "AADSTS90002: Tenant '33333333-3333-3333-3333-333333333333' not found"),
        ("interactive", "HTTP Error: 501"),
    ],
)
def test_no_other_login_is_taken(logins: dict[str, str], way: str, words: str) -> None:
    """A secret, a principal or a tenant that is not the emulator's, and a login by a person."""
    assert words in logins[way]


def test_no_login_asks_another_machine(logins: dict[str, str]) -> None:
    """No name is looked up and no address connected to but this machine's, whatever becomes of the login."""
    assert logins["asked"] == "['127.0.0.1']"


def test_the_service_principal_stays_and_only_its_owner_may_read_it(own_emulator: Emulator) -> None:
    """Its secret is made once with the state, lies in a file without rights for others, and is never logged."""
    name = "AZUREML_SERVICE_PRINCIPAL_PASSWORD"
    secret = own_emulator.start().variables()[name]
    assert (own_emulator.state / "service-principal.json").stat().st_mode & 0o077 == 0
    own_emulator.stop()
    assert own_emulator.start().variables()[name] == secret
    assert secret not in own_emulator.log


def test_a_web_page_cannot_fetch_a_token(emulator: Emulator) -> None:
    """Without the Metadata header, which a page cannot send unasked, there is no token."""
    answer = httpx.post(emulator.variables()["MSI_ENDPOINT"], data={"resource": "https://management.azure.com/"})
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


@pytest.mark.parametrize("header", [{"Host": "attacker.example"}, {"Origin": "https://attacker.example"}])
def test_a_page_under_a_name_that_leads_here_cannot_fetch_a_token_either(
    emulator: Emulator, header: dict[str, str]
) -> None:
    """A page whose host name was rebound to this machine may send any header, but it names its host or its origin."""
    answer = httpx.get(
        emulator.variables()["MSI_ENDPOINT"],
        params={"resource": "https://management.azure.com/"},
        headers={"Metadata": "true", **header},
    )
    assert answer.status_code == 403
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
