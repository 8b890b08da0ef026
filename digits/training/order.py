"""What is to be trained, and whether it has to be.

TrainingError   no model was made
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from digits.datasets import load
from digits.training.model import MODEL_FILE, SKOPS_FILE, fit, read_current, write

FILES = {"pickle": MODEL_FILE, "skops": SKOPS_FILE}
_USUALLY = {"digits": "a second", "mnist": "under a minute"}


class TrainingError(Exception):
    """No model was made; one sentence with the fix."""


@dataclass(frozen=True)
class Order:
    """The data set, where its files and the model lie, and the stack's own model file if it names one."""

    dataset: str = "digits"
    directory: Path | None = None
    format: str = "pickle"
    output: Path = Path("model")
    model_file: Path | None = None
    force: bool = False

    @property
    def file(self) -> Path:
        """Where the model is written."""
        is_skops = self.model_file and self.model_file.suffix == ".skops"
        return self.output / (SKOPS_FILE if is_skops else FILES[self.format])

    @property
    def is_for_us(self) -> bool:
        """Whether the stack's model is one that is written here."""
        ours = [(self.output / name).resolve() for name in FILES.values()]
        return self.model_file is None or self.model_file.resolve() in ours


def fill(order: Order) -> str:
    """Train the model, unless it is up to date or the user's own; return what was done in one sentence.

    Raises TrainingError, and DatasetError or OSError if data or model cannot be read or written.
    """
    if not order.is_for_us:
        return _leave(order)
    file = order.file
    current, change = (None, None) if order.force else read_current(order.output, order.dataset, file.name)
    if current:
        return (
            f"{file} is up to date (accuracy {current['accuracy']:.4f} on {order.dataset}): "
            f"make model FORCE=1 (--force) trains it again."
        )
    if change:
        print(f"The model is trained again: {change}.", file=sys.stderr)
    return _train(order)


def _train(order: Order) -> str:
    from rich.console import Console  # an up-to-date model needs none of it

    _settle_rounding()
    train = load(order.dataset, "train", directory=order.directory)
    test = load(order.dataset, "test", directory=order.directory)
    doing = f"Training on {train.rows:,} images of {train.name}, usually {_USUALLY[train.name]}"
    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"{doing} …", file=sys.stderr)
    with console.status(doing):
        metadata = write(fit(train), train, test, order.output, order.file.name)
    return f"{order.file} written: accuracy {metadata['accuracy']:.4f} on {test.rows:,} test images of {test.name}."


def _leave(order: Order) -> str:
    """Say that a model of the user's own is used as it is; one that is missing, or is to be trained, is an error."""
    ours, theirs = order.output / FILES[order.format], order.model_file
    if order.force:
        raise TrainingError(f"{theirs} (modelFile) is not what is trained here: take the setting out to use {ours}.")
    if theirs is None or not theirs.is_file():
        raise TrainingError(
            f"{theirs} (modelFile) is missing: put it there with metadata.json next to it, or take the "
            f"setting out to use what is trained here, {ours}."
        )
    return f"{theirs} is used as it is, nothing is trained: modelFile names it."


def _settle_rounding() -> None:
    """Have OpenBLAS take the same code wherever there is AVX, where it would choose by the CPU.

    Another rounding ends liblinear's iterations elsewhere: other bytes, and on MNIST an image or three in 10,000.
    It looks when numpy and SciPy are first imported, which is later than here.
    """
    processor = Path("/proc/cpuinfo")
    if processor.exists() and " avx " in processor.read_text(encoding="utf-8", errors="replace"):
        os.environ["OPENBLAS_CORETYPE"] = "Sandybridge"
