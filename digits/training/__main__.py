"""`python -m digits.training`: make model/ from digits or MNIST, unless it is there and up to date.

Exit codes: 0 the model is there, 2 it could not be made.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import os
import sys
import traceback
from pathlib import Path

from digits.datasets import NAMES, DatasetError, load
from digits.training.model import MODEL_FILE, SKOPS_FILE, fit, read_current, write

_FILES = {"pickle": MODEL_FILE, "skops": SKOPS_FILE}
_USUALLY = {"digits": "a second", "mnist": "under a minute"}


def main(arguments: list[str] | None = None) -> int:
    """Train as the arguments say and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _train(options)
    except (DatasetError, OSError) as error:
        if options.debug:
            traceback.print_exc()
        print(f"No model was made: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: no model was made.", file=sys.stderr)
        return 130


def _train(options: argparse.Namespace) -> int:
    if options.model_file and not _is_written_here(options):
        return _leave(options)
    name = SKOPS_FILE if options.model_file and options.model_file.suffix == ".skops" else _FILES[options.format]
    file = options.output / name
    current, change = (None, None) if options.force else read_current(options.output, options.dataset, name)
    if current:
        print(
            f"{file} is up to date (accuracy {current['accuracy']:.4f} on {options.dataset}): "
            f"make model FORCE=1 (--force) trains it again."
        )
        return 0
    if change:
        print(f"The model is trained again: {change}.", file=sys.stderr)
    from rich.console import Console  # noqa: PLC0415 - an up-to-date model needs none of it

    _settle_rounding()
    train = load(options.dataset, "train", directory=options.directory)
    test = load(options.dataset, "test", directory=options.directory)
    doing = f"Training on {train.rows:,} images of {train.name}, usually {_USUALLY[train.name]}"
    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"{doing} …", file=sys.stderr)
    with console.status(doing):
        metadata = write(fit(train), train, test, options.output, name)
    print(f"{file} written: accuracy {metadata['accuracy']:.4f} on {test.rows:,} test images of {test.name}.")
    return 0


def _is_written_here(options: argparse.Namespace) -> bool:
    return options.model_file.resolve() in [(options.output / name).resolve() for name in _FILES.values()]


def _leave(options: argparse.Namespace) -> int:
    """Say that a model of the user's own is used as it is; one that is not there, or is to be trained, is an error."""
    ours = options.output / _FILES[options.format]
    if options.force:
        print(
            f"{options.model_file} (modelFile) is not what is trained here: take the setting out to use {ours}.",
            file=sys.stderr,
        )
        return 2
    if not options.model_file.is_file():
        print(
            f"{options.model_file} (modelFile) is missing: put it there with metadata.json next to it, or take the "
            f"setting out to use what is trained here, {ours}.",
            file=sys.stderr,
        )
        return 2
    print(f"{options.model_file} is used as it is, nothing is trained: modelFile names it.")
    return 0


def _settle_rounding() -> None:
    """Have OpenBLAS take the same code wherever there is AVX, where it would choose by the CPU.

    Another rounding ends liblinear's iterations elsewhere: other bytes, and on MNIST an image or three in 10,000.
    It looks when numpy and SciPy are first imported, which is later than here.
    """
    processor = Path("/proc/cpuinfo")
    if processor.exists() and " avx " in processor.read_text(encoding="utf-8", errors="replace"):
        os.environ["OPENBLAS_CORETYPE"] = "Sandybridge"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m digits.training",
        description="Make the model that is deployed, with a record of how it was made.",
    )
    parser.add_argument("--dataset", choices=NAMES, default="digits", help="what to train on (default: %(default)s)")
    parser.add_argument(
        "--directory",
        type=Path,
        help="where the MNIST files are, under any names, gzipped or not (default: download them once)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(_FILES),
        default="pickle",
        help="pickle: the same bytes each time; skops: loading it runs no code, but its bytes differ each time, so a "
        "file that is up to date is not written again: deploy the same one everywhere (default: %(default)s)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("model"), help="where to write; it holds one model (default: %(default)s/)"
    )
    parser.add_argument(
        "--model-file",
        type=Path,
        help="the stack's modelFile: its suffix chooses the format, and nothing is trained if it is no file that is "
        "written here",
    )
    parser.add_argument("--force", action="store_true", help="train even when the model is up to date")
    parser.add_argument("--debug", action="store_true", help="show a traceback with an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
