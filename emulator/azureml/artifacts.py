"""Azure ML artifacts: names for uploaded files, and the signed URLs to write and read them."""

from pathlib import Path

from starlette.routing import Route

from emulator.azureml.blobs import Blobs
from emulator.http.errors import BadRequestError, NotFoundError
from emulator.http.routing import Answer, Call, workspace_routes
from emulator.kinds import Artifact
from emulator.store import Store


def routes(store: Store, artifacts: "Artifacts") -> list[Route]:
    """Return the artifact service's routes."""
    return workspace_routes(
        store,
        "/artifact/v2.0",
        {
            ("POST", "/artifacts/batch/metadata/{origin}/{container}"): artifacts.create,
            ("GET", "/artifacts/prefix/contentinfo/{origin}/{container}/{path:path}"): artifacts.list_content,
            ("GET", "/artifacts/contentinfo/{origin}/{container}/{path:path}"): artifacts.read_content,
        },
    )


class Artifacts:
    """The handlers, and the look-ups of uploaded files for models and web services."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs

    def create(self, call: Call) -> Answer:
        """Name the files that are to be uploaded, and return a signed URL for each."""
        origin, container = call.params["origin"], call.params["container"]
        try:
            paths = [str(entry["path"]) for entry in call.fields["paths"]]
        except (KeyError, TypeError):
            raise BadRequestError("The body must be {paths: [{path}]}.") from None
        found = {path: _artifact(origin, container, path) for path in paths}
        # An upload of a model or a source archive has a container of its own, and may be tried again.
        taken = {
            path: artifact["artifactId"]
            for path, artifact in found.items()
            if origin != "LocalUpload" and self.file(call.workspace, artifact["artifactId"]).exists()
        }
        artifacts = {path: artifact for path, artifact in found.items() if path not in taken}
        with self._store.transaction():
            for artifact in artifacts.values():
                self._store.artifacts.put(f"{call.workspace}/{artifact['artifactId']}", artifact)
        uris = {
            path: {"contentUri": self._blobs.upload_uri(call.base_url, f"{call.workspace}/{artifact['artifactId']}")}
            for path, artifact in artifacts.items()
        }
        errors = {path: {"error": {"code": "UserError", "message": _conflict(known)}} for path, known in taken.items()}
        return {"artifacts": artifacts, "artifactContentInformation": uris, "errors": errors}

    def list_content(self, call: Call) -> Answer:
        """Return the URLs of the files of a prefix: of one file, or of a whole folder."""
        prefix = "{origin}/{container}/{path}".format_map(call.params)
        return {"value": [self._content(call, artifact) for artifact in self.find(call.workspace, prefix)]}

    def read_content(self, call: Call) -> Answer:
        """Return the URL of one file."""
        artifact = self._store.artifacts.get(
            f"{call.workspace}/" + "{origin}/{container}/{path}".format_map(call.params)
        )
        if artifact is None:
            raise NotFoundError("Artifact not found: {origin}/{container}/{path}.".format_map(call.params))
        return self._content(call, artifact)

    def find(self, workspace: str, prefix: str) -> list[Artifact]:
        """Return the artifacts of a prefix: the file of this name, or the files below it; all have been uploaded."""
        prefix = prefix.strip("/")
        found = self._store.artifacts.items(f"{workspace}/{prefix}")
        artifacts = [a for _, a in found if a["artifactId"] == prefix or a["artifactId"].startswith(prefix + "/")]
        if not artifacts:
            raise NotFoundError(f"No artifacts at {prefix}.")
        for artifact in artifacts:
            if not self.file(workspace, artifact["artifactId"]).exists():
                raise BadRequestError(f"Artifact {artifact['artifactId']} was announced but never uploaded.")
        return artifacts

    def file(self, workspace: str, artifact_id: str) -> Path:
        """Return the file that holds the artifact's bytes."""
        return self._blobs.path(f"{workspace}/{artifact_id}")

    def drop(self, workspace: str) -> None:
        """Remove all artifacts of a workspace."""
        for key, _ in self._store.artifacts.items(f"{workspace}/"):
            self._blobs.delete(key)
            self._store.artifacts.delete(key)

    def _content(self, call: Call, artifact: Artifact) -> Answer:
        uri = self._blobs.download_uri(call.base_url, f"{call.workspace}/{artifact['artifactId']}")
        return {**artifact, "contentUri": uri}


def _artifact(origin: str, container: str, path: str) -> Artifact:
    return {"artifactId": f"{origin}/{container}/{path}", "origin": origin, "container": container, "path": path}


def _conflict(artifact_id: str) -> str:
    return f"Resource Conflict: ArtifactId {artifact_id} already exists."  # the SDK looks for these words
