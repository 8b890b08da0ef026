"""ARM: what its resources look like, and the codes that Azure refuses with, over the wire."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.wire import SUBSCRIPTION, Emulator, Workspace

STORAGE = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
VAULT = {"location": "eastus", "properties": {"tenantId": "t", "sku": {"family": "A", "name": "standard"}}}
PLAIN = {"location": "eastus", "sku": {"name": "Basic"}}


class Group:
    """A resource group, and ARM requests relative to it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.name = f"group-{uuid.uuid4().hex[:8]}"
        self.id = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.name}"
        self.ask("PUT", "", {"location": "eastus"})

    def ask(self, method: str, path: str, body: object = None, version: str = "2024-01-01") -> httpx.Response:
        """Send a request; the path is one below `providers/`, or empty for the group itself."""
        url = f"{self.id}/providers/{path}" if path else self.id
        return self.client.request(method, url, json=body, params={"api-version": version})

    def put(self, path: str, body: object) -> dict[str, Any]:
        """Create a resource that has to come into being."""
        answer: dict[str, Any] = self.ask("PUT", path, body).raise_for_status().json()
        return answer

    def put_workspace(self) -> str:
        """Create a workspace and what it stands on; return its path."""
        suffix = self.name.removeprefix("group-")
        body = {
            "location": "eastus",
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "storageAccount": self.put(f"Microsoft.Storage/storageAccounts/st{suffix}", STORAGE)["id"],
                "keyVault": self.put(f"Microsoft.KeyVault/vaults/kv-{suffix}", VAULT)["id"],
                "applicationInsights": self.put("Microsoft.Insights/components/insights", PLAIN)["id"],
            },
        }
        path = "Microsoft.MachineLearningServices/workspaces/space"
        self.put(path, body)
        return path


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Iterator[httpx.Client]:
    """Give a client with a token."""
    with emulator.client() as client:
        yield client


@pytest.fixture
def group(client: httpx.Client) -> Iterator[Group]:
    """Give a resource group of the test's own."""
    group = Group(client)
    yield group
    group.ask("DELETE", "")


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and Azure's code."""
    return answer.status_code, answer.json()["error"]["code"]


def test_a_resource_is_complete_in_the_answer_to_its_put(group: Group) -> None:
    """It is there at once: 201 the first time, 200 when it is put again, and never a URL to poll."""
    path = "Microsoft.Storage/storageAccounts/st" + group.name.removeprefix("group-")
    first, again = group.ask("PUT", path, STORAGE), group.ask("PUT", path, {**STORAGE, "tags": {"a": "b"}})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["properties"]["provisioningState"] == "Succeeded"
    assert again.json() == group.ask("GET", path).json()
    assert again.json()["tags"] == {"a": "b"}
    assert again.json()["properties"]["creationTime"] == first.json()["properties"]["creationTime"]


def test_a_workspace_has_an_identity_and_an_address(group: Group) -> None:
    """What the SDK and role assignments need of a workspace stays the same when it is put again."""
    path = group.put_workspace()
    body = group.ask("GET", path).json()
    again = group.put(path, body)
    assert uuid.UUID(body["identity"]["principalId"])
    assert body["properties"]["discoveryUrl"].endswith(body["properties"]["workspaceId"])
    assert body["sku"] == {"name": "Basic", "tier": "Basic"}
    for part in ("identity", "properties", "sku"):
        assert again[part] == body[part]


