"""Recorded previews of the real engine, and the comments made from them.

tests/engine/preview_cases.py records them. `python -m tests.unit.recorded_previews` writes every comment.md again after
an intended change: read the diff before you commit it.
"""

import contextlib
import json
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from pulumi.automation import EngineEvent

from digits.engine.events import Preview, read_preview
from digits.evaluation.reading import read_evaluation
from digits.preview.comment import Comment
from digits.preview.scoring_files import changed_files
from digits.preview.trial import Trial

DIRECTORY = Path(__file__).with_name("previews")
CASES = sorted(path.name for path in DIRECTORY.iterdir())


def preview(case: str) -> Preview:
    """Return the recorded preview of the case."""
    return read((DIRECTORY / case / "events.jsonl").read_text(encoding="utf-8"))


def read(text: str) -> Preview:
    """Return the preview that these events make, one JSON object a line as the engine sends them."""
    return read_preview(EngineEvent.from_json(json.loads(line)) for line in text.splitlines())


def trial(case: str) -> Trial | None:
    """Return the candidate's result, if it was run."""
    path = DIRECTORY / case / "candidate.json"
    if not path.exists():
        return None
    written = json.loads(path.read_text(encoding="utf-8"))
    evaluation = read_evaluation(written["evaluation"]) if written["evaluation"] else None
    return replace(Trial(**{**written, "evaluation": None}), evaluation=evaluation)


def comment(case: str, directory: Path) -> Comment:
    """Return the comment, with the case's scoring files in this directory: first committed, then changed."""
    scoring = directory / "scoring"
    scoring.mkdir()
    files = {path.stem: path for path in (DIRECTORY / case).glob("*.released")}
    for name, path in files.items():
        (scoring / name).write_bytes(path.read_bytes())
    if files:
        commit(directory)
    for name, path in files.items():
        (scoring / name).write_bytes(path.with_suffix(".present").read_bytes())
    with contextlib.chdir(directory):
        return Comment("dev", preview(case), trial(case), changed_files(preview(case)))


def commit(directory: Path) -> None:
    """Commit the directory's files in a repository of their own."""
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
    for arguments in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "--no-verify", "-m", "Release")):
        subprocess.run(["git", *arguments], cwd=directory, check=True)


if __name__ == "__main__":
    for name in CASES:
        with tempfile.TemporaryDirectory() as temporary:
            (DIRECTORY / name / "comment.md").write_text(comment(name, Path(temporary)).render(), encoding="utf-8")
