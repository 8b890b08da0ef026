"""tools/pulumi: which CLI is chosen, what is believed of a download, and what a failure says."""

import io
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server

import pytest

from tools.pulumi import choice, cli, release, sources
from tools.pulumi.build import build
from tools.pulumi.cli import BuildFailedError, ReleaseRejectedError, ReleaseUnreachableError

ROOT = Path(__file__).parents[2]
ARCHIVE = f"pulumi-v{cli.VERSION}-linux-x64.tar.gz"
CHECKSUMS = f"pulumi-{cli.VERSION}-checksums.txt"


def write_executable(path: Path, script: str = "") -> None:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def put_cli(directory: Path, version: str = f"v{cli.VERSION}") -> Path:
    """Put all four files into a folder; the CLI among them says this version."""
    for name in cli.FILES:
        write_executable(directory / name, f"echo {version}")
    return directory


def fetch_nothing(directory: Path, downloads: Path) -> None:
    """Be a download site that is out of reach."""
    raise ReleaseUnreachableError(f"no site for {directory.name} and {downloads.name}")


def never_build(directory: Path, *, because: str) -> None:
    """Be a build that must not happen."""
    pytest.fail(f"built {directory} because {because}")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("3.238.0", (3, 238, 0)),
        ("v3.240.0-alpha.1+dirty", (3, 240, 0)),
        ("pulumi: command not found", None),
        ("", None),
    ],
)
def test_a_version_is_three_numbers(said: str, version: tuple[int, int, int] | None) -> None:
    """Suffixes do not count, and whatever else a program prints is no version."""
    assert cli.parse_version(said) == version


@pytest.mark.parametrize("version", ["v3.238.0", "v3.259.0", "v4.0.0", "v3.1000.0"])
def test_a_new_enough_cli_on_path_is_used(tmp_path: Path, version: str) -> None:
    """Versions are compared as numbers, and the user's own CLI comes before any other."""
    kept = put_cli(tmp_path / "cache" / f"v{cli.VERSION}")
    directory = put_cli(tmp_path / "bin", version)
    assert choice.find(str(directory), kept.parent, print) == directory


@pytest.mark.parametrize("version", ["v3.237.9", "v2.999.0", "nothing"])
def test_an_old_cli_on_path_is_passed_over_and_named(tmp_path: Path, version: str) -> None:
    """The one kept in the cache is used instead, and the reason is reported."""
    kept = put_cli(tmp_path / "cache" / f"v{cli.VERSION}")
    directory = put_cli(tmp_path / "bin", version)
    reported: list[str] = []
    assert choice.find(str(directory), kept.parent, reported.append) == kept
    assert str(directory / "pulumi") in reported[0]
    assert "3.238.0" in reported[0]


def test_a_cli_on_path_without_its_python_host_is_passed_over(tmp_path: Path) -> None:
    """The engine cannot run a Python program by itself."""
    write_executable(tmp_path / "bin" / "pulumi", "echo v3.259.0")
    reported: list[str] = []
    assert choice.find(str(tmp_path / "bin"), tmp_path / "cache", reported.append) is None
    assert cli.LANGUAGE_HOST in reported[0]


def test_a_link_on_path_leads_to_the_folder_of_the_cli(tmp_path: Path) -> None:
    """Package managers link only the CLI: its language host lies next to the real file."""
    directory = put_cli(tmp_path / "opt")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(directory / "pulumi")
    assert choice.find(str(tmp_path / "bin"), tmp_path / "cache", print) == directory


@pytest.mark.parametrize("name", cli.FILES)
def test_a_kept_cli_that_is_not_whole_is_not_used(tmp_path: Path, name: str) -> None:
    """All four files must be there, and must be programs."""
    kept = put_cli(tmp_path / f"v{cli.VERSION}")
    (kept / name).chmod(0o644)
    assert choice.find("", tmp_path, print) is None


def test_the_release_is_kept_for_the_next_time(tmp_path: Path) -> None:
    """What was fetched is found by the next run, and nothing is built."""

    def fetch(directory: Path, downloads: Path) -> None:  # noqa: ARG001 - as release.fetch
        put_cli(directory)

    kept = choice.install(tmp_path, print, fetch, never_build)
    assert choice.find("", tmp_path, print) == kept


