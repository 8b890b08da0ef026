"""Live status: one line on the resource's own row of `pulumi up`, replaced as the work goes on."""

import sys
from typing import Any

import grpc
import pulumi
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.settings import get_engine

from infra.azureml import Report


def provider_reporter(stack: str, resource_type: str, name: str) -> Report:
    """Return a function that shows a message from a lifecycle.

    A provider process gets no URN, so it is put together; the engine's address stands last among its arguments.
    """
    address = sys.argv[-1]
    if ":" not in address:  # not started by an engine
        return lambda _message: None
    engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
    return _reporter(engine, f"urn:pulumi:{stack}::{pulumi.get_project()}::{resource_type}::{name}")


def hook_reporter(urn: str) -> Report:
    """Return a function that shows a message from a hook, which runs in the program's process."""
    return _reporter(get_engine(), urn)


def _reporter(engine: Any, urn: str) -> Report:
    def report(message: str) -> None:
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=True)
        try:
            engine.Log(request, timeout=5)
        except grpc.RpcError:  # the engine is busy or ending: the work matters, its news does not
            return

    return report
