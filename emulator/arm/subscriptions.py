"""Subscriptions: the emulator's own, and those of its peers, which are read through it.

Azure's resource manager knows all subscriptions; an emulator holds one. A request that names a peer's is handed on to
that peer with the address it was sent to, so the URLs in the answer lead back here: a client needs this emulator's
address, authority and login alone. Only reading is handed on: whoever calls is a Reader there.
"""

import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from emulator.host import certificates, clients, instance
from emulator.host.instance import EmulatorError, Record
from emulator.http.errors import AzureError
from emulator.http.identity import PRINCIPAL, TOKEN_PATH
from emulator.store import Store

_NAMED = re.compile(r"(?:/[\w.-]+){0,2}/subscriptions/(?P<id>[^/]+)", re.IGNORECASE)
_RESOURCE = re.compile(r".*/providers/(?P<type>[\w.]+/\w+)", re.IGNORECASE)
_VERBS = {"DELETE": "delete", "POST": "action"}
_TIMEOUT = httpx.Timeout(30, connect=5)  # an operation's state is held back for 20 s
# About one connection and its caller; the date is the server's own to write.
_OF_ONE_HOP = {"authorization", "connection", "date", "host", "keep-alive", "server", "transfer-encoding"}


@dataclass(frozen=True)
class Peer:
    """Another emulator: its state folder, and the record it wrote there when it was last started."""

    state: Path
    record: Record

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request with what the peer says; raises AzureError for what is no reading, or a peer is down."""
        request = Request(scope)
        if request.method not in {"GET", "HEAD"}:
            raise self._forbidden(request)
        if not self.record.is_running():
            raise self._down("does not run")
        path = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        url = httpx.URL(clients.base_url(self.record.port)).copy_with(raw_path=path)
        async with AsyncExitStack() as stack:
            try:
                trust = ssl.create_default_context(cafile=certificates.locate(self.state).authority)
                client = httpx.AsyncClient(verify=trust, trust_env=False, timeout=_TIMEOUT)
                await stack.enter_async_context(client)
                headers = {**_passed_on(request.headers), "Host": request.url.netloc}
                if "authorization" in request.headers:
                    headers["Authorization"] = await self._log_in(client)
                found = await stack.enter_async_context(client.stream(request.method, url, headers=headers))
            except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
                reason = str(error) or type(error).__name__
                raise self._down(f"does not answer ({reason})") from error
            answer = StreamingResponse(found.aiter_raw(), found.status_code, _passed_on(found.headers))
            await answer(scope, receive, send)

    async def _log_in(self, client: httpx.AsyncClient) -> str:
        """Return the header that the peer takes; its identity endpoint gives a token to any program here."""
        answer = await client.post(
            f"http://127.0.0.1:{self.record.identityPort}{TOKEN_PATH}",
            data={"resource": "https://management.azure.com/"},
            headers={"Metadata": "true"},
        )
        return f"Bearer {answer.raise_for_status().json()['access_token']}"

    def _down(self, what: str) -> AzureError:
        # Azure's resource manager is always there; we answer 409: trying again would not help.
        return AzureError(
            f"The emulator of subscription {self.record.subscription} {what}: "
            f"python -m emulator start --state {self.state}",
            code="PeerNotRunning",
            status=409,
        )

    def _forbidden(self, request: Request) -> AzureError:
        named = _RESOURCE.match(request.url.path)
        kind = named["type"] if named else "Microsoft.Resources/subscriptions/resourceGroups"
        scope = request.url.path[request.url.path.lower().index("/subscriptions/") :]
        return AzureError(
            f"The client '{PRINCIPAL}' with object id '{PRINCIPAL}' does not have authorization to perform action "
            f"'{kind}/{_VERBS.get(request.method, 'write')}' over scope '{scope}' or the scope is invalid. "
            f"Subscription {self.record.subscription} is a peer's and only read from here: to change it, use its own "
            f'emulator, eval "$(python -m emulator env --state {self.state})".',
            code="AuthorizationFailed",
            status=403,
        )


class Subscriptions:
    """Our subscription, and the peers; what a peer is and where it answers is looked up at every request."""

    def __init__(self, own: str, peers: Sequence[Path]) -> None:
        self.own = own
        self._states = tuple(peers)

    @property
    def states(self) -> list[str]:
        """The peers' state folders."""
        return [str(state) for state in self._states]

    def find_peers(self) -> list[Peer]:
        """Return the peers that were ever started; of two with one subscription the first, and none with ours."""
        found: dict[str, Peer] = {}
        for state in self._states:
            record = _read(state)
            if record is not None and record.subscription != self.own:
                found.setdefault(record.subscription, Peer(state, record))
        return list(found.values())

    def find_unknown(self) -> list[str]:
        """Return the state folders of peers whose subscription nobody has chosen yet."""
        return [str(state) for state in self._states if _read(state) is None]

    def find_peer(self, path: str) -> Peer | None:
        """Return the peer whose subscription the path names."""
        named = _NAMED.match(path)
        if named is None or named["id"].lower() == self.own:
            return None
        return next((peer for peer in self.find_peers() if peer.record.subscription == named["id"].lower()), None)


def choose(store: Store, subscription: str | None, peers: Sequence[Path] | None) -> Subscriptions:
    """Return what this start asks for, else what the state folder remembers, and remember it.

    The subscription is chosen once, because all that the folder holds lies in it; raises EmulatorError for another.
    """
    state = store.directory
    with store.transaction():
        known = store.get("choice", "subscription")
        # Folders of before there was a choice have the default one.
        own = known["id"] if known else instance.DEFAULT_SUBSCRIPTION if store.items("arm") else None
        if own is not None and subscription not in {None, own}:
            raise EmulatorError(
                f"The state folder {state} belongs to subscription {own}, not {subscription}: "
                f"choose another folder with --state, or delete this one to begin anew."
            )
        own = own or subscription or instance.DEFAULT_SUBSCRIPTION
        states = [Path(peer) for peer in (store.get("choice", "peers") or {"states": []})["states"]]
        chosen = Subscriptions(own, states if peers is None else list(dict.fromkeys(peers)))
        _check(state, chosen)
        store.put("choice", "subscription", {"id": own})
        store.put("choice", "peers", {"states": chosen.states})
    return chosen


def _check(state: Path, chosen: Subscriptions) -> None:
    for peer in map(Path, chosen.states):
        if peer.resolve() == state.resolve():
            raise EmulatorError(f"{peer} is this emulator's own state folder: --peer names another emulator's.")
        record = _read(peer)
        if record is not None and record.subscription == chosen.own:
            raise EmulatorError(
                f"The peer with the state folder {peer} has subscription {chosen.own} as well: "
                f"start one of the two with a folder of its own and another --subscription."
            )


def _read(state: Path) -> Record | None:
    with suppress(EmulatorError, OSError):
        return instance.read_record(state)
    return None


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_ONE_HOP}
