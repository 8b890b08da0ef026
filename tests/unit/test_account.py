"""The Azure account that a stack touches is the one that its file names, or nothing is touched."""

import json
from pathlib import Path

import pytest

from infra.account import Account, AccountError

OURS = Account("11111111-aaaa-bbbb-cccc-000000000001", "22222222-aaaa-bbbb-cccc-000000000002")
OTHER = "33333333-aaaa-bbbb-cccc-000000000003"


def log_in(directory: Path, *accounts: Account) -> dict[str, str]:
    """Write a profile as the Azure CLI does, byte order mark included, and return a shell that has it."""
    entries = [{"id": account.subscription_id, "tenantId": account.tenant_id} for account in accounts]
    (directory / "azureProfile.json").write_text(json.dumps({"subscriptions": entries}), encoding="utf-8-sig")
    return {"AZURE_CONFIG_DIR": str(directory)}


def test_the_account_is_said_before_it_is_touched(tmp_path: Path) -> None:
    """Subscription and tenant both, whichever way the machine is logged in."""
    for shell in (log_in(tmp_path, Account(OTHER, OTHER), OURS), {"AZURE_CONFIG_DIR": str(tmp_path / "none")}):
        said = OURS.require_login("prod", shell)
        assert said == f"Stack 'prod' touches subscription {OURS.subscription_id} of tenant {OURS.tenant_id}."


def test_the_spelling_of_an_id_does_not_matter(tmp_path: Path) -> None:
    """Azure writes ids in either case."""
    shell = log_in(tmp_path, Account(OURS.subscription_id.upper(), OURS.tenant_id.upper()))
    OURS.require_login("prod", {**shell, "ARM_SUBSCRIPTION_ID": OURS.subscription_id.upper()})


@pytest.mark.parametrize(
    "variable", ["ARM_SUBSCRIPTION_ID", "ARM_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID"]
)
def test_a_shell_of_another_account_is_refused(tmp_path: Path, variable: str) -> None:
    """The sentence names the variable, its value and the file."""
    with pytest.raises(AccountError, match=rf"{variable} is {OTHER}: unset it.*Pulumi\.prod\.yaml"):
        OURS.require_login("prod", {**log_in(tmp_path, OURS), variable: OTHER})


def test_a_login_that_does_not_see_the_subscription_is_refused(tmp_path: Path) -> None:
    """The fix is the login to the stack's own tenant."""
    with pytest.raises(AccountError, match=f"`az login --tenant {OURS.tenant_id}`"):
        OURS.require_login("prod", log_in(tmp_path, Account(OURS.subscription_id, OTHER)))


def test_a_placeholder_is_refused() -> None:
    """A stack file that nobody filled in touches nothing."""
    with pytest.raises(AccountError, match=r"subscriptionId in Pulumi\.prod\.yaml is a placeholder"):
        Account("00000000-0000-0000-0000-000000000003", OURS.tenant_id).require_login("prod", {})


def test_a_stack_of_one_cloud_is_not_sent_to_the_other(tmp_path: Path) -> None:
    """The shell must point where the stack belongs."""
    with pytest.raises(AccountError, match="new shell"):
        OURS.require_login("prod", {**log_in(tmp_path, OURS), "AZUREML_EMULATOR": "https://127.0.0.1:1"})
    with pytest.raises(AccountError, match="make -s env STACK=dev"):
        OURS.require_emulator("dev", log_in(tmp_path, OURS))
