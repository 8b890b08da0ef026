"""The one definition of the web service: what the state, the release, Azure and the policies call its fields."""

import dataclasses

import pytest
from rules import RULES, Resource, Rule

from infra.service_definition import REDEPLOYED_BY, ServiceDefinition
from infra.webservice import Combination, WebserviceInputs, fingerprint
from tests.unit.test_live import SERVICE

DEFINITION = ServiceDefinition(
    owner="digits/dev",
    dns_name_label="digits-dev-479054",
    description="Digits",
    tags={"owner": "developer"},
    cpu_cores=1,
    memory_gb=1,
    auth_enabled=True,
    app_insights_enabled=False,
    tls=None,
    ready_timeout_seconds=1200,
    entry_script="score.py",
)
# As the states of live stacks have them.
NAMES = {
    *("owner", "dnsNameLabel", "description", "tags", "cpuCores", "memoryGb", "authEnabled", "appInsightsEnabled"),
    *("readyTimeoutSeconds", "entryScript"),
    *("sslEnabled", "sslCname", "sslCertificateFile", "sslCertificateSha256", "sslKeyFile"),
}
COMBINATION = dict.fromkeys(("modelId", "modelSha256", "environmentName", "environmentVersion", "scoringDigest"), "x")


def test_state_and_records_name_the_fields_as_they_always_did() -> None:
    """A field that is called otherwise here would be a change of every live stack."""
    assert DEFINITION.to_inputs().keys() == NAMES
    assert ServiceDefinition.from_inputs({**DEFINITION.to_inputs(), "name": "digits-dev"}) == DEFINITION


def test_a_live_stack_keeps_its_fingerprint() -> None:
    """The same inputs are the same combination in every version of the program."""
    found = fingerprint({**COMBINATION, **DEFINITION.to_inputs()})
    assert found == "07b4697bec06bfcbe922c7518a76a4c28a3560ab73a73cd8513849b58c891002"


def test_a_record_without_a_field_is_not_deployed() -> None:
    """The field is named."""
    recorded = DEFINITION.to_inputs()
    del recorded["memoryGb"]
    with pytest.raises(KeyError, match="memoryGb"):
        ServiceDefinition.from_inputs(recorded)


@dataclasses.dataclass(frozen=True)
class _Later(ServiceDefinition):
    """A later version of the program, with one more field."""

    location: str = ""


def test_a_field_that_is_added_changes_no_live_stack_and_no_record() -> None:
    """At its default it is left out; another value is an input, a new deployment and a part of the record."""
    later = _Later.from_inputs(DEFINITION.to_inputs())
    assert later.to_inputs() == DEFINITION.to_inputs()
    moved = dataclasses.replace(later, location="westeurope")
    assert moved.to_inputs() == {**DEFINITION.to_inputs(), "location": "westeurope"}
    assert _Later.from_inputs(moved.to_inputs()) == moved


def test_description_tags_owner_and_timeout_change_without_a_deployment() -> None:
    """Any other field is deployed."""
    kept = {"owner", "description", "tags", "readyTimeoutSeconds", "sslCertificateFile", "sslKeyFile"}
    assert NAMES - set(REDEPLOYED_BY) == kept


def test_what_azure_reports_is_compared_under_the_definitions_names() -> None:
    """A live service that others resized is another one."""
    expected = DEFINITION.to_inputs()
    reported = {"cpuCores", "memoryGb", "authEnabled", "appInsightsEnabled", "sslEnabled"}
    assert SERVICE.inputs == {name: expected[name] for name in reported}
    assert not dataclasses.replace(SERVICE, memory_gb=2).inputs.items() <= expected.items()


class _Asked(dict[str, object]):
    """Inputs of a large web service, which note what a policy reads."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        super().__init__(cpuCores=64, memoryGb=64)

    def get(self, name: str, _default: object = None) -> object:
        """Return one, if it is there."""
        self.names.add(name)
        return super().get(name)

    __getitem__ = get


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.kind.noun == "Web service"], ids=lambda rule: rule.name
)
def test_a_policy_reads_only_inputs_that_a_web_service_has(rule: Rule) -> None:
    """An input that was renamed would let everything through."""
    asked = _Asked()
    list(rule.judge(Resource("prod", asked, {key: schema["default"] for key, schema in rule.schema.items()})))
    assert asked.names - {"name"}
    assert asked.names <= NAMES | WebserviceInputs.__annotations__.keys() | Combination.__annotations__.keys()
