"""The emulator's one process: Azure over TLS on one port, the managed identity endpoint on another."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from digits.runtime.interpreters import nearest_is_allowed
from emulator import __version__
from emulator.arm.subscriptions import Subscriptions
from emulator.host import certificates, clients, instance
from emulator.http import identity, login
from emulator.http.application import build
from emulator.store import Store

_log = logging.getLogger("emulator")
_GRACE_SECONDS = 1
_STATE_CHECK_SECONDS = 1


def run(state: Path, port: int | None, subscriptions: Sequence[str], report_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; the web services end with it and come back with the next start.

    Without a port it is the last one; the subscriptions are added to those that are there.
    """
    os.umask(0o077)  # keys and models lie in the state, and its folder may be open to others; services inherit this
    with instance.exclusive(state):
        instance.protect(state)
        before = instance.read_record(state)
        with closing(Store(state)) as store:
            listener, identity_listener = _bind(port, before)
            with listener, identity_listener:
                # After the ports: a start that fails has added nothing.
                _serve(store, _add(store, subscriptions), listener, identity_listener, report_ready)


def _add(store: Store, asked: Sequence[str]) -> Subscriptions:
    """Return the subscriptions with those that are asked for; an emulator has at least one."""
    subscriptions = Subscriptions(store)
    for subscription in asked or ([] if subscriptions.list_ids() else [instance.DEFAULT_SUBSCRIPTION]):
        subscriptions.add(subscription)
    return subscriptions


def _bind(port: int | None, before: instance.Record | None) -> tuple[socket.socket, socket.socket]:
    """Return both sockets: on the ports asked for, else the last ones, else the default ones, else free ones."""
    remembered = before.port if before else None
    if port is None:
        listener = instance.bind_default(remembered)
    elif port == 0:
        listener = _bind_free(remembered)
    else:
        listener = instance.bind(port)
    chosen = listener.getsockname()[1]
    remembered_identity = before.identityPort if before and before.port == chosen else None
    return listener, instance.bind_identity(chosen, remembered_identity)


def _bind_free(remembered: int | None) -> socket.socket:
    if remembered is not None:
        with suppress(instance.EmulatorError):
            return instance.bind(remembered)
    return instance.bind(0)


def _serve(
    store: Store,
    subscriptions: Subscriptions,
    listener: socket.socket,
    identity_listener: socket.socket,
    report_ready: Callable[[], None],
) -> None:
    port, identity_port = listener.getsockname()[1], identity_listener.getsockname()[1]
    certificate = certificates.ensure(store)
    clients.write_cloud(store, port)
    login.write_principal(store)
    azure, supervisor = build(store, subscriptions)
    record = instance.Record(
        os.getpid(), psutil.Process().create_time(), port, identity_port, __version__, nearest_is_allowed()
    )
    store.write_file("emulator.json", record.encode())
    _log.info("Emulator %s on %s, state in %s", __version__, clients.base_url(port), store.directory)
    try:
        supervisor.recover()
        tokens = Starlette(routes=identity.routes(store))
        threading.Thread(target=_watch_state, args=[store.directory], name="state-watch", daemon=True).start()
        asyncio.run(
            _serve_both(
                azure, certificate.server, listener, tokens, identity_listener, report_ready, supervisor.end_waits
            )
        )
    finally:
        supervisor.stop()
        _log.info("Emulator ended")


async def _serve_both(  # noqa: PLR0913, PLR0917 - two of a kind
    azure: ASGIApp,
    certificate: Path,
    listener: socket.socket,
    tokens: ASGIApp,
    identity_listener: socket.socket,
    report_ready: Callable[[], None],
    end_waits: Callable[[], None],
) -> None:
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        end_waits()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    servers = [_Server(tokens, stop), _Server(azure, stop, report_ready, certificate)]
    await asyncio.gather(
        *(server.serve(sockets=[it]) for server, it in zip(servers, (identity_listener, listener), strict=True))
    )


def _watch_state(state: Path) -> None:
    """End the emulator if its state folder is deleted: nobody would find it, or its services, any more."""
    while instance.read_record(state) is not None:
        time.sleep(_STATE_CHECK_SECONDS)
    _log.warning("The state folder %s was deleted, so the emulator ends", state)
    os.kill(os.getpid(), signal.SIGTERM)


class _Server(uvicorn.Server):
    """uvicorn without its ten wake-ups a second; both servers end together."""

    def __init__(
        self,
        application: ASGIApp,
        stop: asyncio.Event,
        started: Callable[[], None] = lambda: None,
        certificate: Path | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                date_header=False,  # it is what the wake-ups were for
                timeout_graceful_shutdown=_GRACE_SECONDS,
                ssl_certfile=certificate,
            )
        )
        self._stop = stop
        self._report = started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to _serve_both."""
        yield

    async def main_loop(self) -> None:
        """Sleep until the end."""
        await self.on_tick(0)
        self._report()
        await self._stop.wait()
