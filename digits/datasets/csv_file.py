"""A .csv with a row for each image: 784 pixels, and the label in a column that has to be beyond doubt.

The label's column is the one that the header calls so, or that a setting names. Without a header it is the first or the
last, if the other one cannot be: a column of labels holds whole numbers, and more than one of them.
"""

import codecs
import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.datasets.dataset import LABEL_NAMES, DatasetError
from digits.datasets.labels import whole_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDTH = 784
_BRIGHTEST = 255
_DELIMITERS = ",;\t| "
_INDEX_NAMES = ("", "index", "id", "unnamed: 0")
_SETTING = "set evaluationLabelColumn (--label-column)"


def read(content: bytes, path: Path, label_column: str = "") -> "tuple[NDArray[Any], list[str]]":
    """Return pixels (rows, 784) and the labels as they are written; raises DatasetError."""
    lines = [(number, line) for number, line in enumerate(_text(content, path).splitlines(), 1) if line.strip()]
    if not lines:
        raise DatasetError(f"{path} holds no images: give it at least one.")
    delimiter, first = _split(lines[0][1], path)
    header = first if _is_header(first) else None
    if header and len(lines) == 1:
        raise DatasetError(f"{path} holds no images: give it at least one.")
    if header:
        _require_different(header, path)
    at = _find_named(header or [], path, label_column)
    rows = lines[1:] if header else lines
    table, written = _numbers(rows, delimiter, header, at, path)
    if at is None:
        at = _find_possible(written, path)
    if header:
        _require_order(header[:at] + header[at + 1 :], path)
    return np.delete(table, at, axis=1), written[at]


def _text(content: bytes, path: Path) -> str:
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's "Unicode text"
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not text in UTF-8 ({error}): save it as CSV.") from error


def _split(line: str, path: Path) -> tuple[str, list[str]]:
    """Return the delimiter that makes a label and 784 pixels of the first line, and what it makes of it."""
    try:
        split = {delimiter: _cells(line, delimiter) for delimiter in _DELIMITERS}
    except csv.Error as error:
        raise DatasetError(f"{path} is not a table of numbers: {error}.") from error
    for delimiter, cells in split.items():
        if len(cells) == 1 + _WIDTH:
            return delimiter, cells
    cells = max(split.values(), key=len)
    problem = f"{path} has {len(cells):,} columns: it takes 785, a label and 784 pixels"
    if len(cells) == _WIDTH:
        raise DatasetError(f"{problem}, so the label is missing: add it as a column called label.")
    if len(cells) == 2 + _WIDTH and cells[0].lower() in _INDEX_NAMES:
        raise DatasetError(f"{problem}; the first seems to number the rows: save it without, in pandas index=False.")
    if len(cells) > 1 + _WIDTH and len(labels := [cell for cell in cells if cell.lower() in LABEL_NAMES]) > 1:
        raise DatasetError(f"{problem}; {' and '.join(labels)} could each be the label: keep one of them.")
    raise DatasetError(f"{problem}, with commas, semicolons, tabs, bars or spaces between.")


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]


def _is_header(cells: Sequence[str]) -> bool:
    """Tell names from the first image; a number next to a gap or a word is an image's."""
    if any(cell.lower() in LABEL_NAMES for cell in cells):
        return True
    numbers = [cell for cell in cells if _is_number(cell)]
    # Pixels are called 0, 1, 2 in some files. No image has so many different whole numbers from 0 to 255.
    are_names = len(numbers) >= _WIDTH and all(map(str.isdecimal, numbers)) and len({*numbers}) == len(numbers)
    return are_names or (not numbers and any(cells))


def _require_different(header: Sequence[str], path: Path) -> None:
    twice = next((name for at, name in enumerate(header) if name in header[:at]), None)
    if twice is not None:
        raise DatasetError(f"{path} has two columns called {twice!r}: give each column a name of its own.")


def _require_order(pixels: Sequence[str], path: Path) -> None:
    """Refuse columns that are numbered in another order than they stand in: pixel1, pixel10, pixel100."""
    names = [re.fullmatch(r"(\D*)(\d+)", name) for name in pixels]
    if not all(names) or len({name[1] for name in names if name}) > 1:
        return
    numbers = [int(name[2]) for name in names if name]
    for before, now, name in zip(numbers, numbers[1:], pixels[1:], strict=False):
        if now < before:
            raise DatasetError(
                f"{path} has its pixels in another order than their numbers, from {name!r} on: sort them."
            )


