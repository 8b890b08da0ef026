"""Where a stack's state lies, found as the CLI finds it; a stack on Azure does not start one on this machine unasked.

Without PULUMI_BACKEND_URL, an empty state would begin here, and everything would be deployed a second time.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import yaml


class BackendError(Exception):
    """The state of a stack on Azure would lie on this machine; one sentence."""


def require_shared(stack: str, environment: Mapping[str, str], directory: Path) -> None:
    """Refuse a state in a folder of this machine; raises BackendError.

    It is for stacks on Azure that did not choose one (localState).
    """
    url = find(environment, directory)
    if urlsplit(url).scheme == "file":
        raise BackendError(
            f"Stack '{stack}' is deployed to Azure, but its state would lie on this machine, in {url}: run "
            "`export PULUMI_BACKEND_URL='azblob://state?storage_account=…'` with your own storage account "
            f"(docs/deploying.md, step 5), or write `digits:localState: true` in Pulumi.{stack}.yaml to keep it here."
        )


def find(environment: Mapping[str, str], directory: Path) -> str:
    """Return the URL that the CLI takes: the shell's, the project's, or the last login's; empty where there is none."""
    if url := environment.get("PULUMI_BACKEND_URL"):
        return url
    project = yaml.safe_load((directory / "Pulumi.yaml").read_text(encoding="utf-8"))
    if url := (project.get("backend") or {}).get("url"):
        return str(url)
    home = environment.get("PULUMI_CREDENTIALS_PATH") or environment.get("PULUMI_HOME") or Path.home() / ".pulumi"
    try:
        return str(json.loads(Path(home, "credentials.json").read_text(encoding="utf-8")).get("current") or "")
    except (OSError, ValueError, AttributeError):
        return ""
