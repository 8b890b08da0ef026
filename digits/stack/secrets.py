"""What encrypts a stack's secrets: where that is a passphrase, it is there before anything is done."""

from collections.abc import Mapping
from pathlib import Path

import yaml

_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


class SecretsError(Exception):
    """The stack's secrets cannot be read; one sentence."""


def require_passphrase(stack: str, backend: str, environment: Mapping[str, str], directory: Path) -> None:
    """Raise SecretsError where the stack is encrypted with a passphrase, or would be, and the shell has none."""
    document = yaml.safe_load((directory / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")) or {}
    chosen = document.get("secretsprovider") or environment.get("PULUMI_SECRETS_PROVIDER") or ""
    # Pulumi Cloud encrypts by itself what has neither a provider nor a passphrase's salt.
    by_service = backend.startswith("http") and "encryptionsalt" not in document
    given = any(name in environment for name in _VARIABLES)  # an empty one is a choice
    if chosen in {"", "default", "passphrase"} and not by_service and not given:
        raise SecretsError(
            f"The secrets of stack '{stack}' are encrypted with a passphrase, and there is none: "
            f"run `export PULUMI_CONFIG_PASSPHRASE=…`, or name its file in PULUMI_CONFIG_PASSPHRASE_FILE."
        )