def test_paths_are_read_in_any_case(group: Group) -> None:
    """ARM ids are not case-sensitive, and are answered as they were first written."""
    path = f"microsoft.STORAGE/storageaccounts/st{group.name.removeprefix('group-')}"
    body = group.put(path, STORAGE)
    assert body["id"].startswith(f"{group.id}/providers/Microsoft.Storage/storageAccounts/")
    assert group.client.get(body["id"].upper(), params={"api-version": "2024-01-01"}).json() == body


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Microsoft.Storage/storageAccounts/Upper", "AccountNameInvalid"),
        ("Microsoft.Storage/storageAccounts/ab", "AccountNameInvalid"),
        ("Microsoft.Storage/storageAccounts/with-dash", "AccountNameInvalid"),
        ("Microsoft.KeyVault/vaults/1vault", "VaultNameNotValid"),
        ("Microsoft.KeyVault/vaults/two--dashes", "VaultNameNotValid"),
        ("Microsoft.KeyVault/vaults/a-vault-of-more-than-24-chars", "VaultNameNotValid"),
        ("Microsoft.OperationalInsights/workspaces/-logs", "InvalidParameter"),
        ("Microsoft.ContainerRegistry/registries/reg-istry", "InvalidResourceName"),
        ("Microsoft.MachineLearningServices/workspaces/ws", "InvalidResourceName"),
        ("Microsoft.Insights/components/insights.", "InvalidResourceName"),
    ],
)
def test_a_name_that_azure_refuses_is_refused(group: Group, path: str, expected: str) -> None:
    """The rules are each service's own, and so are the codes; the name is in the message."""
    answer = group.ask("PUT", path, PLAIN)
    assert code(answer) == (400, expected)
    assert path.rpartition("/")[2] in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["ends-with.", "a b", "x" * 91])
def test_a_group_name_that_azure_refuses_is_refused(client: httpx.Client, name: str) -> None:
    """Up to 90 letters, digits and -.()_ with no dot at the end."""
    answer = client.put(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}",
        params={"api-version": "2024-03-01"},
        json={"location": "eastus"},
    )
    assert code(answer) == (400, "InvalidResourceGroup")


def test_what_is_not_there_is_404_by_name(group: Group) -> None:
    """Azure's three codes, which say on which level something is missing."""
    path = "Microsoft.KeyVault/vaults/nobody"
    elsewhere = f"{group.id}-other/providers/{path}"
    stranger = f"/subscriptions/{uuid.uuid4()}/resourceGroups/{group.name}"
    version = {"api-version": "2024-01-01"}
    assert code(group.ask("GET", path)) == (404, "ResourceNotFound")
    assert code(group.client.get(elsewhere, params=version)) == (404, "ResourceGroupNotFound")
    assert code(group.client.put(elsewhere, params=version, json=VAULT)) == (404, "ResourceGroupNotFound")
    assert code(group.client.get(stranger, params=version)) == (404, "SubscriptionNotFound")
    assert code(group.client.get("/subscriptions/mine/resourceGroups", params=version)) == (
        400,
        "InvalidSubscriptionId",
    )
    assert group.client.head(f"{group.id}-other", params=version).status_code == 404
    assert group.client.head(group.id, params=version).status_code == 204


def test_an_api_version_is_required(group: Group) -> None:
    """A request without one, or with something else, is refused before it is looked at."""
    assert code(group.client.get(group.id)) == (400, "MissingApiVersionParameter")
    assert code(group.ask("GET", "", version="latest")) == (400, "InvalidApiVersionParameter")


