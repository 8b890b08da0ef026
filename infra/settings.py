"""The settings: a stack's configuration as one frozen, checked record.

Pulumi.yaml declares each key with its type, default and meaning, and its bounds if it is a number. This module checks
the rest. All that is wrong is reported together, before the first call.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pulumi

import digits.stack as stack_file
from digits.datasets import NAMES, SUFFIXES
from digits.evaluation.verdict import Thresholds
from infra import names
from infra.account import Account
from infra.configuration import Configuration, SettingsError
from infra.service_definition import ServiceDefinition

CLOUDS = ("emulator", "azure")
SCORING_DIRECTORY = Path("scoring")


@dataclass(frozen=True)
class Settings:
    """The choices of a stack: times in seconds, accuracies as fractions."""

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
    service: ServiceDefinition
    primary_key_version: int
    secondary_key_version: int
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
        stack, keys = pulumi.get_stack(), stack_file.Keys.declared(Path.cwd())
        config = Configuration(f"Pulumi.{stack}.yaml", keys, problems := _find_problems(stack, keys))
        cloud = config.choice("cloud", CLOUDS)
        account = Account(config.azure("subscriptionId"), config.azure("tenantId"))
        if not problems:
            _require_shell(stack, cloud, account, may_be_local=config.flag("localState"))
        place = names.Place(
            subscription_id=account.subscription_id,
            resource_group=config.get("resourceGroup") or f"digits-{stack}",
            service_name=_read_service_name(config, stack),
        )
        settings = cls(
            stack=stack,
            cloud=cloud,
            subscription_id=account.subscription_id,
            tenant_id=account.tenant_id,
            location=config.azure("location"),
            resource_group=place.resource_group,
            existing_workspace=config.get("existingWorkspace"),
            promote_from=_read_source(config, stack),
            release=config.get("release"),
            workspace_public_access=config.flag("workspacePublicAccess"),
            protect_data=config.flag("protectData"),
            environment_name=config.text("environmentName"),
            model_name=config.text("modelName"),
            model_file=Path(config.text("modelFile")),
            scoring_directory=SCORING_DIRECTORY,
            service_name=place.service_name,
            service=ServiceDefinition.read(config, f"{pulumi.get_project()}/{stack}", names.dns_name_label(place)),
            primary_key_version=config.integer("primaryKeyVersion"),
            secondary_key_version=config.integer("secondaryKeyVersion"),
            evaluation_dataset=_read_dataset(config),
            evaluation_label_column=_read_label_column(config),
            evaluation_directory=_read_directory(config),
            evaluation_rows=config.integer("evaluationRows"),
            thresholds=Thresholds(
                minimum_accuracy=config.number("minimumAccuracy"),
                minimum_class_recall=config.optional_number("minimumClassRecall"),
                maximum_p95_latency_ms=config.optional_number("maximumP95LatencyMs"),
                maximum_drop=config.optional_number("maximumDrop"),
            ),
            gate_enabled=config.flag("gateEnabled"),
            rollback_on_failure=config.flag("rollbackOnFailure"),
            rehearsal_enabled=config.flag("rehearsalEnabled"),
            rehearsal_required=config.flag("rehearsalRequired"),
            rehearsal_rows=config.integer("rehearsalRows"),
        )
        config.require()
        return settings


def _find_problems(stack: str, keys: stack_file.Keys) -> list[str]:
    """Return the mistakes in the stack's file, or in the keys of another file (--config-file)."""
    here = Path.cwd()
    if (here / f"Pulumi.{stack}.yaml").exists():
        try:
            stack_file.read(here, stack, is_bounded=False)
        except stack_file.StackFileError as error:
            return str(error).splitlines()
    return stack_file.find_unknown(keys, json.loads(os.environ.get("PULUMI_CONFIG") or "{}"))


def _require_shell(stack: str, cloud: str, account: Account, *, may_be_local: bool) -> None:
    """Refuse a shell that points elsewhere than the stack; raises AccountError, or SettingsError for a local state."""
    if cloud == "emulator":
        account.require_emulator(stack, os.environ)
        return
    pulumi.log.info(account.require_login(stack, os.environ))
    if not may_be_local:
        try:
            stack_file.require_shared(stack, os.environ, Path.cwd())
        except stack_file.BackendError as error:
            raise SettingsError(str(error)) from None


def _read_service_name(config: Configuration, stack: str) -> str:
    name = config.get("serviceName") or f"digits-{stack}"
    # The web service's name becomes part of a host name: Azure ML takes this pattern for ACI.
    if not re.fullmatch(r"[a-z](?:[a-z0-9-]{1,30})[a-z0-9]", name):
        config.refuse(
            "serviceName",
            f"is '{name}', which Azure refuses",
            "write 3 to 32 lower-case letters, digits and dashes, a letter first and no dash last,",
        )
    return name


def _read_source(config: Configuration, stack: str) -> str:
    value = config.get("promoteFrom")
    if value == stack:
        config.refuse("promoteFrom", f"is '{value}', this very stack", "name the stack whose releases it takes")
    return value


def _read_dataset(config: Configuration) -> str:
    value = config.get("evaluationDataset")
    if value not in NAMES and not value.lower().endswith(SUFFIXES):
        choices = f"{' or '.join(NAMES)}, or the path of a {' or '.join(SUFFIXES)} file,"
        config.refuse("evaluationDataset", f"is '{value}'", f"write {choices}")
    elif value not in NAMES and not Path(value).is_file():
        fix = "write the path of one, from the project's root,"
        config.refuse("evaluationDataset", f"is '{value}', which is no file", fix)
    return value


def _read_directory(config: Configuration) -> Path | None:
    value, data = config.get("evaluationDirectory"), config.get("evaluationDataset")
    if value and data != "mnist":
        problem = f"is '{value}', but evaluationDataset is '{data}', which is read from no directory"
        config.refuse("evaluationDirectory", problem, "leave it out")
    return Path(value) if value else None


def _read_label_column(config: Configuration) -> str:
    value, data = config.get("evaluationLabelColumn"), config.get("evaluationDataset")
    if value and (data in NAMES or data.lower().endswith(".npz")):
        problem = f"is '{value}', but evaluationDataset is '{data}', which has no columns"
        config.refuse("evaluationLabelColumn", problem, "leave it out")
    return value
