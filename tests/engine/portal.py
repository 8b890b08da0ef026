"""Changes outside Pulumi: the HTTP requests to Azure that its portal sends."""

import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

Json = dict[str, Any]
_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/digits-dev"
_ID = f"{_GROUP}/providers/Microsoft.MachineLearningServices/workspaces/digits-dev-ml"
_ARM = {"api-version": "2022-10-01"}
_PATIENCE_SECONDS = 60


class Portal:
    """The dev stack's workspace, with the login that any program on this machine gets."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        answer = httpx.post(
            environment["MSI_ENDPOINT"],
            data={"resource": environment["AZUREML_EMULATOR"]},
            headers={"Metadata": "true"},
            trust_env=False,
        )
        self._client = httpx.Client(
            base_url=environment["AZUREML_EMULATOR"],
            verify=ssl.create_default_context(cafile=environment["REQUESTS_CA_BUNDLE"]),
            headers={"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"},
            timeout=30,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    # --- web services

    def service(self, name: str) -> Json:
        """Return a web service."""
        service: Json = self._management("GET", f"/services/{name}").json()
        return service

    def keys(self, name: str) -> Json:
        """Return a web service's keys."""
        keys: Json = self._management("POST", f"/services/{name}/listkeys").json()
        return keys

    def change_service(self, name: str, **fields: object) -> None:
        """Replace fields of a web service; wait for the deployment that this may start, however it ends."""
        patch = [{"op": "replace", "path": f"/{field}", "value": value} for field, value in fields.items()]
        self._wait(self._management("PATCH", f"/services/{name}", json=patch))

    def regenerate_key(self, name: str, which: str) -> None:
        """Let Azure choose another key."""
        self._wait(self._management("POST", f"/services/{name}/regenerateKeys", json={"keyType": which}))

    def copy_service(self, name: str, copy: str, **properties: str) -> None:
        """Deploy the content of a web service as another, of no stack unless its properties name one."""
        image = self.service(name)["environmentImageRequest"]
        request = {"name": copy, "computeType": "ACI", "environmentImageRequest": image}
        request |= {"properties": properties} if properties else {}
        self._wait(self._management("POST", "/services", json=request))

    def delete_service(self, name: str) -> None:
        """Delete a web service."""
        self._management("DELETE", f"/services/{name}")

    # --- models and environments

    def model(self, model_id: str) -> Json:
        """Return a model."""
        model: Json = self._management("GET", f"/models/{model_id}").json()
        return model

    def tag_model(self, model_id: str, tags: Mapping[str, str]) -> None:
        """Replace the model's tags."""
        self._management(
            "PATCH", f"/models/{model_id}", json=[{"op": "replace", "path": "/kvTags", "value": dict(tags)}]
        )

    def replace_bytes(self, model_id: str, content: bytes) -> None:
        """Overwrite the model's file in the workspace's storage: the registry does not notice."""
        asset = self._management("GET", f"/assets/{self.model(model_id)['url'].removeprefix('aml://asset/')}").json()
        _, container, path = asset["artifacts"][0]["prefix"].split("/", 2)
        url = f"/artifact/v2.0{_ID}/artifacts/batch/metadata/LocalUpload/{container}"
        announced = self._send("POST", url, json={"paths": [{"path": path}]}).json()
        uri = httpx.URL(announced["artifactContentInformation"][path]["contentUri"]).copy_with(userinfo=b"")
        self._send("PUT", str(uri), content=content)

    def delete_model(self, model_id: str) -> None:
        """Delete a model."""
        self._management("DELETE", f"/models/{model_id}")

    def register_environment(self, name: str, version: str, conda: Json) -> None:
        """Register a definition under a version."""
        body = {"Name": name, "python": {"condaDependencies": conda}, "EnvironmentVariables": {}}
        self._send("PUT", f"/environment/v1.0{_ID}/environments/{name}/versions/{version}", json=body)

    # --- the workspace

    def delete_workspace(self) -> Json:
        """Delete the workspace with all that it holds; return its last description."""
        workspace: Json = self._send("GET", _ID, params=_ARM).json()
        self._send("DELETE", _ID, params=_ARM)
        return workspace

    def make_workspace(self, workspace: Json) -> None:
        """Create it again under the same name, empty."""
        properties = {
            name: workspace["properties"][name]
            for name in ("friendlyName", "storageAccount", "keyVault", "applicationInsights", "containerRegistry")
        }
        body = {"location": workspace["location"], "identity": {"type": "SystemAssigned"}, "properties": properties}
        self._send("PUT", _ID, params=_ARM, json=body)

    # --- the wire

    def _management(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._send(method, f"/modelmanagement/v1.0{_ID}{path}", **more)

    def _send(self, method: str, url: str, **more: Any) -> httpx.Response:
        return self._client.request(method, url, **more).raise_for_status()

    def _wait(self, answer: httpx.Response) -> None:
        operation = answer.headers.get("Operation-Location")
        end = time.monotonic() + _PATIENCE_SECONDS
        while operation and self._send("GET", operation).json()["state"] in ("NotStarted", "Running"):
            assert time.monotonic() < end, f"{operation} does not end"
