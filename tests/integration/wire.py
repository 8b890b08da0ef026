"""A real emulator in a process of its own, and its wire protocol without the SDK, whose import takes seconds."""

import io
import json
import os
import ssl
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

ROOT = Path(__file__).parents[2]
CONDA = yaml.safe_load((ROOT / "scoring" / "conda.yml").read_text(encoding="utf-8"))  # so that the venv is shared
ENTRY_SCRIPTS = Path(__file__).parent / "entry_scripts"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
_PATIENCE_SECONDS = 120

Json = dict[str, Any]


class Emulator:
    """A state folder and the emulator that uses it."""

    def __init__(self, state: Path, settings: Mapping[str, str] = {}) -> None:
        self.state = state
        self._settings = dict(settings)

    def command(self, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run `azureml-emulator` on the state folder."""
        command = [*prefix, sys.executable, "-m", "emulator", *arguments, "--state", str(self.state)]
        environment = {**os.environ, **self._settings}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def start(self, *arguments: str, prefix: tuple[str, ...] = ()) -> "Emulator":
        """Start it: on free ports the first time, on the same ports later."""
        done = self.command("start", "--port", "0", *arguments, prefix=prefix)
        assert done.returncode == 0, done.stderr
        return self

    def stop(self) -> None:
        """End it and its web services."""
        assert self.command("stop").returncode == 0

    def kill(self) -> None:
        """End it with SIGKILL, as in a crash."""
        process = psutil.Process(self.record["pid"])
        process.kill()
        process.wait()

    @property
    def record(self) -> Json:
        """The content of emulator.json."""
        record: Json = json.loads((self.state / "emulator.json").read_text(encoding="utf-8"))
        return record

    @property
    def log(self) -> str:
        """The emulator's own log."""
        return (self.state / "emulator.log").read_text(encoding="utf-8")

    def variables(self) -> dict[str, str]:
        """Return what a shell has after `eval "$(azureml-emulator env)"`."""
        line = f'eval "$({sys.executable} -m emulator env --state {self.state})"; env -0'
        output = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return dict(entry.split("=", 1) for entry in output.split("\0") if entry)

    def run(self, script: Path, *arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
        """Run a program that uses the SDK in a shell that was pointed at the emulator."""
        # The SDK keeps notes in the home folder, which is not the tests' to write to.
        environment = {**self.variables(), "HOME": str(directory), "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, str(script), *arguments]
        return subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=200, check=False
        )

    def token(self) -> str:
        """Return an access token, as any program on this machine gets one."""
        endpoint = self.variables()["MSI_ENDPOINT"]
        answer = httpx.post(endpoint, data={"resource": "https://management.azure.com/"}, headers={"Metadata": "true"})
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def client(self) -> httpx.Client:
        """Return a client that trusts the emulator's certificate and has a token."""
        variables = self.variables()
        return httpx.Client(
            base_url=variables["AZUREML_EMULATOR"],
            verify=ssl.create_default_context(cafile=variables["REQUESTS_CA_BUNDLE"]),
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=30,
        )


class Workspace:
    """A workspace, with the requests that the SDK sends."""

    def __init__(
        self, emulator: Emulator, name: str = "digits-ws", subscription: str = SUBSCRIPTION, suffix: str = ""
    ) -> None:
        self.emulator = emulator
        self.name = name
        self.subscription = subscription
        self.group = f"/subscriptions/{self.subscription}/resourceGroups/digits"
        self.id = f"{self.group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
        self.client = emulator.client()
        self._create(suffix)

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def models(self, path: str) -> str:
        """Return the URL of a path of the model management API."""
        return f"/modelmanagement/v1.0{self.id}{path}"

    def service(self, name: str) -> Json:
        """Return a web service."""
        answer: Json = self.client.get(self.models(f"/services/{name}")).raise_for_status().json()
        return answer

    def upload(self, path: str, content: bytes, container: str = "tests") -> str:
        """Upload a file and return its artifact id."""
        uri = self.announce(path, container)
        assert self.client.put(plain(uri), content=content).status_code == 201
        return f"LocalUpload/{container}/{path}"

    def announce(self, path: str, container: str = "tests") -> str:
        """Create an artifact without content, and return the URL for its content."""
        url = f"/artifact/v2.0{self.id}/artifacts/batch/metadata/LocalUpload/{container}"
        answer = self.client.post(url, json={"paths": [{"path": path}]}).raise_for_status().json()
        uri: str = answer["artifactContentInformation"][path]["contentUri"]
        return uri

    def register(self, name: str, content: bytes = b"a model", **fields: object) -> Json:
        """Register a model of one file."""
        artifact = self.upload(f"{name}.pkl", content, container=f"{name}-{time.monotonic_ns()}")
        body: Json = {"name": name, "artifacts": [{"prefix": artifact}]}
        asset = self.client.post(self.models("/assets"), json=body).raise_for_status().json()
        body = {"name": name, "url": f"aml://asset/{asset['id']}", "mimeType": "application/x-python", **fields}
        model: Json = self.client.post(self.models("/models"), json=body).raise_for_status().json()
        return model

    def image_request(self, source: Mapping[str, str], models: list[str], **environment: object) -> Json:
        """Return the container's description: the source files, with score.py as the entry script, and the models."""
        name = f"{time.monotonic_ns()}.tar.gz"
        variables = {"AZUREML_SOURCE_DIRECTORY": "source", "AZUREML_ENTRY_SCRIPT": "source/score.py"}
        python = {"condaDependencies": CONDA}
        described: Json = {"name": "tests", "python": python, "environmentVariables": variables}
        return {
            "driverProgram": "driver.py",
            "modelIds": models,
            "assets": [{"id": name, "url": f"aml://artifact/{self.upload(name, pack(source))}", "unpack": True}],
            "environment": described | environment,
        }

    def request(self, name: str, source: Mapping[str, str], models: list[str] | None = None, **fields: object) -> Json:
        """Return the request with which the SDK deploys a service."""
        image = self.image_request(source, models or [])
        return {"name": name, "computeType": "ACI", "environmentImageRequest": image, **fields}

    def deploy(self, name: str, source: Mapping[str, str], models: list[str] | None = None, **fields: object) -> str:
        """Ask for a deployment and return the URL of its operation."""
        answer = self.client.post(self.models("/services"), json=self.request(name, source, models, **fields))
        assert answer.status_code == 202, answer.text
        return answer.headers["Operation-Location"]

    def wait(self, operation: str, client: httpx.Client | None = None) -> Json:
        """Return the operation once it is done; `client` replaces the workspace's own client."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            answer: Json = (client or self.client).get(operation).raise_for_status().json()
            if answer["state"] not in {"NotStarted", "Running"}:
                return answer
        raise AssertionError(f"{operation} is still {answer['state']} after {_PATIENCE_SECONDS} s: {answer}")

    def run(self, operation: str) -> None:
        """Wait for an operation that has to succeed."""
        done = self.wait(operation)
        assert done["state"] == "Succeeded", done

    def settle(self, name: str) -> Json:
        """Return the service once its state no longer changes."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while (service := self.service(name))["state"] == "Transitioning":
            assert time.monotonic() < end, service
            time.sleep(0.05)
        return service

    def keys(self, name: str) -> dict[str, str]:
        """Return a service's keys."""
        keys: dict[str, str] = self.client.post(self.models(f"/services/{name}/listkeys")).raise_for_status().json()
        return keys

    def _create(self, suffix: str) -> None:  # of the names that exist once in all of Azure
        version = {"api-version": "2022-09-01"}
        self.client.put(self.group, params=version, json={"location": "eastus"}).raise_for_status()
        parts = {
            "storageAccount": ("Microsoft.Storage/storageAccounts", f"digitsstore{suffix}", {"kind": "StorageV2"}),
            "keyVault": ("Microsoft.KeyVault/vaults", f"digits-vault{suffix}", {}),
            "applicationInsights": ("Microsoft.Insights/components", "digits-insights", {"kind": "web"}),
        }
        properties = {
            "storageAccount": {},
            "keyVault": {
                "tenantId": "00000000-0000-0000-0000-00000000000a",
                "sku": {"family": "A", "name": "standard"},
            },
            "applicationInsights": {"Application_Type": "web"},
        }
        ids = {}
        for key, (kind, name, fields) in parts.items():
            body = {"location": "eastus", "sku": {"name": "Standard_LRS"}, "properties": properties[key], **fields}
            ids[key] = f"{self.group}/providers/{kind}/{name}"
            self.client.put(ids[key], params=version, json=body).raise_for_status()
        body = {"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": ids}
        self.client.put(self.id, params=version, json=body).raise_for_status()

    def write_config(self, directory: Path) -> None:
        """Write the file that Workspace.from_config reads."""
        config = {"subscription_id": self.subscription, "resource_group": "digits", "workspace_name": self.name}
        (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")


def entry_script(name: str) -> dict[str, str]:
    """Return the source of a service: one of the scripts in entry_scripts/."""
    return {"score.py": (ENTRY_SCRIPTS / f"{name}.py").read_text(encoding="utf-8")}


def pack(source: Mapping[str, str]) -> bytes:
    """Return the files as the archive that the SDK makes of a source directory."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, text in source.items():
            member = tarfile.TarInfo(f"source/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


def plain(uri: str) -> str:
    """Return the URL without the user name that the SDK needs."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('@')[2] or rest}"
