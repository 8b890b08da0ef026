"""Serves the provider protocol on a free port of the loopback interface, which the first line on stdout names."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc

from emulator.plugin.arm_client import ArmClient
from emulator.plugin.protocol import services
from emulator.plugin.servicer import Provider

_UNLIMITED = -1
_SECONDS_BETWEEN_LOOKS = 1


def main() -> None:
    """Serve until the engine ends this process, or ends itself."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    server = grpc.server(
        ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", _UNLIMITED), ("grpc.so_reuseport", 0)],
    )
    services.add_ResourceProviderServicer_to_server(Provider(ArmClient()), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


def _end_with(parent: int) -> None:
    """End this process when its parent has: an engine that was killed leaves no plugin behind."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(0)


if __name__ == "__main__":
    main()
