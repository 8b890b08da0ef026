"""The kinds of documents that the emulator stores, with their fields as Azure's JSON names them.

A client's fields are checked before they are stored. A field that only goes back as it came is an `object`.
"""

from typing import Any, NotRequired, TypedDict

# --- ARM


class Subscription(TypedDict):
    """A subscription, by its id."""

    id: str


class Envelope(TypedDict, total=False):
    """The optional fields next to a resource's properties."""

    tags: dict[str, str]
    kind: str
    sku: dict[str, object]
    identity: dict[str, object]
    managedBy: str
    zones: list[str]
    extendedLocation: dict[str, object]
    systemData: dict[str, str]


class Resource(Envelope):
    """A resource group or a resource, by its id in lower case."""

    id: str
    name: str
    type: str
    location: str
    properties: dict[str, Any]


# --- Login


class SigningKey(TypedDict):
    """The key that signs tokens and blob URLs, in hexadecimal digits."""

    key: str


class Principal(TypedDict):
    """The service principal, with the names of `az ad sp create-for-rbac`."""

    appId: str
    displayName: str
    password: str
    tenant: str


# --- Azure ML: the keys begin with the workspace's id in lower case


class Artifact(TypedDict):
    """The name of an uploaded file."""

    artifactId: str
    origin: str
    container: str
    path: str


class AssetPart(TypedDict, total=False):
    """A prefix of artifacts, under one of its two names."""

    prefix: str
    id: str


class Asset(TypedDict):
    """Uploaded files that belong together."""

    id: str
    name: str
    artifacts: list[AssetPart]
    createdTime: str
    kvTags: NotRequired[dict[str, str]]
    properties: NotRequired[dict[str, str]]
    description: NotRequired[object]
    runid: NotRequired[object]
    meta: NotRequired[object]


class Model(TypedDict):
    """A version of a registered model."""

    id: str
    name: str
    version: int
    url: str
    mimeType: str
    unpack: bool
    kvTags: dict[str, str]
    properties: dict[str, str]
    createdTime: str
    modifiedTime: str
    createdBy: dict[str, str]
    datasets: list[object]
    derivedModelIds: list[str]
    framework: object
    frameworkVersion: object
    description: object
    experimentName: object
    runId: object
    resourceRequirements: dict[str, object] | None
    sampleInputData: object
    sampleOutputData: object


class ModelVersion(TypedDict):
    """The number of a model's last version; a number is never given twice."""

    last: int


class Environment(TypedDict):
    """A version of an environment."""

    name: str
    version: str
    python: dict[str, object]
    environmentVariables: object
    docker: object
    spark: object
    inferencingStackVersion: object
    r: object


class EnvironmentLabel(TypedDict):
    """The version that a label leads to."""

    version: str


# --- The emulator itself


class UnknownRoute(TypedDict):
    """How often a route was asked for that the emulator does not have."""

    count: int
