"""The scoring package: its identity, and what is refused before it travels."""

import os
from pathlib import Path

import pulumi
import pytest

from infra import scoring_package
from infra.configuration import SettingsError
from infra.scoring_package import ScoringPackage

GOOD = "import numpy\ndef init(): pass\ndef run(raw): return []\n"
MANIFEST: dict[str, object] = {"model": {"file": "m.pkl", "sha256": "0" * 64}}


@pytest.fixture
def scoring(tmp_path: Path) -> Path:
    """A directory with an entry script and what must not travel."""
    (tmp_path / "score.py").write_text(GOOD)
    (tmp_path / "conda.yml").write_text("dependencies: []\n")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "score.pyc").write_bytes(b"\0")
    return tmp_path


def test_caches_and_the_conda_file_stay_behind(scoring: Path) -> None:
    """The package is the code and the manifest; the environment travels by itself."""
    assert set(ScoringPackage.read(scoring, MANIFEST).files) == {"score.py", "manifest.json"}


@pytest.mark.parametrize(
    "name",
    [
        ".pytest_cache/v/x",
        ".mypy_cache/x",
        ".ruff_cache/x",
        ".venv/bin/x",
        "a/.DS_Store",
        "Thumbs.db",
        "m.pyc",
        ".score.py.swp",
        "score.py~",
        "#score.py#",
        "score.py.orig",
        ".idea/x",
        ".coverage",
    ],
)
def test_what_tools_leave_changes_nothing(scoring: Path, name: str) -> None:
    """A cache or an editor's backup is no part of the package, so a live service is not redeployed for it."""
    before = ScoringPackage.read(scoring, MANIFEST)
    (scoring / name).parent.mkdir(parents=True, exist_ok=True)
    (scoring / name).write_text("x")
    assert ScoringPackage.read(scoring, MANIFEST) == before


def test_links_within_the_repository_are_followed(tmp_path: Path) -> None:
    """A linked folder and a linked file travel as what they lead to."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "m.py").write_text("x = 1\n")
    scoring = tmp_path / "scoring"
    scoring.mkdir()
    (scoring / "score.py").write_text(GOOD)
    (scoring / "shared").symlink_to("../shared")
    (scoring / "n.py").symlink_to("../shared/m.py")
    files = ScoringPackage.read(scoring, MANIFEST).files
    assert set(files) == {"score.py", "manifest.json", "shared/m.py", "n.py"}
    assert files["shared/m.py"] == files["n.py"] == b"x = 1\n"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (".", "links to a folder that it lies in"),
        ("nowhere", "leads nowhere"),
        ("x", "leads nowhere"),
        ("/usr", "outside the repository"),
    ],
)
def test_a_link_that_cannot_travel_is_one_sentence(scoring: Path, target: str, sentence: str) -> None:
    """A cycle, a broken link, a link to itself, a link out of the repository."""
    (scoring / "x").symlink_to(target)
    with pytest.raises(SettingsError, match=f"^[^\\n]*/x {sentence}|^[^\\n]*/x links to [^\\n]*{sentence}"):
        ScoringPackage.read(scoring, MANIFEST)


def test_what_is_no_file_or_too_large_is_one_sentence(scoring: Path) -> None:
    """A pipe would wait for ever, a name in another encoding cannot be an asset's, a large file belongs elsewhere."""
    os.mkfifo(scoring / "pipe")
    with pytest.raises(SettingsError, match="neither a file nor a folder"):
        ScoringPackage.read(scoring, MANIFEST)
    (scoring / "pipe").unlink()
    with (scoring / "weights.bin").open("wb") as file:
        file.truncate(60 * 10**6)
    with pytest.raises(SettingsError, match="has 60 MB, and a file of the scoring package has at most 50 MB"):
        ScoringPackage.read(scoring, MANIFEST)
    (scoring / "weights.bin").rename(scoring / os.fsdecode(b"\xff.py"))
    with pytest.raises(SettingsError, match="not UTF-8: rename it"):
        ScoringPackage.read(scoring, MANIFEST)


