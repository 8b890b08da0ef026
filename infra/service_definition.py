"""The web service as a stack asks for it: the one definition of its fields.

The settings read it, the web service's resource deploys it, and the release records it, so that a rollback can deploy
it again. In inputs, state and records a field has the same name in camelCase. A new field is deployed, compared and
recorded without another line; only infra/azureml/services.py passes it to the SDK. Give a new field a default: a field
at its default is left out, so that live stacks and recorded releases stay as they are.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self

from infra import tls
from infra.configuration import Configuration
from infra.scoring_directory import ENTRY_SCRIPT
from infra.tls import Tls

# Azure ML's properties are append-only, but its tags may change. So the identity of what runs is a tag. The user's tags
# may not use its name, and it is not shown among them.
FINGERPRINT_TAG = "pulumi-fingerprint"
# Azure ML puts two containers of its own into the container group, each of about 0.1 cores and 0.5 GB.
HELPER_CPU_CORES = 0.2
HELPER_MEMORY_GB = 1.0
_IN_PLACE = {"redeploys": False}


@dataclass(frozen=True)
class ServiceDefinition:
    """The web service that a stack asks for: sizes in cores and GB, the time until it is healthy in seconds."""

    owner: str = field(metadata=_IN_PLACE)  # project/stack
    dns_name_label: str
    description: str = field(metadata=_IN_PLACE)
    tags: dict[str, str] = field(metadata=_IN_PLACE)
    cpu_cores: float
    memory_gb: float
    auth_enabled: bool
    app_insights_enabled: bool
    tls: Tls | None
    ready_timeout_seconds: float = field(metadata=_IN_PLACE)
    entry_script: str

    @classmethod
    def read(cls, config: Configuration, owner: str, dns_name_label: str) -> Self:
        """Read what a stack may choose of its web service; the tags are the stack's own."""
        return cls(
            owner=owner,
            dns_name_label=dns_name_label,
            description=config.get("serviceDescription"),
            tags=config.tags("serviceTags", FINGERPRINT_TAG),
            cpu_cores=config.number("serviceCpuCores"),
            memory_gb=config.number("serviceMemoryGb"),
            auth_enabled=config.flag("authEnabled"),
            app_insights_enabled=config.flag("appInsightsEnabled"),
            tls=tls.read(config),
            ready_timeout_seconds=config.integer("readyTimeoutSeconds"),
            entry_script=ENTRY_SCRIPT,
        )

    def to_inputs(self) -> dict[str, object]:
        """Return the fields as the engine keeps them, without those at their default."""
        values = {each: getattr(self, each.name) for each in _plain(self)}
        plain = {input_name(each.name): value for each, value in values.items() if value != each.default}
        return {**plain, **tls.to_inputs(self.tls)}

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> Self:
        """Return the service that these inputs, or a record, describe; other keys may be among them.

        Raises KeyError for a missing field without a default.
        """
        names = {each.name: input_name(each.name) for each in _plain(cls)}
        optional = {each.name for each in _plain(cls) if each.default is not MISSING}
        found = {each: inputs[name] for each, name in names.items() if name in inputs or each not in optional}
        kept: Any = inputs
        return cls(**found, tls=tls.from_inputs(kept))


def input_name(name: str) -> str:
    """Return the name that a field has in inputs and state."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _plain(definition: ServiceDefinition | type[ServiceDefinition]) -> list["Field[Any]"]:
    """Return the fields that are one input each."""
    return [each for each in fields(definition) if each.name != "tls"]


# The fields, by their names here, that a live service has only after a new deployment; but for those of TLS.
REDEPLOYING = tuple(each.name for each in _plain(ServiceDefinition) if "redeploys" not in each.metadata)
REDEPLOYED_BY = (*map(input_name, REDEPLOYING), *tls.REDEPLOYED_BY)
