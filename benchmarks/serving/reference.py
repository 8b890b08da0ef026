"""The model in this process: it gives the expected labels of every lane, and the least time that an answer can take."""

from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reference:
    """The pickle, and its ten linear decisions as one matrix."""

    def __init__(self, file: Path) -> None:
        threadpool_limits(1)  # as each server has; it lasts as long as the process
        self._model = joblib.load(file)
        self._weights = np.vstack([part.coef_ for part in self._model.estimators_]).T.copy()
        self._intercepts = np.hstack([part.intercept_ for part in self._model.estimators_])

    def predict(self, images: "NDArray[np.uint8]") -> list[int]:
        """Return the model's own labels."""
        labels: list[int] = self._model.predict(images / 255).tolist()
        return labels

    def multiply(self, rows: "NDArray[np.float64]") -> "NDArray[np.uint8]":
        """Return the labels by one matrix product in float64."""
        labels: NDArray[np.uint8] = self._model.classes_[(rows @ self._weights + self._intercepts).argmax(axis=1)]
        return labels
