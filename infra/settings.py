"""Stack configuration as one frozen, validated record.

Pulumi.yaml declares every key with type, default and meaning, and the engine holds the types;
here stands what a type cannot say. Bad configuration is a sentence with the fix for each value that is wrong, all
together and before the first call.
"""

import functools
import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

import digits.stack as stack_file
from digits.datasets import NAMES, SUFFIXES
from digits.evaluation.verdict import Thresholds
from infra.account import Account
from infra.azureml import FINGERPRINT_TAG
from infra.tls import Tls
from infra.tls import read as read_tls

CLOUDS = ("emulator", "azure")

# What ACI takes per container group: https://learn.microsoft.com/azure/container-instances/container-instances-faq
# Azure ML puts two helper containers of its own into the group, each of about 0.1 cores and 0.5 GB.
HELPER_CPU_CORES = 0.2
HELPER_MEMORY_GB = 1.0
_MAX_CPU_CORES = 4.0 - HELPER_CPU_CORES
_MAX_MEMORY_GB = 16.0 - HELPER_MEMORY_GB


class SettingsError(pulumi.RunError):
    """The stack's configuration cannot be deployed; the engine shows the sentence without a traceback."""


@dataclass(frozen=True)
class Settings:
    """What a stack may choose. Sizes in cores and GB, times in seconds, accuracies as fractions."""

    stack: str
    cloud: str
    subscription_id: str
    tenant_id: str
    location: str
    resource_group: str
    existing_workspace: str
    promote_from: str
    release: str
    workspace_public_access: bool
    protect_data: bool
    environment_name: str
    model_name: str
    model_file: Path
    scoring_directory: Path
    service_name: str
    service_description: str
    service_tags: dict[str, str]
    service_cpu_cores: float
    service_memory_gb: float
    auth_enabled: bool
    app_insights_enabled: bool
    tls: Tls | None
    primary_key_version: int
    secondary_key_version: int
    ready_timeout_seconds: int
    evaluation_dataset: str
    evaluation_label_column: str
    evaluation_directory: Path | None
    evaluation_rows: int
    thresholds: Thresholds
    gate_enabled: bool
    rollback_on_failure: bool
    rehearsal_enabled: bool
    rehearsal_required: bool
    rehearsal_rows: int

    @classmethod
    def from_stack(cls) -> "Settings":
        """Read the selected stack's configuration.

        Raises SettingsError for what cannot be deployed, and AccountError for a shell that points elsewhere.
        """
        stack, config, azure = pulumi.get_stack(), pulumi.Config(), pulumi.Config("azure-native")
        read = _Reader(f"Pulumi.{stack}.yaml", config, _find_problems(stack))
        cloud = read.choice("cloud", CLOUDS)
        account = Account(read.azure(azure, "subscriptionId"), read.azure(azure, "tenantId"))
        if not read.problems:
            _require_shell(stack, cloud, account, config)
        settings = cls(
            stack=stack,
            cloud=cloud,
            subscription_id=account.subscription_id,
            tenant_id=account.tenant_id,
            location=read.azure(azure, "location"),
            resource_group=config.get("resourceGroup") or f"digits-{stack}",
            existing_workspace=config.get("existingWorkspace") or "",
            promote_from=read.source_stack("promoteFrom", stack),
            release=config.get("release") or "",
            workspace_public_access=config.require_bool("workspacePublicAccess"),
            protect_data=config.require_bool("protectData"),
            environment_name=read.text("environmentName"),
            model_name=read.text("modelName"),
            model_file=Path(read.text("modelFile") or ""),
            scoring_directory=Path("scoring"),
            service_name=read.service_name(config.get("serviceName") or f"digits-{stack}"),
            service_description=config.get("serviceDescription") or "",
            service_tags=read.tags("serviceTags"),
            service_cpu_cores=read.number("serviceCpuCores", 0.1, _MAX_CPU_CORES),
            service_memory_gb=read.number("serviceMemoryGb", 0.5, _MAX_MEMORY_GB),
            auth_enabled=config.require_bool("authEnabled"),
            app_insights_enabled=config.require_bool("appInsightsEnabled"),
            tls=read.tls(),
            primary_key_version=read.integer("primaryKeyVersion", 1),
            secondary_key_version=read.integer("secondaryKeyVersion", 1),
            ready_timeout_seconds=read.integer("readyTimeoutSeconds", 1),
            evaluation_dataset=read.dataset("evaluationDataset"),
            evaluation_label_column=read.label_column("evaluationLabelColumn", "evaluationDataset"),
            evaluation_directory=Path(directory) if (directory := config.get("evaluationDirectory")) else None,
            evaluation_rows=read.integer("evaluationRows", 0),
            thresholds=Thresholds(
                minimum_accuracy=read.fraction("minimumAccuracy"),
                minimum_class_recall=read.optional("minimumClassRecall", read.fraction),
                maximum_p95_latency_ms=read.optional("maximumP95LatencyMs", read.milliseconds),
                maximum_drop=read.optional("maximumDrop", read.fraction),
            ),
            gate_enabled=config.require_bool("gateEnabled"),
            rollback_on_failure=config.require_bool("rollbackOnFailure"),
            rehearsal_enabled=config.require_bool("rehearsalEnabled"),
            rehearsal_required=config.require_bool("rehearsalRequired"),
            rehearsal_rows=read.integer("rehearsalRows", 1),
        )
        if read.problems:
            raise SettingsError("\n".join(read.problems))
        return settings


