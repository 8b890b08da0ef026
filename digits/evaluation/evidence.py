"""Whether data can show anything of a model: its training rows and copies of one image are refused."""

from typing import TYPE_CHECKING

from digits.datasets import DatasetError
from digits.evaluation.evaluation_errors import EvaluationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digits.datasets import Dataset


class SeenDataError(DatasetError):
    """The data is what the model was trained on."""


def require_different(images: "NDArray[np.uint8]", name: str) -> None:
    """Raise EvaluationError unless at least two of the images differ."""
    if (images == images[0]).all():
        held = "one image" if len(images) == 1 else f"{len(images):,} copies of one image"
        raise EvaluationError(
            f"{name} would be evaluated on {held}, which a constant answer may read right: take more rows "
            f"(evaluationRows, --rows), or other data."
        )


def require_unseen(dataset: "Dataset", trained_on: str | None) -> None:
    """Raise SeenDataError if the data is what the model was trained on, by its SHA-256."""
    if dataset.digest == trained_on:
        raise SeenDataError(
            f"{dataset.name} holds the rows that the model was trained on (SHA-256 {dataset.digest[:12]}…), so its "
            f"accuracy on them says nothing: set evaluationDataset to data that training has not seen."
        )
