"""Runs in the scoring environment and times a request inside the inference server's own application.

There is no worker and no socket: it calls the WSGI application as a worker does, and times run() inside.
"""

import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

_CALLS = 300
_SECONDS = 3


def main() -> None:
    """Time each of the HTTP requests in the files after the first, and write the times to the first."""
    from azureml_inference_server_http.server.entry import app  # starts the service

    results, *requests = map(Path, sys.argv[1:])
    taken = [_time(app, request.read_bytes()) for request in requests]
    results.write_text(json.dumps(taken), encoding="utf-8")


def _time(app: Any, request: bytes) -> tuple[float, float]:
    """Return the least seconds of the whole call, and of the entry script's run()."""
    from werkzeug.test import EnvironBuilder

    head, _, body = request.partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    path = start.split()[1]
    script = app.azml_blueprint.user_script
    run = script._wrapped_user_run  # noqa: SLF001 - the only place between server and script
    whole: list[float] = []
    inside: list[float] = []

    def timed(**arguments: object) -> object:
        started = time.perf_counter()
        try:
            return run(**arguments)
        finally:
            inside.append(time.perf_counter() - started)

    script._wrapped_user_run = timed  # noqa: SLF001
    end = time.perf_counter() + _SECONDS
    while len(whole) < _CALLS and time.perf_counter() < end:
        environ = EnvironBuilder(path, method="POST", data=body, headers=headers).get_environ()
        started = time.perf_counter()
        with closing(app(environ, lambda *_: None)) as parts:
            b"".join(parts)
        whole.append(time.perf_counter() - started)
    script._wrapped_user_run = run  # noqa: SLF001
    return min(whole), min(inside)


if __name__ == "__main__":
    main()
