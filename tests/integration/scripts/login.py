# ruff: noqa: ANN001, ANN003, ANN201, BLE001, SLF001 - as users write it
# mypy: ignore-errors
"""Each way to log in that the SDK has for programs, and what it asks of the network meanwhile."""

import os
import sys

ASKED = set()


def note(event, arguments):
    """Remember whose address is looked up and who is connected to."""
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        ASKED.add(str(arguments[0]))
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        ASKED.add(str(arguments[1][0]))


sys.addaudithook(note)

from azureml.core import Workspace  # noqa: E402 - the hook comes first
from azureml.core.authentication import (  # noqa: E402
    InteractiveLoginAuthentication,
    MsiAuthentication,
    ServicePrincipalAuthentication,
)

TENANT, ID, PASSWORD = (os.environ[f"AZUREML_SERVICE_PRINCIPAL_{name}"] for name in ("TENANT_ID", "ID", "PASSWORD"))


def attempt(name, log_in):
    """Open the workspace with a login; print its name, or what was raised."""
    try:
        said = Workspace.from_config(auth=log_in()).name
    except BaseException as error:
        said = f"{type(error).__name__} {error}"
    print(name, " ".join(str(said).split()), sep="\t")


def principal(tenant=TENANT, client=ID, secret=PASSWORD, **more):
    """Return the login of a service principal, as users write it."""
    return ServicePrincipalAuthentication(
        tenant_id=tenant, service_principal_id=client, service_principal_password=secret, **more
    )


print("default", type(InteractiveLoginAuthentication()._ambient_auth).__name__, sep="\t")
attempt("managed identity", MsiAuthentication)
attempt("an identity of one's own", lambda: MsiAuthentication(identity_config={"client_id": "any"}))
attempt("service principal", principal)
attempt("another cloud", lambda: principal(cloud="AzureUSGovernment"))
attempt("service principal in capitals", lambda: principal(client=ID.upper()))
attempt("unknown secret", lambda: principal(secret="not-the-secret"))
attempt("unknown principal", lambda: principal(client="11111111-1111-1111-1111-111111111111"))
attempt("unknown tenant", lambda: principal(tenant="22222222-2222-2222-2222-222222222222"))
attempt("another tenant", lambda: InteractiveLoginAuthentication(tenant_id="33333333-3333-3333-3333-333333333333"))
del os.environ["MSI_ENDPOINT"]
attempt("from the environment", InteractiveLoginAuthentication)
for name in ("TENANT_ID", "ID", "PASSWORD"):
    del os.environ[f"AZUREML_SERVICE_PRINCIPAL_{name}"]
attempt("interactive", lambda: InteractiveLoginAuthentication(force=True))
print("asked", sorted(ASKED), sep="\t")
