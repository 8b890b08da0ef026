"""Azure ML environments: versions, and what may not change."""

import httpx

from tests.integration.wire import CONDA, Workspace


def _register(workspace: Workspace, path: str, **python: object) -> httpx.Response:
    body = {"Name": path, "python": {"condaDependencies": CONDA, **python}, "EnvironmentVariables": {}, "Docker": {}}
    return workspace.client.put(f"/environment/v1.0{workspace.id}/environments/{path}", json=body)


def _read(workspace: Workspace, path: str) -> httpx.Response:
    return workspace.client.get(f"/environment/v1.0{workspace.id}/environments/{path}")


def test_versions_count_up_and_the_same_content_is_the_same_version(workspace: Workspace) -> None:
    """Registering again what is there makes no second version."""
    assert _register(workspace, "counting").json()["version"] == "1"
    assert _register(workspace, "counting").json()["version"] == "1"
    assert _register(workspace, "counting", extra=1).json()["version"] == "2"
    assert _read(workspace, "counting").json()["version"] == "2"
    assert _read(workspace, "counting/versions/1").json()["python"] == {"condaDependencies": CONDA}


def test_a_version_with_a_name_of_ones_own_never_changes(workspace: Workspace) -> None:
    """The same content is taken again, another is refused in Azure's words."""
    assert _register(workspace, "named/versions/blue").json()["version"] == "blue"
    assert _register(workspace, "named/versions/blue").status_code == 200
    answer = _register(workspace, "named/versions/blue", extra=1)
    assert answer.status_code == 409
    assert "Environment named with version blue is already registered and cannot be changed." in answer.text


def test_a_name_that_is_not_valid_is_400_and_no_missing_feature(workspace: Workspace) -> None:
    """One with a slash looks like a longer path; its name is refused, when it is registered and when it is read."""
    for name in ("a b/c", "a/b/c", "a%2Fb", "a:b", "/", "a/"):
        for path in (name, f"{name}/versions/1"):
            for answer in (_register(workspace, path), _read(workspace, path)):
                assert answer.status_code in {400, 404}, (path, answer.text)
        assert _register(workspace, name).status_code == 400
        assert name.replace("%2F", "/") in _register(workspace, name).json()["error"]["message"]
    unknown = workspace.client.get("/emulator/status").json()["unknownRoutes"]
    assert not [route for route in unknown if "/environments/a" in route["route"]]


def test_an_environment_that_is_not_there_is_404(workspace: Workspace) -> None:
    """Name or version."""
    _register(workspace, "lonely")
    assert _read(workspace, "lonely/versions/7").status_code == 404
    assert _read(workspace, "nobody").status_code == 404


def test_the_list_has_each_environment_once_at_its_latest(workspace: Workspace) -> None:
    """As Environment.list shows them."""
    _register(workspace, "listed")
    _register(workspace, "listed", extra=1)
    found = workspace.client.get(f"/environment/v1.0{workspace.id}/environments/").json()["value"]
    assert [each["version"] for each in found if each["name"] == "listed"] == ["2"]


def test_a_label_leads_to_one_version(workspace: Workspace) -> None:
    """A label comes over from the version that had it; "latest" is the version registered last unless labelled."""
    _register(workspace, "labelled")
    _register(workspace, "labelled", extra=1)

    def label(version: str, *labels: str) -> int:
        url = f"/environment/v1.0{workspace.id}/environments/labelled/versions/{version}/metadata"
        return workspace.client.put(url, json={"Labels": list(labels)}).status_code

    def find(name: str) -> str:
        answer = _read(workspace, f"labelled/labels/{name}")
        return answer.json()["version"] if answer.is_success else str(answer.status_code)

    assert find("latest") == "2"
    assert label("1", "proven", "latest") == 200
    assert [find("proven"), find("latest")] == ["1", "1"]
    assert label("2", "proven") == 200
    assert [find("proven"), find("latest"), find("unknown")] == ["2", "1", "404"]
    assert label("1") == 200
    assert find("latest") == "2"
    assert label("7", "proven") == 404


def test_a_name_without_a_label_is_the_version_that_was_registered_last(workspace: Workspace) -> None:
    """The label latest on an older version changes what the label means, not what the name means."""
    _register(workspace, "plain-name")
    _register(workspace, "plain-name", extra=1)
    url = f"/environment/v1.0{workspace.id}/environments/plain-name/versions/1/metadata"
    assert workspace.client.put(url, json={"Labels": ["latest"]}).status_code == 200
    found = [_read(workspace, path).json()["version"] for path in ("plain-name", "plain-name/labels/latest")]
    assert found == ["2", "1"]


def test_an_environment_has_no_image(workspace: Workspace) -> None:
    """Its details say so; those of one that is not there are a 404."""
    _register(workspace, "imageless")
    assert _read(workspace, "imageless/versions/1/image").json()["imageExistsInRegistry"] is False
    assert _read(workspace, "nobody/image").status_code == 404


def test_there_are_no_curated_environments(workspace: Workspace) -> None:
    """Azure's own names cannot be read and cannot be taken."""
    assert _read(workspace, "AzureML-sklearn-1.0").status_code == 404
    answer = _register(workspace, "AzureML-mine")
    assert answer.status_code == 400
    assert "can not start with the prefix AzureML" in answer.text