def _find_problems(stack: str) -> list[str]:
    """Return what is wrong in the stack's file, or among the keys that came from elsewhere (--config-file)."""
    here = Path.cwd()
    problems: list[str] = []
    if (here / f"Pulumi.{stack}.yaml").exists():
        try:
            stack_file.read(here, stack)
        except stack_file.StackFileError as error:
            problems += str(error).splitlines()
    if (here / "Pulumi.yaml").exists() and not problems:
        problems += stack_file.find_unknown(here, json.loads(os.environ.get("PULUMI_CONFIG") or "{}"))
    return problems


def _require_shell(stack: str, cloud: str, account: Account, config: pulumi.Config) -> None:
    """Refuse a shell that points elsewhere than the stack; raises AccountError, or SettingsError for a local state."""
    if cloud == "emulator":
        account.require_emulator(stack, os.environ)
        return
    pulumi.log.info(account.require_login(stack, os.environ))
    if not config.require_bool("localState"):
        try:
            stack_file.require_shared(stack, os.environ, Path.cwd())
        except stack_file.BackendError as error:
            raise SettingsError(str(error)) from None


def _collected(read: Callable[..., Any]) -> Callable[..., Any]:
    """Make a reading note what it refuses, and return None, so that all that is wrong is said at once."""

    @functools.wraps(read)
    def noted(reader: "_Reader", *arguments: Any) -> Any:  # noqa: ANN401 (what the reading takes and returns)
        try:
            return read(reader, *arguments)
        except SettingsError as error:
            reader.problems.append(str(error))
            return None

    return noted


