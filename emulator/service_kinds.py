"""The kinds of stored documents about web services: the services themselves, and the operations on them."""

from typing import Any, NotRequired, Required, TypedDict


class PythonSection(TypedDict, total=False):
    """The part of an environment that conda makes."""

    condaDependencies: Any
    userManagedDependencies: bool | None


class DockerSection(TypedDict, total=False):
    """The part of an environment that an image brings."""

    baseImage: str | None
    baseDockerfile: str | None
    buildContext: object


class ServiceEnvironment(TypedDict, total=False):
    """The environment that a web service brings along."""

    python: PythonSection | None
    docker: DockerSection | None
    environmentVariables: dict[str, object] | None
    r: object


class ServiceAsset(TypedDict):
    """A file of a web service's source, packed or not."""

    id: str
    url: str
    unpack: NotRequired[bool]


class ImageRequest(TypedDict, total=False):
    """The content of a web service's container."""

    environment: Required[ServiceEnvironment]
    driverProgram: str
    modelIds: list[str] | None
    assets: list[ServiceAsset] | None


class Size(TypedDict):
    """A container's part of the machine."""

    cpu: float
    memoryInGB: float


class Keys(TypedDict):
    """The two keys of a web service."""

    primaryKey: str
    secondaryKey: str


class Failure(TypedDict):
    """Why a deployment failed."""

    code: str
    statusCode: int
    message: str
    details: list[dict[str, str]]


class _ServiceFields(TypedDict):
    name: str
    description: object
    kvTags: dict[str, str]
    properties: dict[str, str]
    authEnabled: bool
    appInsightsEnabled: bool
    location: str
    cname: str | None
    sslEnabled: bool
    sslCertificate: str | None
    sslKey: str | None
    containerResourceRequirements: Size
    environmentImageRequest: ImageRequest
    vnetConfiguration: object
    encryptionProperties: object
    dataCollection: object
    dnsNameLabel: object


class ServiceRequest(_ServiceFields):
    """A create request's fields; without keys the service has or gets its own."""

    keys: NotRequired[Keys]


class Service(_ServiceFields):
    """A web service; its deployment is the id of the operation that started its container."""

    keys: Keys
    port: int
    deployment: str | None
    state: str
    error: Failure | None
    createdTime: str
    updatedTime: str
    operationId: str


class ServiceChange(TypedDict, total=False):
    """An operation's change to its web service: it is replaced, patched, or left as it is."""

    replace: ServiceRequest
    patch: object


class Outcome(TypedDict, total=False):
    """The fields of an operation that change while it runs."""

    state: str
    subOperation: str
    error: Failure | None
    endTime: str


class Operation(Outcome):
    """An operation on a web service."""

    id: Required[str]
    workspace: Required[str]
    service: Required[str]
    request: Required[ServiceChange]
    createdTime: Required[str]