def test_without_a_release_the_cli_is_built(tmp_path: Path) -> None:
    """The build gets the reason for it, and its result is kept until its sources change."""
    reasons: list[str] = []

    def build_it(directory: Path, *, because: str) -> None:
        reasons.append(because)
        put_cli(directory)

    kept = choice.install(tmp_path, print, fetch_nothing, build_it)
    assert "no site" in reasons[0]
    assert choice.find("", tmp_path, print) == kept
    (kept / "sources.sha256").write_text("other sources")
    assert choice.find("", tmp_path, print) is None
    assert choice.install(tmp_path, print, fetch_nothing, build_it) == kept
    assert (kept / "sources.sha256").read_text() == sources.digest()


def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """Half a build is not taken for a whole one, and the leftovers of a killed one are cleared away."""
    put_cli(tmp_path / "partial-killed")

    def fail(directory: Path, *, because: str) -> None:
        write_executable(directory / "pulumi")
        raise BuildFailedError(because)

    with pytest.raises(BuildFailedError):
        choice.install(tmp_path, print, fetch_nothing, fail)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_release_that_is_not_what_was_published_is_not_replaced_by_a_build(tmp_path: Path) -> None:
    """A wrong checksum is a reason to stop, not to go on some other way."""

    def fetch(directory: Path, downloads: Path) -> None:
        raise ReleaseRejectedError(f"{directory} {downloads}")

    with pytest.raises(ReleaseRejectedError):
        choice.install(tmp_path, print, fetch, never_build)


def test_two_runs_at_once_build_once(tmp_path: Path) -> None:
    """The second waits for the first and takes its result."""
    waiting = threading.Event()
    builds: list[Path] = []

    def build_slowly(directory: Path, *, because: str) -> None:
        builds.append(directory)
        assert waiting.wait(60), because
        put_cli(directory)

    def run(report: Callable[[str], None]) -> threading.Thread:
        thread = threading.Thread(target=choice.install, args=(tmp_path, report, fetch_nothing, build_slowly))
        thread.start()
        return thread

    def note(text: str) -> None:
        if "waiting" in text:
            waiting.set()

    for thread in [run(note), run(note)]:
        thread.join()
    assert len(builds) == 1


class Site(ThreadingHTTPServer):
    """Pulumi's download site as far as it is used: files by name, and ranges of them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SiteHandler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _SiteHandler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        content = self.server.files.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        wanted = self.headers["Range"]
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site with a good release for linux-x64, which this machine is taken for."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    members = {f"pulumi/{name}": f"#!/bin/sh\necho {name}\n" for name in cli.FILES}
    with Site() as server, _serving(server):
        publish(server, members)
        yield server


@contextmanager
def _serving(server: Site) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def publish(server: Site, members: dict[str, str]) -> None:
    """Publish a release of these members, with its checksum."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    server.files = {
        ARCHIVE: buffer.getvalue(),
        CHECKSUMS: f"0000  other.tar.gz\n{sha256(buffer.getvalue()).hexdigest()}  {ARCHIVE}\n".encode(),
    }


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """An empty folder to put the release into."""
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def test_a_release_with_the_published_checksum_is_taken(site: Site, target: Path, tmp_path: Path) -> None:
    """Its files can be run, and the archive is not kept."""
    release.fetch(target, tmp_path / "downloads", site=site.url)
    assert cli.is_complete(target)
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_release_with_another_checksum_is_refused(site: Site, target: Path, tmp_path: Path) -> None:
    """Nothing of it is unpacked, and the next try begins anew."""
    site.files[ARCHIVE] += b"more"
    with pytest.raises(ReleaseRejectedError, match="SHA-256"):
        release.fetch(target, tmp_path / "downloads", site=site.url)
    assert list(target.iterdir()) == list((tmp_path / "downloads").iterdir()) == []


