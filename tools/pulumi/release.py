"""The official release: an archive and its published SHA-256, both from Pulumi's download site.

The digest is read over TLS at download time; pinned digests would be stronger, but are not known to us yet.
This has not run against the site yet, only against a server of the tests.
"""

from digits.cli import activity

import hashlib
import platform
import queue
import shutil
import tarfile
import threading
from pathlib import Path

import httpx

from digits import bounded_answer
from tools.pulumi.cli import VERSION, ReleaseRejectedError, ReleaseUnreachableError, is_complete

SITE = "https://get.pulumi.com/releases/sdk"
_PROBE_SECONDS = 3
_LARGEST_TEXT, _LARGEST_ARCHIVE = 2**20, 2 * 2**30  # bytes; an archive has 200 MB
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def fetch(directory: Path, downloads: Path, *, site: str = SITE) -> None:
    """Put the release into a folder; `downloads` keeps the archive until then, so that a broken download is resumed."""
    archive = name_archive(platform.system(), platform.machine())
    digest = read_digest(probe(f"{site}/pulumi-{VERSION}-checksums.txt"), archive)
    downloads.mkdir(parents=True, exist_ok=True)
    partial = downloads / f"{archive}.partial"
    for attempts_left in (2, 1, 0):
        try:
            _download(f"{site}/{archive}", partial)
            break
        except httpx.HTTPError as error:
            if not attempts_left:
                raise ReleaseUnreachableError(f"the download of {site}/{archive} broke off ({error})") from error
    with partial.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        if actual != digest:
            raise ReleaseRejectedError(
                f"{site}/{archive} has SHA-256 {actual} and {digest} was published: nothing was installed; try again, "
                f"and if it stays so, do not trust that network."
            )
        _extract(partial, directory)
    finally:
        partial.unlink()
    if not is_complete(directory):
        raise ReleaseRejectedError(f"{site}/{archive} does not hold the files that belong to the CLI.")


def name_archive(system: str, machine: str) -> str:
    """Return the archive's name for this machine, as `platform` names it."""
    try:
        return f"pulumi-v{VERSION}-{_SYSTEMS[system]}-{_MACHINES[machine.lower()]}.tar.gz"
    except KeyError:
        raise ReleaseUnreachableError(f"there is no release for {system} on {machine}") from None


def probe(url: str, seconds: float = _PROBE_SECONDS) -> str:
    """Return a small text from the site, or give up after so many seconds, for any reason."""
    answers: queue.Queue[httpx.Response | Exception] = queue.Queue()

    def ask() -> None:
        try:
            with httpx.Client(timeout=seconds, follow_redirects=True) as client:
                answer = bounded_answer.request(client, "GET", url, largest=_LARGEST_TEXT, seconds=seconds)
            answers.put(answer.raise_for_status())
        except Exception as error:  # noqa: BLE001 - it is raised in the other thread
            answers.put(error)

    # A thread, because the look-up of a name has no time-out; a daemon thread, because nothing waits for it.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise ReleaseUnreachableError(f"{url} did not answer within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise ReleaseUnreachableError(f"{url} could not be read ({answer})") from answer
    return answer.text


def read_digest(checksums: str, archive: str) -> str:
    """Find an archive's SHA-256 in the published list of `digest  name` lines."""
    for line in checksums.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip() == archive:
            return digest.lower()
    raise ReleaseUnreachableError(f"the published checksums do not name {archive}")


def _download(url: str, partial: Path) -> None:
    start = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    with (
        activity.show(f"Downloading the Pulumi CLI {VERSION}") as advance,
        httpx.stream("GET", url, headers=headers, timeout=20, follow_redirects=True) as response,
    ):
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there already
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = start if resumed else 0
        total = done + int(response.headers.get("Content-Length", 0))
        with partial.open("ab" if resumed else "wb") as file:
            for block in response.iter_bytes():
                file.write(block)
                done += len(block)
                if done > _LARGEST_ARCHIVE:
                    partial.unlink()
                    raise ReleaseUnreachableError(f"{url} holds more than any release of the Pulumi CLI")
                advance(f"{done / 1e6:.0f} MB", done / total if total else None)


def _extract(archive: Path, directory: Path) -> None:
    """Take the CLI and its Python parts by name, so that no path in the archive decides where a file is written."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            source = tar.extractfile(member) if member.isfile() else None
            if source is None or not (name == "pulumi" or (name.startswith("pulumi-") and "python" in name)):
                continue
            with source, (directory / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            (directory / name).chmod(0o755)
