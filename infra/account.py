"""The account that a stack would touch, of Azure or of an emulator: refused if the shell points at another one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

# The azure-native provider reads the first of each, and the SDKs of Azure read the second.
_SUBSCRIPTION = ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID")
_TENANT = ("ARM_TENANT_ID", "AZURE_TENANT_ID")
_PLACEHOLDER = "00000000-0000-0000-0000-"


class AccountError(pulumi.RunError):
    """The shell or its login does not belong to the stack; the engine shows the sentence without a traceback."""


@dataclass(frozen=True)
class Account:
    """A subscription and the tenant that it trusts."""

    subscription_id: str
    tenant_id: str

    def require_login(self, stack: str, environment: Mapping[str, str]) -> str:
        """Return a sentence with the account that is about to be touched; raises AccountError for another login.

        Nothing is asked over the network: the shell's variables and the profile of the Azure CLI count.
        """
        file = f"Pulumi.{stack}.yaml"
        if "AZUREML_EMULATOR" in environment:
            raise AccountError(
                f"Stack '{stack}' is deployed to Azure, but this shell points at the emulator "
                "(AZUREML_EMULATOR is set): run it in a new shell."
            )
        for name, value in (("subscriptionId", self.subscription_id), ("tenantId", self.tenant_id)):
            if value.startswith(_PLACEHOLDER):
                raise AccountError(f"azure-native:{name} in {file} is a placeholder, {value}: write your own there.")
        touched = f"Stack '{stack}' touches subscription {self.subscription_id} of tenant {self.tenant_id}"
        for names, ours in ((_SUBSCRIPTION, self.subscription_id), (_TENANT, self.tenant_id)):
            for name in names:
                if environment.get(name, ours).lower() != ours.lower():
                    raise AccountError(
                        f"{touched}, but {name} is {environment[name]}: unset it, log in to the stack's own account, "
                        f"or fix {file}."
                    )
        known = _read_profile(environment)
        if known is not None and _spell(self) not in map(_spell, known):
            raise AccountError(
                f"{touched}, which is none of those that the Azure CLI is logged in to: "
                f"run `az login --tenant {self.tenant_id}`, or fix {file}."
            )
        return f"{touched}."

    @staticmethod
    def require_emulator(stack: str, environment: Mapping[str, str]) -> None:
        """Refuse a shell that points at no emulator; raises AccountError."""
        if "AZUREML_EMULATOR" not in environment:
            raise AccountError(
                f"Stack '{stack}' is deployed to the emulator, but this shell does not point at it: "
                f'run `make emulator STACK={stack}`, then `eval "$(make -s env STACK={stack})"`.'
            )


def _spell(account: Account) -> tuple[str, str]:
    return account.subscription_id.lower(), account.tenant_id.lower()


def _read_profile(environment: Mapping[str, str]) -> list[Account] | None:
    """Return the accounts in the profile of the Azure CLI; None if it has none, and the login is of another kind."""
    directory = Path(environment.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    try:
        # The CLI writes a byte order mark.
        profile = json.loads((directory / "azureProfile.json").read_text(encoding="utf-8-sig"))
        return [Account(entry["id"], entry["tenantId"]) for entry in profile["subscriptions"]] or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
