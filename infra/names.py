"""Physical names, from one place that knows Azure's limits.

They follow from subscription, resource group and stack alone, so an interrupted `up` finds what it made.
Changing a rule here replaces what live stacks have.
"""

import hashlib
import re
import sys
from pathlib import Path
from typing import Protocol

import stack as stack_file

# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_STORAGE_ACCOUNT = 24  # lower-case letters and digits, world-wide
_KEY_VAULT = 24  # letters, digits, dashes, world-wide
_REGISTRY = 50  # letters and digits, world-wide
_DNS_LABEL = 63  # letters, digits, dashes, in the region


class Named(Protocol):
    """What the names follow from: the program's Settings have it all."""

    @property
    def subscription_id(self) -> str:
        """The subscription, which tells its names from all others'."""

    @property
    def resource_group(self) -> str:
        """The resource group."""

    @property
    def service_name(self) -> str:
        """The web service."""


def _suffix(settings: Named) -> str:
    """Return six hex digits that tell this subscription's names from all others'."""
    return hashlib.sha256(f"{settings.subscription_id}/{settings.resource_group}".encode()).hexdigest()[:6]


def _letters_and_digits(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def storage_account(settings: Named) -> str:
    """Return 3 to 24 lower-case letters and digits."""
    suffix = _suffix(settings)
    return _letters_and_digits(settings.resource_group)[: _STORAGE_ACCOUNT - len(suffix)] + suffix


def key_vault(settings: Named) -> str:
    """Return 3 to 24 letters, digits and dashes, a letter first."""
    suffix = _suffix(settings)
    return "kv" + _letters_and_digits(settings.resource_group)[: _KEY_VAULT - len(suffix) - 2] + suffix


def registry(settings: Named) -> str:
    """Return 5 to 50 letters and digits."""
    suffix = _suffix(settings)
    return _letters_and_digits(settings.resource_group)[: _REGISTRY - len(suffix)] + suffix


def dns_name_label(settings: Named) -> str:
    """Return the host name's first label, constant over updates, so that the scoring URI stays."""
    suffix = _suffix(settings)
    return f"{settings.service_name[: _DNS_LABEL - len(suffix) - 1]}-{suffix}"


class _Chosen:
    """What a stack's file says of the names, before anything is deployed."""

    def __init__(self, file: stack_file.StackFile) -> None:
        self.subscription_id = str(file.config["azure-native:subscriptionId"])
        self.resource_group = str(file.get("resourceGroup") or f"digits-{file.stack}")
        self.service_name = str(file.get("serviceName") or f"digits-{file.stack}")


def host_name(file: stack_file.StackFile) -> str:
    """Return the web service's own host name on Azure, to which the CNAME of a stack with TLS leads."""
    location = file.config["azure-native:location"].replace(" ", "").lower()
    return f"{dns_name_label(_Chosen(file))}.{location}.azurecontainer.io"


if __name__ == "__main__":  # python -m infra.names STACK
    try:
        print(host_name(stack_file.read(Path.cwd(), sys.argv[1])))
    except stack_file.StackFileError as error:
        sys.exit("\n".join(f"error: {line}" for line in str(error).splitlines()))
