"""ARM's $filter: what passes, and what is refused."""

import pytest

from emulator.arm import filters
from emulator.http.errors import BadRequestError
from emulator.kinds import Resource

_GROUP = "/subscriptions/s/resourceGroups/Digits"
_VAULT: Resource = {
    "id": f"{_GROUP}/providers/Microsoft.KeyVault/vaults/kv",
    "name": "kv",
    "type": "Microsoft.KeyVault/vaults",
    "location": "eastus",
    "properties": {},
    "tags": {"owner": "vision", "data": "O'Hara"},
}
_STORE: Resource = {
    "id": f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/store",
    "name": "store",
    "type": "Microsoft.Storage/storageAccounts",
    "location": "westus",
    "properties": {},
}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ["kv", "store"]),
        ("", ["kv", "store"]),
        ("resourceType eq 'Microsoft.KeyVault/vaults'", ["kv"]),
        ("RESOURCETYPE EQ 'microsoft.keyvault/VAULTS'", ["kv"]),
        ("resourceType ne 'Microsoft.KeyVault/vaults'", ["store"]),
        ("name eq 'kv' or name eq 'store'", ["kv", "store"]),
        ("name eq 'store' and location eq 'eastus' or name eq 'kv'", ["kv"]),
        ("name eq 'store' and (location eq 'westus' or name eq 'kv')", ["store"]),
        ("resourceGroup eq 'digits' and location eq 'westus'", ["store"]),
        ("tagName eq 'owner'", ["kv"]),
        ("tagName eq 'owner' and tagValue eq 'vision'", ["kv"]),
        ("tagName eq 'data' and tagValue eq 'vision'", []),
        ("tagValue eq 'O''Hara'", ["kv"]),
        ("substringof('tor', name)", ["store"]),
        ("name eq ''", []),
    ],
)
def test_what_passes_a_filter(text: str | None, names: list[str]) -> None:
    """Names and values compare in any letter case; a tag's name and value are about one tag."""
    assert [found["name"] for found in filters.select([_VAULT, _STORE], text)] == names


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "name eq",
        "name eq kv",
        "name gt 'kv'",
        "name eq 'kv' and",
        "name eq 'kv' name eq 'kv'",
        "(name eq 'kv'",
        "startswith(name, 'k')",
        "identity/principalId eq 'x'",
        "name eq 'kv",
        "; drop",
        " ",
    ],
)
def test_what_is_not_understood_is_refused_with_the_place(text: str) -> None:
    """The sentence has the filter, where it went wrong, and what is known."""
    with pytest.raises(BadRequestError, match=r"^Invalid \$filter '.*' at .+\. The emulator knows eq, ne") as refusal:
        filters.select([_VAULT], text)
    assert text in str(refusal.value)
