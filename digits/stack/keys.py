"""The keys that a stack's file may have, and the nearest one to a key that it may not have.

Pulumi passes over a key that nothing reads, so a misspelt setting would silently be its default.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from digits.stack.bounds import Bounds

PROVIDER = "azure-native"
REQUIRED = ("subscriptionId", "tenantId", "location")
# The provider's own, by type; "any" is a list or a text. A test holds them against the provider's SDK.
PROVIDER_TYPES: Mapping[str, str] = {
    "auxiliaryTenantIds": "any",
    "clientCertificatePassword": "secret",
    "clientCertificatePath": "secret",
    "clientId": "secret",
    "clientSecret": "secret",
    "disableInstanceDiscovery": "boolean",
    "disablePulumiPartnerId": "boolean",
    "environment": "string",
    "location": "string",
    "metadataHost": "string",
    "msiEndpoint": "secret",
    "oidcRequestToken": "secret",
    "oidcRequestUrl": "secret",
    "oidcToken": "secret",
    "oidcTokenFilePath": "secret",
    "partnerId": "string",
    "subscriptionId": "string",
    "tenantId": "string",
    "useDefaultAzureCredential": "boolean",
    "useMsi": "boolean",
    "useOidc": "boolean",
}
# What the engine itself reads.
_ENGINE = ("pulumi:autonaming", "pulumi:disable-default-providers", "pulumi:tags", "pulumi:template")
_NEAR = 0.6  # of 1, difflib's own default


class Keys:
    """The keys that this project's program, its provider and the engine read, with their types."""

    def __init__(
        self, project: str, declared: Mapping[str, Mapping[str, Any]], bounds: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.project = project
        self.bounds = {f"{project}:{name}": Bounds.declared(each, declared[name]) for name, each in bounds.items()}
        self.defaults = {f"{project}:{name}": entry.get("default") for name, entry in declared.items()}
        self.types = {
            **{f"{project}:{name}": str(entry["type"]) for name, entry in declared.items()},
            **{f"{PROVIDER}:{name}": kind for name, kind in PROVIDER_TYPES.items()},
            **dict.fromkeys(_ENGINE, "any"),
        }

    @classmethod
    def declared(cls, directory: Path) -> "Keys":
        """Read what Pulumi.yaml declares."""
        document = yaml.safe_load((directory / "Pulumi.yaml").read_text(encoding="utf-8"))
        return cls(document["name"], document["config"], document["bounds"])

    def explain(self, key: str) -> str | None:
        """Return what is wrong with a key and what to write, as the end of a sentence; None for a known one."""
        if key in self.types:
            return None
        namespace, _, name = key.partition(":")
        # Pulumi takes both of these for the project's own key, but promotion and the policies read one spelling.
        written = f"{namespace}:{name.removeprefix('config:')}" if name else f"{self.project}:{key}"
        if written in self.types:
            return f"is not the key's full name: write {written}"
        nearest = self.nearest(key)
        if nearest:
            return f"is no setting: write {nearest}, or remove the line"
        return (
            f"is no setting: remove the line, or write one of those that Pulumi.yaml declares, as {self.project}:<name>"
        )

    def nearest(self, key: str) -> str | None:
        """Return the known key that is meant: of the same name in another namespace, or of nearly the same letters."""
        namespace, _, name = key.rpartition(":")
        names = {known: known.partition(":")[2] for known in self.types}
        for known, own in names.items():
            if own.lower() == name.lower():
                return known
        meant = find_nearest(namespace or self.project, {known.partition(":")[0] for known in self.types})
        found = find_nearest(
            name, [own for known, own in names.items() if known.startswith(f"{meant or self.project}:")]
        )
        return f"{meant or self.project}:{found}" if found else None


def find_nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word with nearly the same letters, in whatever case, or None."""
    words = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), words, n=1, cutoff=_NEAR)
    return words[found[0]] if found else None