def test_any_well_formed_api_version_is_taken(group: Group) -> None:
    """A difference from Azure, which has a list for each type."""
    answers = [group.ask("GET", "", version=version) for version in ("1999-01-01", "2031-12-31-preview")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


def test_any_location_is_taken_and_written_without_spaces(client: httpx.Client) -> None:
    """A difference from Azure, which knows its regions; 'East US' and 'eastus' are one in both."""
    group = Group(client)
    body = group.put(
        "Microsoft.KeyVault/vaults/kv-" + group.name.removeprefix("group-"), {**VAULT, "location": "The Moon"}
    )
    assert body["location"] == "themoon"
    assert group.ask("PUT", "", {"location": "East US"}).json()["location"] == "eastus"
    group.ask("DELETE", "")


def test_a_location_is_required_and_stays(group: Group) -> None:
    """Nothing moves: Azure answers 409 to another location."""
    path = "Microsoft.OperationalInsights/workspaces/logs"
    assert code(group.ask("PUT", path, {})) == (400, "LocationRequired")
    group.put(path, {"location": "eastus"})
    assert code(group.ask("PUT", path, {"location": "westus"})) == (409, "InvalidResourceLocation")
    assert code(group.ask("PUT", "", {"location": "westus"})) == (409, "InvalidResourceGroupLocation")


def test_unknown_properties_are_kept_as_sent(group: Group) -> None:
    """A difference from Azure, which checks them against a schema; what Azure decides cannot be sent."""
    sent = {"location": "eastus", "properties": {"neverHeardOf": {"a": [1]}, "customerId": "mine"}}
    properties = group.put("Microsoft.OperationalInsights/workspaces/logs", sent)["properties"]
    assert properties["neverHeardOf"] == {"a": [1]}
    assert properties["customerId"] != "mine"


def test_a_storage_account_name_is_taken_only_once(client: httpx.Client, group: Group) -> None:
    """Such names are host names: another group cannot have the same."""
    suffix = group.name.removeprefix("group-")
    other = Group(client)
    for path, body, expected in (
        (f"Microsoft.Storage/storageAccounts/st{suffix}", STORAGE, "StorageAccountAlreadyTaken"),
        (f"Microsoft.KeyVault/vaults/kv-{suffix}", VAULT, "VaultAlreadyExists"),
        (f"Microsoft.ContainerRegistry/registries/cr{suffix}", PLAIN, "AlreadyInUse"),
    ):
        group.put(path, body)
        assert code(other.ask("PUT", path, body)) == (409, expected)
    other.put("Microsoft.Insights/components/insights", PLAIN)
    group.put("Microsoft.Insights/components/insights", PLAIN)
    other.ask("DELETE", "")


def test_a_workspace_needs_what_it_stands_on(group: Group) -> None:
    """Left out, or naming something that is not there, is a 400 that says which."""
    path = "Microsoft.MachineLearningServices/workspaces/space"
    vault = group.put("Microsoft.KeyVault/vaults/kv-" + group.name.removeprefix("group-"), VAULT)["id"]
    links = {"keyVault": vault, "applicationInsights": vault}
    missing = group.ask("PUT", path, {"location": "eastus", "properties": links})
    dangling = group.ask("PUT", path, {"location": "eastus", "properties": {**links, "storageAccount": vault + "x"}})
    assert code(missing) == code(dangling) == (400, "BadRequest")
    assert "storageAccount" in missing.json()["error"]["message"]
    assert "storageAccount" in dangling.json()["error"]["message"]


@pytest.mark.parametrize("body", ["text", [], {"location": "eastus", "tags": []}, {"location": 3}, {"sku": "Basic"}])
def test_a_body_of_the_wrong_shape_is_400(group: Group, body: object) -> None:
    """Never a 5xx, which clients try again."""
    answer = group.ask("PUT", "Microsoft.ContainerRegistry/registries/registry", body)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"code", "message"}


def test_a_patch_changes_what_it_names(group: Group) -> None:
    """Tags are replaced, properties one by one, and all else stays."""
    path = "Microsoft.OperationalInsights/workspaces/logs"
    old = group.put(path, {"location": "eastus", "tags": {"a": "1"}, "properties": {"x": 1, "retentionInDays": 60}})
    new = group.ask("PATCH", path, {"tags": {"b": "2"}, "properties": {"x": 2}}).json()
    assert new["tags"] == {"b": "2"}
    assert new["properties"] == {**old["properties"], "x": 2}
    assert group.ask("PATCH", "", {"tags": {"c": "3"}}).json()["tags"] == {"c": "3"}


