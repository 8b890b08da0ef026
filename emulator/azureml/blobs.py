"""Blob storage: the bytes of artifacts and logs, at URLs that a signature opens.

A blob lies below blobs/ under a hash of its name, so that any name is safe as a file.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from emulator.http.errors import AzureError, BadRequestError, NotFoundError
from emulator.store import Store

ROOT = "/azureml-blobs"  # what the SDK takes for the storage container's name
_VERSION = "2021-08-06"
_LIFETIME_SECONDS = 86_400


class BlobExistsError(AzureError):
    """The upload said If-None-Match: *, and there is a blob."""

    status = 409
    code = "BlobAlreadyExists"


class ForbiddenError(AzureError):
    """The URL's signature does not open this."""

    status = 403
    code = "AuthenticationFailed"


class Blobs:
    """Blobs by name; a name is "<workspace's ARM id in lower case>/<path>"."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key

    def path(self, name: str) -> Path:
        """Return the file that holds the blob, there or not."""
        return self._store.directory / "blobs" / _digest(name)

    def write(self, name: str, data: bytes) -> None:
        """Write the blob, whole and on the disk, or not at all."""
        self._store.write_file(f"blobs/{_digest(name)}", data)

    def write_block(self, name: str, block: str, data: bytes) -> None:
        """Keep a block until a list names it; if the disk is full, the blob's other blocks are removed too."""
        with self._room_for(name) as folder:
            self._store.write_file(f"{folder.relative_to(self._store.directory)}/{_digest(block)}", data)

    def commit(self, name: str, blocks: list[str]) -> None:
        """Make the blob out of its blocks, in this order."""
        with self._room_for(name) as folder:
            parts = [folder / _digest(block) for block in blocks]
            if not all(part.exists() for part in parts):
                raise BadRequestError("The specified block list is invalid.", code="InvalidBlockList")
            whole = folder / "whole"
            with whole.open("wb") as file:
                for part in parts:
                    with part.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            whole.replace(self.path(name))
        shutil.rmtree(folder)

    def delete(self, name: str) -> None:
        """Remove the blob and its uncommitted blocks; one that is not there is no error."""
        self.path(name).unlink(missing_ok=True)
        shutil.rmtree(self._blocks(name), ignore_errors=True)

    def upload_uri(self, base_url: str, name: str) -> str:
        """Return the URL to write the blob to.

        The SDK splits the host at its first two dots and rebuilds `https://{account}.blob.{rest}`. The user part before
        the @ takes those dots, so that the host stays this machine.
        """
        scheme, _, host = base_url.partition("://")
        return f"{scheme}://acct.blob.emu@{host}{self._signed(name, 'rcw')}"

    def download_uri(self, base_url: str, name: str) -> str:
        """Return the URL to read the blob from."""
        return base_url + self._signed(name, "r")

    def check_signature(self, name: str, query: dict[str, str], wanted: str) -> None:
        """Raise 403 unless the query's signature is ours, allows this (r or w) and is still good."""
        allowed, expires = query.get("sp", ""), query.get("se", "")
        good = hmac.compare_digest(self._signature(name, allowed, expires).encode(), query.get("sig", "").encode())
        if not good or wanted not in allowed or time.time() > float(expires):
            raise ForbiddenError(
                "Server failed to authenticate the request. "
                "Make sure the value of Authorization header is formed correctly including the signature."
            )

    def _signed(self, name: str, allowed: str) -> str:
        expires = str(int(time.time()) + _LIFETIME_SECONDS)
        query = {"sv": _VERSION, "sr": "b", "sp": allowed, "se": expires}
        return f"{ROOT}{quote(name)}?{urlencode({**query, 'sig': self._signature(name, allowed, expires)})}"

    def _signature(self, name: str, allowed: str, expires: str) -> str:
        digest = hmac.digest(self._key, json.dumps([allowed, expires, name]).encode(), "sha256")
        return base64.b64encode(digest).decode()

    @contextmanager
    def _room_for(self, name: str) -> Iterator[Path]:
        """Give the folder of the blob's uncommitted blocks; a full disk empties it, as no client commits them then."""
        folder = self._blocks(name)
        try:
            yield folder
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _blocks(self, name: str) -> Path:
        return self.path(name).with_suffix(".blocks")


def routes(blobs: Blobs) -> list[Route]:
    """Return the routes of blob storage, which takes a signature in the URL instead of a token."""

    async def write(request: Request) -> Response:
        name = _open(blobs, request, "w")
        data = await request.body()
        _check_digest(request, data)
        await run_in_threadpool(_write, blobs, name, request, data)
        return Response(status_code=201, headers=_headers(name))

    def read(request: Request) -> Response:
        name = _open(blobs, request, "r")
        path = blobs.path(name)
        if not path.exists():
            raise NotFoundError("The specified blob does not exist.", code="BlobNotFound")
        headers = {**_headers(name), "ETag": _etag(path)}
        return FileResponse(path, media_type="application/octet-stream", headers=headers)

    path = ROOT + "/{name:path}"
    return [Route(path, write, methods=["PUT"]), Route(path, read, methods=["GET", "HEAD"])]


def _open(blobs: Blobs, request: Request, wanted: str) -> str:
    name = f"/{request.path_params['name']}"
    blobs.check_signature(name, dict(request.query_params), wanted)
    return name


def _write(blobs: Blobs, name: str, request: Request, data: bytes) -> None:
    part = request.query_params.get("comp")
    if part == "block":
        blobs.write_block(name, request.query_params.get("blockid", ""), data)
        return
    if request.headers.get("if-none-match") == "*" and blobs.path(name).exists():
        raise BlobExistsError("The specified blob already exists.")
    if part == "blocklist":
        blobs.commit(name, list(_block_ids(data)))
    elif part is None:
        blobs.write(name, data)
    else:
        raise AzureError(f"The emulator does not know comp={part}.", code="NotImplemented", status=501)


def _block_ids(data: bytes) -> Iterator[str]:
    # No entities are needed here, and without them a small file cannot expand to a huge one.
    if re.search(rb"<!(DOCTYPE|ENTITY)", data):
        raise BadRequestError("The XML specified is not syntactically valid.", code="InvalidXmlDocument")
    try:
        tree = ET.fromstring(data)  # noqa: S314 - see above
    except ET.ParseError:
        raise BadRequestError("The XML specified is not syntactically valid.", code="InvalidXmlDocument") from None
    return (element.text or "" for element in tree)


def _check_digest(request: Request, data: bytes) -> None:
    for header, algorithm in (("content-md5", "md5"), ("content-sha256", "sha256")):
        sent = request.headers.get(header)
        if sent and sent != base64.b64encode(hashlib.new(algorithm, data, usedforsecurity=False).digest()).decode():
            raise BadRequestError(f"The {header} value specified did not match.", code="Md5Mismatch")


def _headers(name: str) -> dict[str, str]:
    return {"x-ms-version": _VERSION, "x-ms-blob-type": "BlockBlob", "x-ms-request-id": _digest(name)[:32]}


def _etag(path: Path) -> str:
    """Return another one after every write, also after two within one tick of the clock: each makes a new file."""
    found = path.stat()
    return f'"{found.st_ino:x}-{found.st_mtime_ns:x}"'


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