class _Reader:
    """Reads values, each refused with a sentence that names the key, the file and the fix."""

    def __init__(self, file: str, config: pulumi.Config, problems: list[str]) -> None:
        self._file = file
        self._config = config
        self.problems = problems

    def _refuse(self, key: str, problem: str, fix: str) -> SettingsError:
        return SettingsError(f"{key} {problem}: {fix} in {self._file}.")

    @_collected
    def azure(self, config: pulumi.Config, key: str) -> str:
        value, name = config.get(key), f"azure-native:{key}"
        if not value and not any(name in problem for problem in self.problems):
            raise self._refuse(name, "is missing", "write it under config: (or `pulumi config set`)")
        return value or ""

    @_collected
    def text(self, key: str) -> str:
        value = self._config.get(key)
        if not value:
            raise self._refuse(key, "is empty", "give it a value, or remove the line to get the default,")
        return value

    @_collected
    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self._config.get(key) or ""
        if value not in choices:
            raise self._refuse(key, f"is '{value}'", f"write {' or '.join(choices)}")
        return value

    @_collected
    def source_stack(self, key: str, stack: str) -> str:
        value = self._config.get(key) or ""
        if value == stack:
            raise self._refuse(key, f"is '{value}', this very stack", "name the stack whose releases it takes")
        return value

    @_collected
    def dataset(self, key: str) -> str:
        value = self._config.get(key) or ""
        if value not in NAMES and not value.lower().endswith(SUFFIXES):
            choices = f"{' or '.join(NAMES)}, or the path of a {' or '.join(SUFFIXES)} file,"
            raise self._refuse(key, f"is '{value}'", f"write {choices}")
        if value not in NAMES and not Path(value).is_file():
            raise self._refuse(
                key, f"is '{value}', which is no file", "write the path of one, from the project's root,"
            )
        return value

    def label_column(self, key: str, dataset: str) -> str:
        value, data = self._config.get(key) or "", self._config.get(dataset) or ""
        if value and (data in NAMES or data.lower().endswith(".npz")):
            raise self._refuse(key, f"is '{value}', but {dataset} is '{data}', which has no columns", "leave it out")
        return value

    def _parsed(self, key: str, parse: Callable[[str], Any], kind: str) -> Any:  # noqa: ANN401 (what parse makes)
        raw = self._config.get(key) or ""
        try:
            return parse(raw)
        except ValueError:
            raise self._refuse(key, f"is '{raw}'", f"write {kind}") from None

    @_collected
    def number(self, key: str, low: float, high: float) -> float:
        value: float = self._parsed(key, float, "a number")
        if not low <= value <= high:  # also refuses NaN
            raise self._refuse(
                key,
                f"is {value:g}",
                f"ACI takes {low:g} to {high:g} next to Azure ML's own containers; write such a number",
            )
        return value

    @_collected
    def integer(self, key: str, low: int) -> int:
        value: int = self._parsed(key, int, "a whole number")
        if value < low:
            raise self._refuse(key, f"is {value}", f"write {low} or more")
        return value

    @_collected
    def fraction(self, key: str) -> float:
        value: float = self._parsed(key, float, "a fraction such as 0.9")
        if not 0 <= value <= 1:
            percent = math.isfinite(value) and 1 < value <= 100  # noqa: PLR2004 (per cent)
            raise self._refuse(
                key, f"is {value:g}, but it is a fraction", f"write {value / 100:g}" if percent else "write 0 to 1"
            )
        return value

    def optional(self, key: str, read: Callable[[str], float]) -> float | None:
        return read(key) if self._config.get(key) else None

    @_collected
    def milliseconds(self, key: str) -> float:
        value: float = self._parsed(key, float, "a number of milliseconds")
        if not 0 < value < math.inf:
            raise self._refuse(key, f"is {value:g}", "write a number of milliseconds above 0")
        return value

    @_collected
    def tags(self, key: str) -> dict[str, str]:
        value = self._config.get_object(key)
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self._refuse(key, f"is {json.dumps(value)}", "write names and texts, such as {owner: vision-team},")
        if FINGERPRINT_TAG in map(str.lower, value):
            taken = f"names {FINGERPRINT_TAG}, in which the deployment keeps what runs in the web service"
            raise self._refuse(key, taken, "choose another name")
        return value

    @_collected
    def tls(self) -> Tls | None:
        return read_tls(self._config, self._refuse)

    @_collected
    def service_name(self, name: str) -> str:
        # The web service's name becomes part of a host name: Azure ML takes this pattern for ACI.
        if not re.fullmatch(r"[a-z](?:[a-z0-9-]{1,30})[a-z0-9]", name):
            raise self._refuse(
                "serviceName",
                f"is '{name}', which Azure refuses",
                "write 3 to 32 lower-case letters, digits and dashes, a letter first and no dash last,",
            )
        return name
