# ruff: noqa: N802, ARG002 - the protocol decides the names and the arguments
"""The provider protocol: the engine's questions about resources, answered from the catalog and by ARM."""

import base64
import json
import os
import secrets
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Protocol, TypeVar

import grpc
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict

from emulator.plugin.arm_client import ArmClient, ArmError
from emulator.plugin.catalog import (
    TYPES,
    UNKNOWN,
    Properties,
    RefusedError,
    ResourceType,
    normalize_location,
    refresh_inputs,
)
from emulator.plugin.protocol import messages, plugin, services

VERSION = "3.24.0"
_SUFFIX_BYTES = 4

Request = TypeVar("Request")
Response = TypeVar("Response")
Method = Callable[["Provider", Request, grpc.ServicerContext], Response]


def _explain(method: Method[Request, Response]) -> Method[Request, Response]:
    """Turn a user's mistake into a status of one sentence; any other error is a bug and keeps its traceback."""

    @wraps(method)
    def explained(self: "Provider", request: Request, context: grpc.ServicerContext) -> Response:
        try:
            return method(self, request, context)
        except (ArmError, RefusedError) as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise  # never reached: abort raises

    return explained


class Provider(services.ResourceProviderServicer):
    """Answers the engine; all state is the emulator's."""

    def __init__(self, arm: ArmClient) -> None:
        self._arm = arm
        self._config: Properties = {}

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin.PluginInfo:
        """Say which version of azure-native this stands in for."""
        return plugin.PluginInfo(version=VERSION)

    def Configure(
        self, request: messages.ConfigureRequest, context: grpc.ServicerContext
    ) -> messages.ConfigureResponse:
        """Take the stack's azure-native settings; secrets come in plain and the engine marks them again."""
        self._config = MessageToDict(request.args)
        return messages.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    def Check(self, request: messages.CheckRequest, context: grpc.ServicerContext) -> messages.CheckResponse:
        """Complete the inputs: a name if none is given, and a location if it follows from the group."""
        olds, inputs = MessageToDict(request.olds), MessageToDict(request.news)
        try:
            kind = _kind(request)
            name = kind.parameters[-1]
            if name not in inputs:
                inputs[name] = olds.get(name) or _make_name(request)
            if "location" not in inputs:
                inputs["location"] = self._config.get("location") or self._find_location(kind, inputs)
        except (ArmError, RefusedError) as error:
            # A failure, not an error of the call: after one the engine ends the program with a traceback.
            return messages.CheckResponse(failures=[messages.CheckFailure(reason=str(error))])
        return messages.CheckResponse(inputs=_struct(inputs))

    @_explain
    def Diff(self, request: messages.DiffRequest, context: grpc.ServicerContext) -> messages.DiffResponse:
        """Return the changed inputs, and whether Azure can change them in place."""
        kind, olds, news = _kind(request), MessageToDict(request.old_inputs), MessageToDict(request.news)
        changed = [name for name in sorted(olds.keys() | news.keys()) if not _is_same(name, olds, news)]
        final = {*kind.parameters, "location", *kind.fixed}
        replaces = [name for name in changed if name in final]
        return messages.DiffResponse(
            changes=messages.DiffResponse.DIFF_SOME if changed else messages.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=replaces,
            # Two resources of one name cannot exist at once, not even in two groups if it is unique in all Azure.
            deleteBeforeReplace=bool(replaces) and kind.parameters[-1] not in replaces,
        )

    @_explain
    def Create(self, request: messages.CreateRequest, context: grpc.ServicerContext) -> messages.CreateResponse:
        """Create the resource; one that is there already is taken over and given these inputs."""
        kind, inputs = _kind(request), MessageToDict(request.properties)
        if request.preview:
            return messages.CreateResponse(properties=_struct(kind.preview(inputs, {})))
        body = self._put(kind, kind.make_id(self._subscription["subscriptionId"], inputs), inputs)
        return messages.CreateResponse(id=body["id"], properties=_struct(kind.from_arm(body)))

    @_explain
    def Update(self, request: messages.UpdateRequest, context: grpc.ServicerContext) -> messages.UpdateResponse:
        """Replace the resource's inputs."""
        kind, inputs = _kind(request), MessageToDict(request.news)
        if request.preview:
            outputs = kind.preview(inputs, MessageToDict(request.olds))
        else:
            outputs = kind.from_arm(self._put(kind, request.id, inputs))
        return messages.UpdateResponse(properties=_struct(outputs))

    @_explain
    def Delete(self, request: messages.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Delete the resource."""
        self._arm.delete(request.id, _kind(request).api_version)
        return empty_pb2.Empty()

    @_explain
    def Read(self, request: messages.ReadRequest, context: grpc.ServicerContext) -> messages.ReadResponse:
        """Return the resource as it is now, for refresh, import and get; an empty answer says that it is gone."""
        kind, olds = _kind(request), MessageToDict(request.inputs)
        kind.split_id(request.id)
        body = self._arm.get(request.id, kind.api_version)
        if body is None:
            return messages.ReadResponse()
        outputs = kind.from_arm(body)
        inputs = refresh_inputs(olds, outputs, kind.parameters) if olds else kind.to_inputs(body["id"], outputs)
        return messages.ReadResponse(id=body["id"], properties=_struct(outputs), inputs=_struct(inputs))

    @_explain
    def Invoke(self, request: messages.InvokeRequest, context: grpc.ServicerContext) -> messages.InvokeResponse:
        """Answer the only function in use, which returns the caller's identity, tenant and subscription."""
        if request.tok != "azure-native:authorization:getClientConfig":
            raise RefusedError(f"The emulator's azure-native does not have the function {request.tok}.")
        claims = self._arm.token.split(".")[1]
        identity = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"]
        subscription = self._subscription
        return messages.InvokeResponse(
            **{
                "return": _struct(
                    {
                        "clientId": identity,
                        "objectId": identity,
                        "subscriptionId": subscription["subscriptionId"],
                        "tenantId": subscription["tenantId"],
                    }
                )
            }
        )

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Do nothing: every request ends at once."""
        return empty_pb2.Empty()

    @cached_property
    def _subscription(self) -> dict[str, str]:
        """The subscription that is configured, as azure-native finds it; without one the emulator's first."""
        asked = self._config.get("subscriptionId") or os.environ.get("ARM_SUBSCRIPTION_ID")
        return self._arm.get_subscription(asked) if asked else self._arm.list_subscriptions()[0]

    def _put(self, kind: ResourceType, resource_id: str, inputs: Properties) -> Properties:
        return self._arm.put(resource_id, kind.api_version, kind.to_arm(inputs))

    def _find_location(self, kind: ResourceType, inputs: Properties) -> str:
        """Return the location of the resource's group, which is unknown as long as the group is not there."""
        groups = TYPES["azure-native:resources:ResourceGroup"]
        if kind is groups:
            raise RefusedError("location is missing: give it here, or to the stack as azure-native:location.")
        if inputs["resourceGroupName"] == UNKNOWN:
            return UNKNOWN
        body = self._arm.get(groups.make_id(self._subscription["subscriptionId"], inputs), groups.api_version)
        return str(body["location"]) if body else UNKNOWN


class _Named(Protocol):
    """Any request about one resource."""

    urn: str


def _kind(request: _Named) -> ResourceType:
    token = request.urn.split("::")[2].rpartition("$")[2]
    if token not in TYPES:
        raise RefusedError(f"The emulator's azure-native does not know {token}; it knows {', '.join(TYPES)}.")
    return TYPES[token]


def _make_name(request: messages.CheckRequest) -> str:
    """Return the engine's proposal, else the logical name with eight hexadecimal digits, as azure-native does."""
    if request.autonaming.proposed_name:
        return str(request.autonaming.proposed_name)
    seed = request.randomSeed or secrets.token_bytes(_SUFFIX_BYTES)
    return f"{request.urn.rpartition('::')[2]}{seed[:_SUFFIX_BYTES].hex()}"


def _is_same(name: str, olds: Properties, news: Properties) -> bool:
    old, new = olds.get(name), news.get(name)
    return normalize_location(old) == normalize_location(new) if name == "location" else old == new


def _struct(properties: Properties) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update({name: value for name, value in properties.items() if value is not None})
    return struct
