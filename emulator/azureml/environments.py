"""Azure ML environments: named, versioned definitions of the packages that an entry script needs."""

import re
from dataclasses import replace
from typing import cast

from starlette.routing import Route

from emulator.http.errors import BadRequestError, ConflictError, NotFoundError
from emulator.http.routing import Answer, Call, Fields, workspace_routes
from emulator.kinds import Environment
from emulator.store import Store

# The SDK writes these names as they stand left and reads them as they stand right.
_FIELDS = {
    "python": "python",
    "EnvironmentVariables": "environmentVariables",
    "Docker": "docker",
    "Spark": "spark",
    "InferencingStackVersion": "inferencingStackVersion",
    "r": "r",
}
_NAME = re.compile(r"[\w.\- ]{1,255}")


def routes(store: Store) -> list[Route]:
    """Return the environment service's routes."""
    environments = Environments(store)
    return workspace_routes(
        store,
        "/environment/v1.0",
        {
            ("PUT", "/environments/{environment}"): environments.register,
            ("PUT", "/environments/{environment}/versions/{version}"): environments.register,
            ("GET", "/environments/{environment}"): environments.read,
            ("GET", "/environments/{environment}/versions/{version}"): environments.read,
            ("PUT", "/environments/{environment}/versions/{version}/metadata"): environments.label,
            ("GET", "/environments/{environment}/labels/{label}"): environments.read_labelled,
            ("GET", "/environments/{environment}/image"): environments.describe_image,
            ("GET", "/environments/{environment}/versions/{version}/image"): environments.describe_image,
            ("GET", "/environments/"): environments.search,
            # The SDK does not quote a name, so one with a slash looks like a longer path.
            ("PUT", "/environments/{environment:path}"): environments.refuse_name,
            ("GET", "/environments/{environment:path}"): environments.refuse_name,
        },
    )


class Environments:
    """The handlers; a version once registered never changes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, call: Call) -> Environment:
        """Store the definition under the version asked for, else the next; the same content is the same version."""
        name = call.params["environment"]
        _check_name(name)
        content = {ours: call.fields.get(theirs) for theirs, ours in _FIELDS.items()}
        if not isinstance(content["python"], dict):
            raise BadRequestError("An environment definition needs a 'python' section.", code="UserError")
        wanted = call.params.get("version")
        with self._store.transaction():
            versions = self._versions(call.workspace, name)
            if wanted is None:
                if versions and _content(versions[-1]) == content:
                    return versions[-1]
                wanted = str(1 + max((int(v["version"]) for v in versions if v["version"].isdecimal()), default=0))
            for known in versions:
                if known["version"] == wanted:
                    if _content(known) != content:
                        raise ConflictError(
                            f"Environment {name} with version {wanted} is already registered and cannot be changed.",
                            code="UserError",
                        )
                    return known
            environment = cast("Environment", {"name": name, "version": wanted, **content})
            # The order of registration is the key's tail: "latest" is the last registered, whatever its version is.
            self._store.environments.put(f"{call.workspace}/{name}/{len(versions):08d}", environment)
        return environment

    def read(self, call: Call) -> Environment:
        """Return the version asked for, else the one registered last."""
        name, version = call.params["environment"], call.params.get("version")
        for environment in reversed(self._versions(call.workspace, name)):
            if version in {None, environment["version"]}:
                return environment
        asked = f"Environment {name}" + (f" with version {version}" if version else "")
        raise NotFoundError(f"{asked} is not registered in this workspace.", code="UserError")

    def refuse_name(self, call: Call) -> Answer:
        """Refuse a name that reads like a path."""
        raise _bad_name(call.params["environment"].partition("/versions/")[0])

    def search(self, call: Call) -> Answer:
        """Return the latest version of every environment."""
        latest = {found["name"]: found for found in self._store.environments.find(f"{call.workspace}/")}
        return {"value": list(latest.values())}

    def label(self, call: Call) -> Environment:
        """Give the version exactly these labels; a label that another version has moves to this one."""
        environment = self.read(call)
        labels = call.fields.get("Labels")
        if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
            raise BadRequestError("Labels must be a list of texts.", code="UserError")
        prefix = f"{call.workspace}/{environment['name']}/"
        with self._store.transaction():
            for key, labelled in self._store.environment_labels.items(prefix):
                if labelled["version"] == environment["version"]:
                    self._store.environment_labels.delete(key)
            for label in labels:
                self._store.environment_labels.put(f"{prefix}{label}", {"version": environment["version"]})
        return environment

    def read_labelled(self, call: Call) -> Environment:
        """Return the version with this label; "latest" is the one registered last, unless another is labelled so."""
        name, label = call.params["environment"], call.params["label"]
        labelled = self._store.environment_labels.get(f"{call.workspace}/{name}/{label}")
        if labelled is None and label.lower() != "latest":
            raise NotFoundError(f"Environment {name} with label {label} is not registered.", code="UserError")
        version = {"version": labelled["version"]} if labelled else {}
        return self.read(replace(call, params={"environment": name, **version}))

    def describe_image(self, call: Call) -> Answer:
        """Say that the environment has no image, in the form of one that is not built yet."""
        self.read(call)
        return {
            "imageExistsInRegistry": False,
            "dockerImage": {"name": None, "registry": {"address": None, "username": None, "password": None}},
            "pythonEnvironment": {"interpreterPath": None, "condaEnvironmentPath": None},
            "ingredients": None,
        }

    def _versions(self, workspace: str, name: str) -> list[Environment]:
        return self._store.environments.find(f"{workspace}/{name}/")


def _check_name(name: str) -> None:
    if name.startswith(("AzureML", "Microsoft")):
        prefix = "AzureML" if name.startswith("AzureML") else "Microsoft"
        raise BadRequestError(
            f"Environment name can not start with the prefix {prefix}. "
            f"To alter a curated environment first create a copy of it.",
            code="UserError",
        )
    if not _NAME.fullmatch(name):
        raise _bad_name(name)


def _bad_name(name: str) -> BadRequestError:
    return BadRequestError(
        f"Environment name '{name}' is not valid: it has 1 to 255 letters, digits, spaces, and any of - . _",
        code="UserError",
    )


def _content(environment: Environment) -> Fields:
    return {field: environment.get(field) for field in _FIELDS.values()}
