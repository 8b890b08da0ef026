"""Live status: one line on the resource's own row of `pulumi up`, replaced as the work goes on.

A provider process has no `pulumi.log`; the engine's address stands last among its arguments.
"""

import sys
from collections.abc import Callable

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

Report = Callable[[str], None]


def reporter(stack: str, resource_type: str, name: str) -> Report:
    """Return a function that shows a message on the row of the resource; a lost message is no error."""
    project = _project()
    urn = f"urn:pulumi:{stack}::{project}::{resource_type}::{name}"
    address = sys.argv[-1]
    if ":" not in address:
        return lambda _message: None
    engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def report(message: str) -> None:
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=True)
        try:
            engine.Log(request, timeout=5)
        except grpc.RpcError:  # the engine is busy or ending: the work matters, its news does not
            return

    return report


def _project() -> str:
    from pulumi.metadata import get_project  # noqa: PLC0415 (set only inside a provider or program)

    return str(get_project())