def test_lists_hold_what_is_there(group: Group) -> None:
    """By group, by type in a group, and by type in the subscription."""
    vault = group.put("Microsoft.KeyVault/vaults/kv-" + group.name.removeprefix("group-"), VAULT)
    logs = group.put("Microsoft.OperationalInsights/workspaces/logs", PLAIN)
    version = {"api-version": "2024-01-01"}

    def ids(path: str) -> set[str]:
        return {each["id"] for each in group.client.get(path, params=version).raise_for_status().json()["value"]}

    assert ids(f"{group.id}/resources") == {vault["id"], logs["id"]}
    assert ids(f"{group.id}/providers/Microsoft.KeyVault/vaults") == {vault["id"]}
    assert vault["id"] in ids(f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/vaults")
    assert group.id in ids(f"/subscriptions/{SUBSCRIPTION}/resourcegroups")
    assert ids("/subscriptions") == {f"/subscriptions/{SUBSCRIPTION}"}


def test_a_deleted_vault_is_gone_and_its_name_is_free(group: Group) -> None:
    """A difference from Azure, which keeps it for some days; deleting it again is 204 in both."""
    path = "Microsoft.KeyVault/vaults/kv-" + group.name.removeprefix("group-")
    group.put(path, VAULT)
    assert group.ask("DELETE", path).status_code == 200
    assert group.ask("DELETE", path).status_code == 204
    assert code(group.ask("GET", path)) == (404, "ResourceNotFound")
    assert group.ask("PUT", path, VAULT).status_code == 201


def test_a_deleted_group_takes_all_that_is_in_it(client: httpx.Client) -> None:
    """The workspace among them; deleting the group again is a 404, as Azure has it."""
    group = Group(client)
    path = group.put_workspace()
    assert group.ask("DELETE", "").status_code == 200
    assert code(group.ask("DELETE", "")) == (404, "ResourceGroupNotFound")
    group.ask("PUT", "", {"location": "eastus"})
    assert code(group.ask("GET", path)) == (404, "ResourceNotFound")
    assert client.get(f"{group.id}/resources", params={"api-version": "2024-01-01"}).json() == {"value": []}
    group.ask("DELETE", "")


def test_a_deleted_workspace_takes_its_models_along(emulator: Emulator) -> None:
    """One of the same name is a new one, with nothing in it."""
    workspace = Workspace(emulator, "short-lived")
    version = {"api-version": "2024-01-01"}
    before = workspace.client.get(workspace.id, params=version).json()
    workspace.register("a-model")
    assert workspace.client.delete(workspace.id, params=version).status_code == 200
    workspace.close()
    again = Workspace(emulator, "short-lived")
    after = again.client.get(again.id, params=version).json()
    assert again.client.get(again.models("/models")).json()["value"] == []
    assert after["properties"]["workspaceId"] != before["properties"]["workspaceId"]
    again.client.delete(again.id, params=version)
    again.close()


def test_no_host_name_leads_to_the_real_azure(group: Group) -> None:
    """A difference from Azure: whatever is given an address has one here, or one that nothing answers."""
    group.put_workspace()
    suffix = group.name.removeprefix("group-")
    group.put(f"Microsoft.ContainerRegistry/registries/cr{suffix}", PLAIN)
    shown = group.client.get(f"{group.id}/resources", params={"api-version": "2024-01-01"}).text
    hosts = set(re.findall(r"https://([^/\"]+)", shown)) | set(re.findall(r'"loginServer":"([^"]+)"', shown))
    assert len(hosts) > 7
    assert all(host.startswith("127.0.0.1:") or host.endswith(".emulator.invalid") for host in hosts), hosts


def test_a_list_of_resources_is_filtered(group: Group) -> None:
    """In a group, in the subscription and over groups: what passes is shown, and nothing else."""
    suffix = group.name.removeprefix("group-")
    group.put(f"Microsoft.KeyVault/vaults/kv{suffix}", {**VAULT, "tags": {"owner": "vision", "data": "MNIST"}})
    group.put(f"Microsoft.ContainerRegistry/registries/cr{suffix}", {**PLAIN, "tags": {"data": "vision"}})
    subscription = f"/subscriptions/{SUBSCRIPTION}"

    def find(scope: str, text: str) -> list[str]:
        params = {"api-version": "2024-01-01", "$filter": text}
        answer = group.client.get(f"{scope}/resources", params=params).raise_for_status().json()
        return [each["name"].removesuffix(suffix) for each in answer["value"]]

    for scope in (group.id, subscription):
        here = "" if scope == group.id else f" and resourceGroup eq '{group.name}'"
        assert find(scope, f"resourceType eq 'microsoft.keyvault/vaults'{here}") == ["kv"]
        assert find(scope, f"tagName eq 'owner' and tagValue eq 'vision'{here}") == ["kv"]
        for written in ("eastus", "East US"):
            assert find(scope, f"location eq '{written}'{here}") == ["cr", "kv"]
            assert find(scope, f"location ne '{written}'{here}") == []
            assert find(scope, f"substringof('{written}', location){here}") == ["cr", "kv"]
    groups = {"api-version": "2024-01-01", "$filter": f"name eq '{group.name}'"}
    shown = group.client.get(f"{subscription}/resourceGroups", params=groups).json()["value"]
    assert [each["name"] for each in shown] == [group.name]


@pytest.mark.parametrize(
    "text", ["plan/publisher eq 'us'", "startswith(name, 'a')", "identity/principalId eq 'a'", "plan/name eq 'a'"]
)
def test_a_filter_that_is_not_understood_is_400(group: Group, text: str) -> None:
    """Ignored, it would show more than was asked for; $expand, which clients send unasked, adds nothing."""
    params = {"api-version": "2024-01-01", "$filter": text}
    answer = group.client.get(f"{group.id}/resources", params=params)
    assert code(answer) == (400, "InvalidFilterInQueryString")
    assert re.split(r"[ (]", text)[0] in answer.json()["error"]["message"]
    plain = {"api-version": "2024-01-01"}
    expanded = group.client.get(f"{group.id}/resources", params={**plain, "$expand": "createdTime"})
    assert expanded.json() == group.client.get(f"{group.id}/resources", params=plain).json()


def test_a_query_option_is_followed_or_refused(group: Group) -> None:
    """$top bounds a list; one that makes no sense, is unknown, has no effect here or is given twice is a 400."""
    suffix = group.name.removeprefix("group-")
    group.put(f"Microsoft.KeyVault/vaults/kv{suffix}", VAULT)
    group.put(f"Microsoft.ContainerRegistry/registries/cr{suffix}", PLAIN)

    def ask(query: str, path: str = "/resources") -> httpx.Response:
        return group.client.get(f"{group.id}{path}?api-version=2024-01-01&{query}")

    assert [len(ask(f"$top={top}").json()["value"]) for top in (1, 2, 3)] == [1, 2, 2]
    for query in ("$top=x", "$top=0", "$skip=1", "$filter=name eq 'a'&$filter=name eq 'b'"):
        assert code(ask(query)) == (400, "InvalidQueryParameter"), query
    assert code(ask("$filter=name eq 'a'", "/providers/Microsoft.KeyVault/vaults")) == (400, "InvalidQueryParameter")


def test_literal_segments_are_taken_in_any_letter_case(workspace: Workspace) -> None:
    """ARM's and model management's; names are found in any case too, and shown as they were given."""
    version = {"api-version": "2022-05-01"}
    for path in (workspace.id.upper(), workspace.id.lower(), workspace.id.replace("resourceGroups", "resourcegroups")):
        assert workspace.client.get(path, params=version).json()["id"] == workspace.id
    path = workspace.models("/models")
    for written in (path.upper(), path.replace("/models", "/Models"), path.replace("resourceGroups", "resourcegroups")):
        assert workspace.client.get(written).status_code == 200
    environments = f"/environment/v1.0{workspace.id}/environments/".replace("resourceGroups", "RESOURCEGROUPS")
    assert workspace.client.get(environments).status_code == 200


def test_a_resource_provider_names_its_types_and_regions(workspace: Workspace) -> None:
    """Where a workspace may be created is looked up there."""
    url, version = f"/subscriptions/{SUBSCRIPTION}/providers", {"api-version": "2022-05-01"}
    answer = workspace.client.get(f"{url}/microsoft.machinelearningservices", params=version).json()
    assert answer["namespace"] == "Microsoft.MachineLearningServices"
    (only,) = answer["resourceTypes"]
    assert only["resourceType"] == "workspaces"
    assert "eastus" in only["locations"]
    assert code(workspace.client.get(f"{url}/Microsoft.Nothing", params=version)) == (404, "InvalidResourceNamespace")


def test_an_unknown_resource_type_answers_501(group: Group) -> None:
    """What ARM has and the emulator has not is named, not invented."""
    answer = group.ask("PUT", "Microsoft.Web/sites/site", PLAIN)
    assert code(answer) == (501, "NotImplemented")
    assert "Microsoft.Web/sites/site" in answer.json()["error"]["message"]


def test_a_request_without_a_token_is_401(group: Group) -> None:
    """ARM shows nothing to those who do not say who they are."""
    headers = {"Authorization": ""}
    answer = group.client.get(group.id, params={"api-version": "2024-01-01"}, headers=headers)
    assert code(answer) == (401, "AuthenticationFailed")
