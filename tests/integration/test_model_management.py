"""Model management's answers, held against its official specification; every route, in success and in failure."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import yaml

from tests.integration.wire import Workspace, entry_script

_SPECIFICATION = yaml.safe_load((Path(__file__).parent / "model_management.yml").read_text(encoding="utf-8"))
_TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "truth": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "texts": {"type": "object", "additionalProperties": {"type": "string"}},
    "object": {"type": "object"},
}

Json = dict[str, Any]


def _schema(notation: str) -> Json:
    """Return the JSON schema of a type in the file's notation."""
    if notation.startswith("["):
        return {"type": "array", "items": _schema(notation[1:-1])}
    if notation in _SPECIFICATION["definitions"]:
        return {"$ref": f"#/$defs/{notation}"}
    return dict(_TYPES[notation]) if notation in _TYPES else {"enum": notation.split(" | ")}


def _definition(name: str) -> Json:
    fields = _SPECIFICATION["definitions"][name] | _SPECIFICATION["of_the_sdk"].get(name, {})
    required = [field for field, notation in fields.items() if notation.endswith("!")]
    properties = {
        field: _schema(notation.rstrip("!")) if field in required else {"anyOf": [_schema(notation), {"type": "null"}]}
        for field, notation in fields.items()
    }
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_DEFINITIONS = {name: _definition(name) for name in _SPECIFICATION["definitions"]}
_VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _DEFINITIONS}, validate_formats=True)
    for name in _DEFINITIONS
}


def faults(name: str, answer: object) -> list[str]:
    """Return where the answer is not what the specification says of this definition."""
    return [f"{name} {list(error.instance_path)}: {error.message}" for error in _VALIDATORS[name].iter_errors(answer)]


