"""An evaluation on disk: JSON, which is the evidence; next to it a page for people and a summary for a pull request.

Files that belong together are replaced together, so what lies there is one evaluation, or the one before.
"""

import contextlib
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING

from digits import atomic_files
from digits.evaluation.evaluation_errors import ReportError
from digits.evaluation.evaluation_record import Evaluation
from digits.evaluation.reading import read_evaluation

if TYPE_CHECKING:
    from digits.datasets import Dataset

_WAY_OUT = "Evaluate again, and it is written anew."
_MARK = "<main>\n"
JSON_FILE, PAGE_FILE, SUMMARY_FILE = "evaluation.json", "report.html", "summary.md"


def publish(evaluation: Evaluation, dataset: "Dataset", directory: Path) -> Path:
    """Write JSON, page and summary into the directory and return the page's path; raises ReportError.

    The data set is the one that was scored: the page shows its images.
    """
    from digits.evaluation.page import Page  # matplotlib is slow to import, and most importers draw nothing

    _require_same_data(evaluation, dataset)
    page = Page(evaluation, dataset)
    contents = {
        PAGE_FILE: page.html().encode(errors="replace"),
        SUMMARY_FILE: page.markdown().encode(errors="replace"),
        JSON_FILE: _encode(evaluation),  # last: anyone who sees it sees the others
    }
    _replace({directory / name: content for name, content in contents.items()})
    return directory / PAGE_FILE


def mark(directory: Path, sentence: str) -> None:
    """Say on the page and the summary that lie in the directory that they are not of the last change.

    A later evaluation replaces both, mark and all. A report that is not there, or cannot be written, stays as it is.
    """
    said = f"{sentence} This report is of what was evaluated before."
    marks = {
        PAGE_FILE: (_MARK, f'{_MARK}<p class="mark" role="note">{html.escape(said)}</p>\n'),
        SUMMARY_FILE: ("", f"> ⚠️ {said}\n\n"),
    }
    for name, (place, marked) in marks.items():
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = (directory / name).read_text(encoding="utf-8")
            if marked not in text:
                atomic_files.replace(directory / name, text.replace(place, marked, 1).encode())


def draw(evaluation: Evaluation, dataset: "Dataset", directory: Path) -> list[Path]:
    """Write only the pictures, as PNG, and return their paths; raises ReportError."""
    from digits.evaluation.page import Page

    _require_same_data(evaluation, dataset)
    contents = {directory / name: content for name, content in Page(evaluation, dataset).png().items()}
    _replace(contents)
    return list(contents)


def write(evaluation: Evaluation, path: Path) -> None:
    """Write the evaluation only as JSON, whole or not at all."""
    _replace({path: _encode(evaluation)})


def read(path: Path) -> Evaluation:
    """Return the evaluation in the file."""
    try:
        return read_evaluation(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
    except ReportError as error:
        raise ReportError(f"{path} is no evaluation that was written here: {error} {_WAY_OUT}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{path} is not whole JSON ({error}). {_WAY_OUT}") from error


def _encode(evaluation: Evaluation) -> bytes:
    """Give each fact a line, and each row of a table; ten thousand predictions are one fact."""
    lines = [f"  {json.dumps(name)}: {_lines(value)}" for name, value in evaluation.to_json().items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _lines(value: object) -> str:
    if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        return "[\n" + ",\n".join(f"    {json.dumps(item)}" for item in value) + "\n  ]"
    return json.dumps(value)


def _replace(contents: dict[Path, bytes]) -> None:
    try:
        atomic_files.replace_all(contents)
    except OSError as error:
        path = next(iter(contents))
        where = path if len(contents) == 1 else path.parent
        raise ReportError(f"{where} cannot be written: {error.strerror}.") from error


def _require_same_data(evaluation: Evaluation, dataset: "Dataset") -> None:
    if dataset.digest != evaluation.digest or dataset.rows != evaluation.dataset_rows:
        raise ReportError(
            f"The evaluation was made on {evaluation.dataset} with SHA-256 {evaluation.digest[:12]}… "
            f"({evaluation.dataset_rows:,} rows), and this is {dataset.name} with {dataset.digest[:12]}… "
            f"({dataset.rows:,} rows): name the same data with --dataset."
        )
