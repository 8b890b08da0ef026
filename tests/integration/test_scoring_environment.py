"""From a conda definition to a venv: built once, whole or not at all, and refused in one sentence."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from digits.runtime.environment import EnvironmentFailedError, build
from digits.runtime.interpreters import NEAREST_PYTHON

SMALL = {"name": "small", "dependencies": ["python=3.11", "iniconfig=2.3"]}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of venvs that is empty; uv keeps its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "digits" / "environments"


def test_the_same_content_is_built_once() -> None:
    """A second build, under another name, is the first one's venv and says nothing."""
    first: list[str] = []
    again: list[str] = []
    venv = build(SMALL, first.append)
    assert build({**SMALL, "name": "other"}, again.append) == venv
    assert "Building the scoring environment for Python 3.11" in first[0]
    assert not again
    assert list((venv / "lib").glob("python*/site-packages/iniconfig"))
    assert list((venv / "lib").glob("python*/site-packages/azureml_inference_server_http"))


def test_two_builders_at_once_both_get_it(cache: Path) -> None:
    """The later one waits for the earlier, and nothing half-built is left."""
    with ThreadPoolExecutor() as threads:
        venvs = list(threads.map(build, [SMALL, SMALL]))
    assert venvs[0] == venvs[1]
    assert {path.suffix for path in cache.iterdir()} == {"", ".lock"}


def test_what_a_killed_builder_left_is_not_taken_for_finished() -> None:
    """A venv counts when it stands in its place with an interpreter that is still there."""
    venv = build(SMALL)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/no/such/interpreter")
    venv.with_suffix(".building").mkdir()
    (venv.with_suffix(".building") / "half").touch()
    assert build(SMALL) == venv
    assert (venv / "bin" / "python").exists()
    assert not venv.with_suffix(".building").exists()


@pytest.mark.parametrize(
    ("dependencies", "sentence"),
    [
        (["numpy==99.0"], "cannot be solved: Because there is no version of numpy==99.0"),
        ([{"pip": ["numpy==1.26.0", "numpy>2"]}], "cannot be solved: Because you require numpy==1.26.0 and numpy>2"),
        (["python=3.99"], "asks for Python 3.99, which is not on this machine: install it"),
        ([{"pip": ["numpy=>1"]}], "cannot be installed: Couldn't parse requirement: no such comparison operator"),
        (["python=3.6.2"], "asks for Python 3.6.2, on which the inference server does not run here, as it needs 3.8"),
        (
            ["pytorch-cpu"],
            "asks for the conda package pytorch-cpu, but packages come from PyPI here, which has none of",
        ),
        (["scikit-learn=0.22"], "scikit-learn==0.22.2.post1 has no wheel for Python 3."),
        ([{"pip": ["azureml-defaults==1.0.85"]}], "older ones bring no inference server that runs here"),
    ],
)
def test_a_definition_that_cannot_be_built_says_why(
    dependencies: list[object], sentence: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver's own reason, in one sentence; its last lines are there too; nothing is left."""
    monkeypatch.delenv(NEAREST_PYTHON, raising=False)
    with pytest.raises(EnvironmentFailedError) as raised:
        build({"dependencies": dependencies})
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 800
    assert len(raised.value.lines) <= 20
    assert not [path for path in cache.glob("*") if path.suffix != ".lock"]


def test_a_broken_wheel_is_named_once_and_our_own_files_never(tmp_path: Path) -> None:
    """The folder in which the environment was built is gone by then, so nothing names it."""
    wheel = tmp_path / "broken-1.0-py3-none-any.whl"
    wheel.write_bytes(b"no archive")
    with pytest.raises(EnvironmentFailedError, match="Failed to read `broken @") as raised:
        build({"dependencies": [{"pip": [f"broken @ {wheel.as_uri()}"]}]})
    assert str(raised.value).count(wheel.name) == 1
    notes: list[str] = []
    with pytest.raises(EnvironmentFailedError) as raised:
        build({"dependencies": [{"pip": ["numpy=>1"]}]}, notes.append)
    assert raised.value.lines
    assert not [line for line in (*raised.value.lines, *notes, str(raised.value)) if "requirements.txt" in line]


def test_an_index_that_cannot_be_reached_is_reported_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is offline, the error does not blame conda.yml."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(EnvironmentFailedError, match="packages cannot be downloaded, is the network there"):
        build(SMALL)


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """The folder is named, with the operating system's reason."""
    (tmp_path / "digits").write_text("not a folder")
    with pytest.raises(EnvironmentFailedError, match=r"cannot be written to .*: (Not a directory|File exists)"):
        build(SMALL)


def test_our_own_interpreter_serves_where_it_fits(cache: Path) -> None:
    """The Python that runs the project is the one that needs no looking for."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    venv = build({"dependencies": [f"python={version}"]})
    assert (venv / "bin" / "python").resolve() == Path(sys.executable).resolve()
    assert venv.parent == cache
