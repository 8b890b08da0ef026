"""The provider protocol's bindings, as the Pulumi SDK ships them, without the SDK.

The engine starts a plugin in every preview and waits for it. Importing the bindings the usual way also runs
`pulumi/__init__.py`, which takes longer than all the rest: here its package is only a place to find modules in.
So this is for the plugin's own process: the SDK cannot be used in it.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import plugin_pb2 as plugin
    from pulumi.runtime.proto import provider_pb2 as messages
    from pulumi.runtime.proto import provider_pb2_grpc as services
else:
    for _package in ("pulumi", "pulumi.runtime"):
        if _package not in sys.modules:
            _place = ModuleType(_package)
            _place.__path__ = [str(Path(importlib.util.find_spec(_package).origin).parent)]
            sys.modules[_package] = _place
    plugin = importlib.import_module("pulumi.runtime.proto.plugin_pb2")
    messages = importlib.import_module("pulumi.runtime.proto.provider_pb2")
    services = importlib.import_module("pulumi.runtime.proto.provider_pb2_grpc")

__all__ = ["messages", "plugin", "services"]