def test_a_broken_download_goes_on_where_it_broke(site: Site, target: Path, tmp_path: Path) -> None:
    """Only what is missing is asked for."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / f"{ARCHIVE}.partial").write_bytes(site.files[ARCHIVE][:100])
    release.fetch(target, downloads, site=site.url)
    assert site.ranges == [None, "bytes=100-"]
    assert cli.is_complete(target)


def test_an_archive_cannot_write_outside_its_folder(site: Site, target: Path, tmp_path: Path) -> None:
    """Files are taken by their names, and the archive's paths decide nothing."""
    publish(site, {f"../../{name}": "x" for name in cli.FILES} | {"../evil": "x"})
    release.fetch(target, tmp_path / "downloads", site=site.url)
    assert sorted(path.name for path in target.iterdir()) == sorted(cli.FILES)
    assert not (tmp_path / "evil").exists()


def test_an_archive_without_the_language_host_is_refused(site: Site, target: Path, tmp_path: Path) -> None:
    """A good checksum does not make up for a missing file."""
    publish(site, {"pulumi/pulumi": "x"})
    with pytest.raises(ReleaseRejectedError, match="does not hold"):
        release.fetch(target, tmp_path / "downloads", site=site.url)


@pytest.mark.parametrize("missing", [CHECKSUMS, ARCHIVE])
def test_a_release_that_is_not_there_is_unreachable(site: Site, target: Path, tmp_path: Path, missing: str) -> None:
    """A site without this version is no reason to stop: the CLI can still be built."""
    del site.files[missing]
    with pytest.raises(ReleaseUnreachableError, match="404"):
        release.fetch(target, tmp_path / "downloads", site=site.url)


def test_a_site_that_never_answers_is_given_up() -> None:
    """A server that takes the connection and says nothing does not hold up the build."""
    with create_server(("127.0.0.1", 0)) as silent, pytest.raises(ReleaseUnreachableError):
        release.probe(f"http://127.0.0.1:{silent.getsockname()[1]}/", seconds=0.2)


@pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64")])
def test_a_platform_without_a_release_is_named(system: str, machine: str) -> None:
    """It is built from Go modules instead, which may well work there."""
    with pytest.raises(ReleaseUnreachableError, match=f"{system} on {machine}"):
        release.name_archive(system, machine)


def test_without_go_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    """It says why a build is needed, and both ways out."""
    with pytest.raises(BuildFailedError, match=r"because the site is down, and Go is missing: install it .*PATH\.$"):
        build(tmp_path, path=str(tmp_path), because="the site is down")


def test_an_old_go_is_named_with_the_version_it_lacks(tmp_path: Path) -> None:
    """Go's own words say which version go.mod wants."""
    write_executable(tmp_path / "go", "echo 'go: go.mod requires go >= 1.25.11 (running go 1.22.1)' >&2; exit 1")
    with pytest.raises(BuildFailedError, match=r"requires go >= 1\.25\.11 .*install a newer Go"):
        build(tmp_path, path=str(tmp_path), because="")


def test_a_failed_build_says_what_go_said_last(tmp_path: Path) -> None:
    """Go's last lines are in the message."""
    write_executable(tmp_path / "go", '[ "$1" = list ] || { echo "dial tcp: no such host"; exit 1; }')
    with pytest.raises(BuildFailedError, match="dial tcp: no such host"):
        build(tmp_path, path=str(tmp_path), because="")


def test_the_command_prints_the_folder_and_nothing_else(tmp_path: Path) -> None:
    """`PATH="$(python -m tools.pulumi):$PATH"` works: all other words go to stderr."""
    old, kept = put_cli(tmp_path / "old", "v3.1.0"), put_cli(tmp_path / "digits" / "pulumi" / f"v{cli.VERSION}")
    answer = subprocess.run(
        [sys.executable, "-m", "tools.pulumi"],
        cwd=ROOT,
        env={"PATH": f"{old}{os.pathsep}{os.defpath}", "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == f"{kept}\n"
    assert "3.1.0" in answer.stderr


def test_the_command_fails_with_one_sentence(tmp_path: Path) -> None:
    """An unusable cache is a user's mistake: no traceback, exit code 2."""
    (tmp_path / "digits").write_text("a file where a folder belongs")
    answer = subprocess.run(
        [sys.executable, "-m", "tools.pulumi"],
        cwd=ROOT,
        env={"PATH": "", "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: ")
    assert "Traceback" not in answer.stderr
