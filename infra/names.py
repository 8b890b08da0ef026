"""Physical names, from one place that knows Azure's limits.

They follow only from subscription, resource group and service name, so an interrupted `up` finds what it made.
A change of a rule here replaces the resources of live stacks.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_STORAGE_ACCOUNT = 24  # lower-case letters and digits, world-wide
_KEY_VAULT = 24  # letters, digits, dashes, world-wide
_REGISTRY = 50  # letters and digits, world-wide
_DNS_LABEL = 63  # letters, digits, dashes, in the region


class Named(Protocol):
    """The values that the names follow from; the program's Settings have all of them."""

    @property
    def subscription_id(self) -> str:
        """The subscription, which makes its names differ from all others'."""

    @property
    def resource_group(self) -> str:
        """The resource group."""

    @property
    def service_name(self) -> str:
        """The web service."""


@dataclass(frozen=True)
class Place:
    """The values that the names follow from, before there are settings."""

    subscription_id: str
    resource_group: str
    service_name: str


def _suffix(settings: Named) -> str:
    """Return six hex digits that make this subscription's names differ from all others'."""
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
