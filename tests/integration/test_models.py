"""The model registry: versions, tags, lists, and files that never arrived."""

from collections.abc import Mapping

import httpx

from tests.integration.wire import Workspace, entry_script


def _patch(workspace: Workspace, model: str, *operations: Mapping[str, object]) -> httpx.Response:
    return workspace.client.patch(workspace.models(f"/models/{model}"), json=list(operations))


def test_versions_count_up_and_are_never_given_twice(workspace: Workspace) -> None:
    """A version stands for its bytes for ever, also after it was deleted."""
    assert workspace.register("counting")["id"] == "counting:1"
    assert workspace.register("counting")["id"] == "counting:2"
    assert workspace.client.delete(workspace.models("/models/counting:2")).status_code == 200
    assert workspace.register("counting")["version"] == 3
    assert workspace.client.get(workspace.models("/models/counting:2")).status_code == 404


def test_a_model_that_is_not_there_is_404_with_the_number_in_the_body(workspace: Workspace) -> None:
    """The SDK tells ModelNotFound by a numeric statusCode."""
    for model in ("nobody:1", "nobody"):
        answer = workspace.client.get(workspace.models(f"/models/{model}"))
        assert answer.status_code == 404
        assert (answer.json()["statusCode"], answer.json()["code"]) == (404, "ModelNotFound")


def test_a_web_service_without_models_keeps_no_model(workspace: Workspace) -> None:
    """A deployment may say that its models are null, and any model can be deleted while it is there."""
    model = workspace.register("unused")
    request = workspace.request("modelless", entry_script("echo"))
    request["environmentImageRequest"]["modelIds"] = None
    answer = workspace.client.post(workspace.models("/services"), json=request)
    assert answer.status_code == 202, answer.text
    assert workspace.client.delete(workspace.models(f"/models/{model['id']}")).status_code == 200
    workspace.client.delete(workspace.models("/services/modelless")).raise_for_status()


def test_a_list_is_filtered_and_newest_first(workspace: Workspace) -> None:
    """By name, tags, properties and framework; the newest only, where asked."""
    workspace.register("listed", kvTags={"color": "blue", "size": "1"}, framework="ScikitLearn")
    workspace.register("listed", kvTags={"color": "red"}, properties={"origin": "here"})

    def find(**query: str) -> list[str]:
        found = workspace.client.get(workspace.models("/models"), params={"name": "listed", **query}).json()["value"]
        return [model["id"] for model in found]

    assert find() == ["listed:2", "listed:1"]
    assert find(tags="color") == ["listed:2", "listed:1"]
    assert find(tags="color=blue,size") == ["listed:1"]
    assert find(properties="origin=here") == ["listed:2"]
    assert find(framework="ScikitLearn") == ["listed:1"]
    assert find(latestVersionOnly="true") == ["listed:2"]
    assert find(tags="color=green") == []
    assert find(tag="color=blue") == ["listed:1"]


def test_a_list_refuses_what_it_would_ignore(workspace: Workspace) -> None:
    """A query parameter that models or services do not have is a 400 that names it; nothing runs from an image."""
    for path in ("/models", "/services"):
        answer = workspace.client.get(workspace.models(path), params={"$top": "x"})
        assert answer.status_code == 400
        assert "$top" in answer.json()["message"]
    services = workspace.client.get(workspace.models("/services"), params={"imageDigest": "sha256:0"})
    assert services.json()["value"] == []


def test_a_long_list_comes_in_pages_with_the_same_filter(workspace: Workspace) -> None:
    """The nextLink leads on until all have been seen; the last page has none."""
    for _ in range(5):
        workspace.register("paged", kvTags={"page": "yes"})
    workspace.register("paged")
    seen, pages = [], 0
    link = f"{workspace.models('/models')}?name=paged&tags=page&count=2"
    while link:
        page = workspace.client.get(link).json()
        seen += [model["version"] for model in page["value"]]
        link, pages = page.get("nextLink"), pages + 1
    assert (seen, pages) == ([5, 4, 3, 2, 1], 3)


def test_tags_and_description_change_and_the_rest_does_not(workspace: Workspace) -> None:
    """A patch of what a model is made of is refused."""
    model = workspace.register("patched", kvTags={"old": "1"})
    tags = {"op": "replace", "path": "/kvTags", "value": {"new": "2"}}
    properties = {"op": "add", "path": "/properties/a~1b", "value": "c"}
    changed = _patch(workspace, model["id"], tags, properties).json()
    assert (changed["kvTags"], changed["properties"]) == ({"new": "2"}, {"a/b": "c"})
    for refused in (
        {"op": "replace", "path": "/version", "value": 9},
        {"op": "move", "path": "/kvTags"},
        {"op": "add"},
    ):
        assert _patch(workspace, model["id"], refused).status_code == 400
    assert workspace.client.get(workspace.models(f"/models/{model['id']}")).json()["version"] == model["version"]


def test_a_property_is_added_and_never_changed_or_removed(workspace: Workspace) -> None:
    """They are append-only: what is there keeps its value, the same value again is no change."""
    model = workspace.register("properties", properties={"origin": "here"})
    for refused in (
        {"op": "replace", "path": "/properties/origin", "value": "there"},
        {"op": "add", "path": "/properties", "value": {"origin": "there", "new": "1"}},
        {"op": "remove", "path": "/properties/origin"},
        {"op": "replace", "path": "/properties", "value": {}},
    ):
        answer = _patch(workspace, model["id"], refused)
        assert (answer.status_code, answer.json()["statusCode"]) == (400, 400)
        assert "immutable" in answer.json()["message"]
        assert "origin" in answer.json()["message"]
    added = {"op": "add", "path": "/properties", "value": {"origin": "here", "new": "1"}}
    assert _patch(workspace, model["id"], added).json()["properties"] == {"origin": "here", "new": "1"}


def test_a_name_that_azure_would_refuse_is_400(workspace: Workspace) -> None:
    """Also when it does not come through the SDK, which checks too."""
    for name in ("", "-begins-with-a-dash", "has space", "a" * 256, None):
        answer = workspace.client.post(workspace.models("/models"), json={"name": name, "url": "aml://asset/x"})
        assert answer.status_code == 400


def test_a_file_that_never_arrived_cannot_be_registered(workspace: Workspace) -> None:
    """The SDK does not look whether its upload worked, so the registry does."""
    workspace.announce("lost.pkl", container="lost")
    body = {"name": "lost", "artifacts": [{"prefix": "LocalUpload/lost/lost.pkl"}]}
    answer = workspace.client.post(workspace.models("/assets"), json=body)
    assert answer.status_code == 400
    assert "never uploaded" in answer.json()["message"]


def test_a_model_of_an_asset_that_is_not_there_is_404(workspace: Workspace) -> None:
    """A model always has bytes."""
    body = {"name": "empty", "url": "aml://asset/None"}
    assert workspace.client.post(workspace.models("/models"), json=body).status_code == 404
