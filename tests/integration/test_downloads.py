"""Downloads of the MNIST files: resumed where they were cut off, from the next mirror where one fails, and checked."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from digits.datasets import DatasetError, mnist
from digits.datasets.download import download
from tests.integration.answering import Answer, Request, Serve, Service, servers


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that starts a server with these answers and returns its base URL."""
    with servers() as start:
        yield start


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of downloads."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "digits" / "data" / "mnist"


def test_mirrors_are_tried_in_turn_and_nothing_wrong_is_kept(serve: Serve, cache: Path) -> None:
    """A missing file, a page instead of it, another file under its name: each mirror's fault is reported."""
    answers = [Answer(404), Answer(200, b"<html>"), Answer(200, gzip.compress(b"Fashion-MNIST"))]
    mirrors = [serve(lambda _request, answer=answer: answer) for answer in answers]  # type: ignore[misc]  # a default is no part of Service
    with pytest.raises(DatasetError) as raised:
        mnist.read("test", mirrors=[*mirrors, "http://127.0.0.1:9/"], progress=lambda _done, _total: None)
    sentence = str(raised.value)
    assert sentence.startswith("t10k-images-idx3-ubyte.gz could not be downloaded (")
    for reason in ("404", "not a whole gzip file", "is not MNIST's", "Connection refused"):
        assert reason in sentence
    assert "\n" not in sentence
    assert not cache.exists()


FILE = bytes(range(256)) * 100


def mirror(asked: list[str], *, cut: int | None = None, ranges: bool = True, content: bytes = FILE) -> Service:
    """Return a server of one file that ends every connection after `cut` bytes of body."""

    def service(request: Request) -> Answer:
        asked.append(request.range)
        start = int(request.range.removeprefix("bytes=").removesuffix("-") or 0) if ranges else 0
        if start >= len(content):
            return Answer(416)
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        return Answer(206 if start else 200, content[start:], headers, cut)

    return service


def fetch(*mirrors: str) -> bytes:
    """Download the file, which is right if it is the one above."""

    def check(content: bytes, url: str) -> None:
        if content != FILE:
            raise DatasetError(f"{url} is another file.")

    return download("file", mirrors, check, lambda _done, _total: None)


def test_a_download_that_was_cut_off_goes_on_where_it_ended(serve: Serve) -> None:
    """Three pieces, each asked for from where the last one ended."""
    asked: list[str] = []
    assert fetch(serve(mirror(asked, cut=10_000))) == FILE
    assert asked == ["", "bytes=10000-", "bytes=20000-"]


def test_the_next_mirror_takes_over_what_is_there(serve: Serve) -> None:
    """The first mirror breaks off for good; the second sends the rest."""
    first: list[str] = []
    second: list[str] = []

    def breaks_off(request: Request) -> Answer:
        first.append(request.range)
        return Answer(200, FILE, cut=10_000) if len(first) == 1 else Answer(200, cut=-1)

    assert fetch(serve(breaks_off), serve(mirror(second))) == FILE
    assert (first, second) == (["", "bytes=10000-"], ["bytes=10000-"])


def test_a_mirror_that_gives_no_parts_starts_over(serve: Serve) -> None:
    """Its 200 to a range is the whole file, and is taken as that."""
    asked: list[str] = []
    service = mirror(asked, ranges=False)

    def cut_once(request: Request) -> Answer:
        answer = service(request)
        answer.cut = 10_000 if len(asked) == 1 else None
        return answer

    assert fetch(serve(cut_once)) == FILE
    assert asked == ["", "bytes=10000-"]


def test_a_part_of_another_file_is_dropped(serve: Serve) -> None:
    """What the first mirror sent was wrong: the second is asked for all of it, and believed."""
    asked: list[str] = []

    def breaks_off(request: Request) -> Answer:
        return Answer(404) if request.range else Answer(200, b"x" * 20_000, cut=10_000)

    assert fetch(serve(breaks_off), serve(mirror(asked))) == FILE
    assert asked == ["bytes=10000-", ""]
