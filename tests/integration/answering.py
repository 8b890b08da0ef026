"""A small HTTP server that gives a test's answers and records the requests."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """A request: the headers that the tests read, the body, and the connection's number."""

    content_type: str
    accept: str
    range: str
    body: bytes
    connection: int

    @property
    def rows(self) -> int:
        """The number of images in the body."""
        if self.content_type == "application/json":
            return len(json.loads(self.body)["data"])
        return len(self.body) // (784 * (4 if self.content_type == "application/octet-stream" else 1))

    @property
    def form(self) -> str:
        """How the rows are sent: JSON, or bytes of either kind."""
        return {"application/json": "json", "application/octet-stream": "float32"}.get(self.content_type, "uint8")


@dataclass
class Answer:
    """A status and a body; `cut` ends the connection after that many bytes, and -1 ends it before the status."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


Service = Callable[[Request], Answer]
Serve = Callable[[Service], str]


class Handler(BaseHTTPRequestHandler):
    """Gives the test's answers, on connections that are kept open."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet; in two, the second waits 40 ms for the first
    service: Service

    def do_POST(self) -> None:
        """Answer to a request for scores."""
        self.do_GET(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self, body: bytes = b"") -> None:
        """Answer to a request for a file."""
        kind, accept, part = (self.headers.get(name, "") for name in ("Content-Type", "Accept", "Range"))
        answer = type(self).service(Request(kind, accept, part, body, self.client_address[1]))
        self.close_connection = answer.cut is not None
        if answer.cut == -1:
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def servers() -> Iterator[Serve]:
    """Give a function that starts a server with these answers and returns its base URL."""
    started: list[ThreadingHTTPServer] = []

    def start(service: Service) -> str:
        handler = type("TestHandler", (Handler,), {"service": staticmethod(service)})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{server.server_port}/"

    try:
        yield start
    finally:
        for server in started:
            server.shutdown()
            server.server_close()


def labels(request: Request) -> Answer:
    """Read every image as a zero."""
    return Answer(200, json.dumps([0] * request.rows).encode())


def seen_by(seen: list[Request]) -> Service:
    """Return a service that reads every image as a zero and records the requests."""

    def service(request: Request) -> Answer:
        seen.append(request)
        return labels(request)

    return service