def _find_named(header: Sequence[str], path: Path, label_column: str) -> int | None:
    """Return the column that the setting or the header names; None where there is no header and no setting."""
    if label_column:
        return _find_chosen(header, path, label_column)
    if not header:
        return None
    found = [at for at, name in enumerate(header) if name.lower() in LABEL_NAMES]
    if len(found) == 1:
        return found[0]
    known = f"{', '.join(LABEL_NAMES[:-1])} or {LABEL_NAMES[-1]}"
    if found:
        choices = " and ".join(repr(header[at]) for at in found)
        raise DatasetError(
            f"{path} has the columns {choices}, and each could be the labels: {_SETTING} to one of them."
        )
    raise DatasetError(
        f"{path} has no column called {known}, but {_shown(header)}: rename the column with the labels, or {_SETTING} "
        f"to its name."
    )


def _find_chosen(header: Sequence[str], path: Path, chosen: str) -> int:
    for alike in (str, str.lower):
        found = [at for at, name in enumerate(header) if alike(name) == alike(chosen)]
        if len(found) == 1:
            return found[0]
    if chosen.lower() in ("first", "last"):
        return 0 if chosen.lower() == "first" else _WIDTH
    has = f"the columns {_shown(header)}" if header else "no header"
    raise DatasetError(
        f"{path} has no column called {chosen!r}, it has {has}: {_SETTING} to one of them, first or last."
    )


def _find_possible(written: "dict[int, list[str]]", path: Path) -> int:
    """Return the only column that can hold the labels."""
    possible = [at for at, cells in written.items() if _could_be_labels(cells)]
    if len(possible) == 1:
        return possible[0]
    which = "both its first and its last column" if possible else "neither its first nor its last column"
    certainty = "could" if possible else "is sure to"
    raise DatasetError(
        f"{path} has no header, and {which} {certainty} hold the labels: {_SETTING} to first or last, "
        f"or give the columns names, label among them."
    )


def _could_be_labels(cells: Sequence[str]) -> bool:
    numbers = {whole_number(cell) for cell in cells}
    return len(numbers) > 1 and all(number is not None and 0 <= number <= _BRIGHTEST for number in numbers)


def _numbers(
    rows: Sequence[tuple[int, str]], delimiter: str, header: Sequence[str] | None, at: int | None, path: Path
) -> "tuple[NDArray[np.float64], dict[int, list[str]]]":
    """Return all cells as numbers, and the columns that may be the labels' as they are written; there a text is NaN."""
    written: dict[int, list[str]] = {column: [] for column in ((0, _WIDTH) if at is None else (at,))}

    def keep(cells: list[str]) -> Any:
        def convert(cell: str) -> float:
            cells.append(cell.strip())
            return float(cell) if _is_number(cell) else np.nan

        return convert

    try:
        table = np.loadtxt(
            [line for _, line in rows],
            delimiter=None if delimiter == " " else delimiter,
            ndmin=2,
            comments=None,
            quotechar='"',
            converters={column: keep(cells) for column, cells in written.items()},
        )
    except ValueError as error:
        raise DatasetError(_find_fault(rows, delimiter, header, at, path) or f"{path} is no table: {error}.") from error
    if table.shape[1] != 1 + _WIDTH:
        raise DatasetError(_find_fault(rows, delimiter, header, at, path) or f"{path} is no table of 785 columns.")
    return table, written


def _find_fault(
    rows: Sequence[tuple[int, str]], delimiter: str, header: Sequence[str] | None, at: int | None, path: Path
) -> str | None:
    """Say which cell is no number, or which line has too many cells or too few."""
    for number, line in rows:
        cells = _cells(line, delimiter)
        if len(cells) != 1 + _WIDTH:
            return f"Line {number} of {path} has {len(cells):,} columns, not 785: write a label and 784 pixels."
        for column, cell in enumerate(cells):
            if column != at and not _is_number(cell):
                name = repr(header[column]) if header else f"column {column + 1}"
                what = repr(cell[:40]) if cell else "nothing"
                return f"Line {number} of {path} has {what} in {name}: write a number there."
    return None


def _shown(names: Sequence[str]) -> str:
    return f"{', '.join(map(repr, names[:2]))}, …, {names[-1]!r}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