class Conforming:
    """Asks model management and holds each answer against the specification."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.seen: set[tuple[str, str, int]] = set()

    def ask(self, method: str, path: str, body: object = None, **query: str) -> httpx.Response:
        """Send a request; the answer has to have a specified status and shape."""
        url = self.workspace.models(path)
        answer = self.workspace.client.request(method, url, json=body, params=query, timeout=60)
        route = next(route for route in _SPECIFICATION["answers"] if re.fullmatch(route.replace("{id}", "[^/]+"), path))
        self.seen.add((method.lower(), route, answer.status_code))
        if answer.is_success:
            name = _SPECIFICATION["answers"][route][method.lower()][answer.status_code]
            if name is None:
                assert answer.content == b""
                assert ("Operation-Location" in answer.headers) == (answer.status_code == 202)
                return answer
        else:
            name = "ModelErrorResponse"
            assert answer.json()["statusCode"] == answer.status_code
        assert faults(name, answer.json()) == []
        return answer

    def finish(self, answer: httpx.Response) -> Json:
        """Follow an operation to its end."""
        operation = f"/operations/{answer.headers['Operation-Location'].rpartition('/')[2]}"
        while (found := self.ask("GET", operation).json())["state"] in {"NotStarted", "Running"}:
            pass
        done: Json = found
        return done


@pytest.fixture(scope="module")
def conforming(workspace: Workspace) -> Iterator[Conforming]:
    """Give a workspace of its own whose every answer is checked."""
    own = Workspace(workspace.emulator, "conforming-ws")
    yield Conforming(own)
    own.client.delete(own.id, params={"api-version": "2022-05-01"})
    own.close()


@pytest.fixture(scope="module")
def lived(conforming: Conforming) -> Conforming:
    """Let models, web services and operations live their lives, with all that users do wrong."""
    _live_as_a_model(conforming)
    _live_as_a_service(conforming)
    _fail(conforming)
    return conforming


def _patch(op: str, path: str, value: object) -> list[Json]:
    return [{"op": op, "path": path, "value": value}]


def _live_as_a_model(conforming: Conforming) -> None:
    artifact = conforming.workspace.upload("model.pkl", b"a model", container="conforming")
    asset = conforming.ask("POST", "/assets", {"name": "model.pkl", "artifacts": [{"prefix": artifact}]}).json()
    conforming.ask("GET", f"/assets/{asset['id']}")
    url = f"aml://asset/{asset['id']}"
    bare = {"name": "model", "url": url, "mimeType": "application/x-python"}
    conforming.ask("POST", "/models", bare)
    tags = {"accuracy": 0.9, "rows": 450, "proven": True, "data": "digits"}
    full = {**bare, "kvTags": tags, "properties": {"origin": "here"}, "description": "d", "framework": "ScikitLearn"}
    conforming.ask("POST", "/models", {**full, "datasets": [{"name": "training", "id": "1"}]})
    conforming.ask("GET", "/models", count="1")
    conforming.ask("GET", "/models/model:2")
    conforming.ask("PATCH", "/models/model:2", _patch("replace", "/kvTags", {"accuracy": 0.8}))
    conforming.ask("PATCH", "/models/model:2", _patch("add", "/properties/count", 7))
    conforming.ask("POST", "/models", bare)
    conforming.ask("DELETE", "/models/model:3")


def _live_as_a_service(conforming: Conforming) -> None:
    workspace = conforming.workspace
    body = workspace.request("conforming", entry_script("echo"), ["model:1"], kvTags={"n": 1}, authEnabled=True)
    answer = conforming.ask("POST", "/services", body)
    conforming.ask("GET", "/services/conforming", expand="true")
    assert conforming.finish(answer)["state"] == "Succeeded"
    conforming.ask("GET", "/services")
    conforming.ask("GET", "/services/conforming")
    conforming.ask("POST", "/services/conforming/listkeys")
    conforming.finish(conforming.ask("POST", "/services/conforming/regenerateKeys", {"keyType": "Primary"}))
    conforming.ask("PATCH", "/services/conforming", _patch("replace", "/description", "another"))
    broken = workspace.image_request(entry_script("init_raises"), ["model:1"])
    answer = conforming.ask("PATCH", "/services/conforming", _patch("replace", "/environmentImageRequest", broken))
    assert conforming.finish(answer)["state"] == "Failed"
    assert conforming.ask("GET", "/services/conforming").json()["error"]
    conforming.ask("DELETE", "/models/model:1")  # 412, in use
    conforming.ask("DELETE", "/services/conforming")


def _fail(conforming: Conforming) -> None:
    for path in ("/models/model:9", "/models/nobody", "/services/nobody", "/operations/none", "/assets/none"):
        assert conforming.ask("GET", path).status_code == 404
    for path in ("/models/model:9", "/services/nobody"):
        assert conforming.ask("DELETE", path).status_code == 204
        assert conforming.ask("PATCH", path, _patch("replace", "/description", "")).status_code == 404
    for path in ("/models", "/assets", "/services"):
        assert conforming.ask("POST", path, {}).status_code in {400, 501}
        assert conforming.ask("POST", path, ["no object"]).status_code == 400
    assert conforming.ask("POST", "/services/nobody/listkeys").status_code == 404
    assert conforming.ask("POST", "/services/nobody/regenerateKeys", {"keyType": "Third"}).status_code == 400
    assert conforming.ask("PATCH", "/models/model:2", _patch("replace", "/properties", {})).status_code == 400
    assert conforming.ask("PATCH", "/models/model:2", _patch("add", "/kvTags", {"a": {"b": "c"}})).status_code == 400
    assert conforming.ask("PATCH", "/models/model:2", _patch("move", "/kvTags", None)).status_code == 400
    assert conforming.ask("GET", "/models", count="many").status_code == 400
    assert conforming.ask("GET", "/models", orderBy="Size").status_code == 400


def test_every_answer_has_a_specified_status_and_shape(lived: Conforming) -> None:
    """Of every route and method; nothing is said that neither the specification nor the SDK knows."""
    asked = {(method, route) for method, route, _ in lived.seen}
    assert asked == {(method, route) for route, methods in _SPECIFICATION["answers"].items() for method in methods}


def test_every_specified_success_is_met_that_the_emulator_has(lived: Conforming) -> None:
    """It answers a deletion by 200, and new keys by an operation; those are the only successes it does not use."""
    specified = {
        (method, route, status)
        for route, methods in _SPECIFICATION["answers"].items()
        for method, answers in methods.items()
        for status in answers
    }
    met = {each for each in lived.seen if each[2] < 300}
    unused = {("delete", "/services/{id}", 202), ("post", "/services/{id}/regenerateKeys", 200)}
    assert specified - met == unused


@pytest.mark.parametrize("route", _SPECIFICATION["not_done"])
def test_what_is_specified_and_not_done_answers_501(conforming: Conforming, route: str) -> None:
    """And names itself, in the shape of every error."""
    method, _, path = route.partition(" ")
    url = conforming.workspace.models(path.replace("{id}", "x"))
    answer = conforming.workspace.client.request(method.upper(), url)
    assert answer.status_code == 501
    assert faults("ModelErrorResponse", answer.json()) == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("Model", {"name": "m", "url": "u"}),
        ("Model", {"name": "m", "url": "u", "mimeType": "t", "version": "1"}),
        ("Model", {"name": "m", "url": "u", "mimeType": "t", "kvTags": {"a": 1}}),
        ("Model", {"name": "m", "url": "u", "mimeType": "t", "createdTime": "yesterday"}),
        ("Model", {"name": "m", "url": "u", "mimeType": "t", "colour": "blue"}),
        ("ACIServiceResponse", {"computeType": "AKS"}),
        ("ACIServiceResponse", {"computeType": "ACI", "state": "Fine"}),
        ("AsyncOperationStatus", {"error": {"code": 7}}),
    ],
)
def test_a_wrong_answer_would_be_found(name: str, answer: Json) -> None:
    """The check itself can fail: missing, of another type, unknown, no time, not one of the states, deep inside."""
    assert len(faults(name, answer)) >= 1


def test_lists_are_ordered_and_narrowed_as_asked(workspace: Workspace) -> None:
    """By creation or by change, newest or oldest first; by name; in pages."""
    own = Workspace(workspace.emulator, "ordered-ws")
    for name in ("one", "two", "three"):
        own.register(name)
    own.client.patch(own.models("/models/one:1"), json=_patch("replace", "/description", "changed"))

    def find(kind: str, **query: str) -> list[str]:
        found = own.client.get(own.models(f"/{kind}"), params=query).raise_for_status().json()["value"]
        return [each["name"] for each in found]

    assert find("models") == find("models", orderBy="CreatedAtDesc") == ["three", "two", "one"]
    assert find("models", orderBy="CreatedAtAsc") == ["one", "two", "three"]
    assert find("models", orderBy="UpdatedAtDesc") == ["one", "three", "two"]
    assert find("models", orderBy="UpdatedAtAsc") == ["two", "three", "one"]
    for name in ("first", "second"):
        own.run(own.deploy(name, entry_script("echo")))
    own.client.patch(own.models("/services/first"), json=_patch("replace", "/description", "changed"))
    assert find("services") == ["first", "second"]
    assert find("services", orderby="CreatedAtAsc") == ["first", "second"]
    assert find("services", orderby="CreatedAtDesc") == ["second", "first"]
    assert find("services", name="second") == ["second"]
    assert find("services", imageId="image:1") == []
    assert find("services", count="1") == ["first"]
    assert find("services", count="1", **{"$skipToken": "1"}) == ["second"]
    own.client.delete(own.id, params={"api-version": "2022-05-01"})
    own.close()