def test_the_same_files_are_the_same_package(scoring: Path) -> None:
    """Times and caches are no part of the identity; a byte in a file, its name and the manifest are."""
    before = ScoringPackage.read(scoring, MANIFEST).digest
    (scoring / "score.py").touch()
    assert ScoringPackage.read(scoring, MANIFEST).digest == before
    assert ScoringPackage.read(scoring, {"model": {}}).digest != before
    (scoring / "score.py").rename(scoring / "other.py")
    (scoring / "score.py").write_text(GOOD)
    assert ScoringPackage.read(scoring, MANIFEST).digest != before


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("def init(:\n", "line 1"),
        ("def init(): pass\n", r"defines no run\(\)"),
        ("def run(raw): pass\n", r"defines no init\(\)"),
    ],
)
def test_an_entry_script_that_cannot_serve_is_one_sentence(scoring: Path, script: str, sentence: str) -> None:
    """Found on this machine, before minutes of deployment."""
    (scoring / "score.py").write_text(script)
    with pytest.raises(SettingsError, match=sentence):
        ScoringPackage.read(scoring, MANIFEST)


@pytest.mark.parametrize(
    "script", ["from m import init, run", "import m as init; run = init", "async def run(raw): ...\ninit = run"]
)
def test_functions_may_be_bound_any_way(scoring: Path, script: str) -> None:
    """What the inference server would find is accepted."""
    (scoring / "score.py").write_text(script)
    ScoringPackage.read(scoring, MANIFEST)


def test_a_missing_entry_script_is_named(tmp_path: Path) -> None:
    """The sentence says which file is missing."""
    with pytest.raises(SettingsError, match=r"score\.py is missing"):
        ScoringPackage.read(tmp_path, MANIFEST)


def test_the_archive_unpacks_to_what_was_read(scoring: Path) -> None:
    """The asset carries every file; one that changed since is refused."""
    package = ScoringPackage.read(scoring, MANIFEST)
    assert scoring_package.unpack(package.archive, package.digest) == package.files
    (scoring / "score.py").write_text(GOOD + "#")
    with pytest.raises(ValueError, match="changed while"):
        scoring_package.unpack(package.archive, package.digest)


def test_a_recorded_package_is_the_same_bytes_without_the_directory(scoring: Path) -> None:
    """What is no text travels too; a record that was cut off, or belongs to another digest, is one sentence."""
    (scoring / "weights").mkdir()
    (scoring / "weights" / "bias.bin").write_bytes(bytes(range(256)))
    package = ScoringPackage.read(scoring, MANIFEST)
    recorded = scoring_package.compress(package.files)
    assert scoring_package.expand(recorded, package.digest) == package.files
    for text, digest in ((recorded, "0" * 64), (recorded[:40], package.digest), ("bm9uZQ==", package.digest)):
        with pytest.raises(ValueError, match=r"^The recorded scoring package [^\n]*\.$"):
            scoring_package.expand(text, digest)


def test_a_record_of_this_package_is_small() -> None:
    """It lies in the stack's state, which goes through the engine on every preview."""
    package = ScoringPackage.read(Path(__file__).parents[2] / "scoring", MANIFEST)
    assert len(scoring_package.compress(package.files)) < 32_000


def test_the_identified_archive_names_every_files_hash(scoring: Path) -> None:
    """What the engine compares is the contents' SHA-256."""
    package = ScoringPackage.read(scoring, MANIFEST)
    archive = pulumi.AssetArchive(dict(package.archive.assets))
    wire = scoring_package.identify(archive)
    assert wire["hash"] == package.digest
    assert {name: len(asset["hash"]) for name, asset in wire["assets"].items()} == {"score.py": 64, "manifest.json": 64}
