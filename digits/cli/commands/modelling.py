"""The command that makes the model: train."""

from digits.cli.command import Command, complete_stack

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from digits.stack import StackFile


@click.command(
    cls=Command,
    section="Model and reports",
    examples=[
        ("digits train", "a model of scikit-learn's digits in model/, unless it is up to date"),
        ("digits train --stack staging --force", "the model of a stack, trained all the same"),
        ("digits train --dataset mnist --format skops", "a model file that runs no code when it is loaded"),
    ],
)
@click.option(
    "--stack", "-s", metavar="STACK", shell_complete=complete_stack, help="Train what the stack needs, by its file."
)
@click.option("--dataset", type=click.Choice(["digits", "mnist"]), help="What to train on (default: digits).")
@click.option(
    "--directory",
    metavar="DIR",
    type=Path,
    help="Where MNIST's files are, gzipped or not (default: download them once).",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["pickle", "skops"]),
    default="pickle",
    show_default=True,
    help="pickle has the same bytes each time. Loading skops runs no code, but its bytes differ each time, so a file "
    "that is up to date is not written again: deploy the same one everywhere.",
)
@click.option(
    "--output",
    metavar="DIR",
    type=Path,
    default=Path("model"),
    show_default=True,
    help="Where to write; it holds one model.",
)
@click.option(
    "--model-file",
    metavar="FILE",
    type=Path,
    help="The stack's modelFile: its suffix chooses the format, and nothing is trained if it is not written here.",
)
@click.option("--force", is_flag=True, help="Train even if the model is up to date.")
def train(  # noqa: PLR0913, PLR0917 - one for each option
    stack: str | None,
    dataset: str | None,
    directory: Path | None,
    file_format: str,
    output: Path,
    model_file: Path | None,
    *,
    force: bool,
) -> None:
    """Train the model that is deployed, unless it is up to date, and record how it was made."""
    if stack is not None:
        from digits.stack import read

        file = read(Path.cwd(), stack)
        dataset, model_file = dataset or _choose_dataset(file), model_file or _find_model_file(file)
    from digits.training.order import Order, fill

    print(fill(Order(dataset or "digits", directory, file_format, output, model_file, force)))


def train_for(file: "StackFile") -> None:
    """Train what a stack needs, unless it is up to date."""
    from digits.training.order import Order, fill

    print(fill(Order(_choose_dataset(file), model_file=_find_model_file(file))), file=sys.stderr)


def _choose_dataset(file: "StackFile") -> str:
    return "digits" if file.get("cloud") == "emulator" else "mnist"


def _find_model_file(file: "StackFile") -> Path | None:
    """Return the model file that the stack's file names; the default is what is trained."""
    named = file.config.get("digits:modelFile")
    return Path(str(named)) if named else None


COMMANDS = (train,)
