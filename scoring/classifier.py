# ruff: noqa: INP001 - a folder that is deployed, not a package
"""A model that answers quickly: one matrix product where its decision is linear, its own predict() where it is not.

scikit-learn's predict() checks its input, and one-vs-rest asks each of its classifiers in turn: for a single row that
takes a hundred times as long as the product itself.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from rows import BadRequestError, require_finite
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.multiclass import OneVsRestClassifier

_PIXEL = 255
_CHECKED_ROWS = 200


class Classifier:
    """Labels for blocks of rows; uint8 rows hold pixels of 0 to 255, all others numbers from 0 to 1."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - scikit-learn ships no types
        self._model = model
        self.width = int(model.n_features_in_)
        self._weights: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        linear = _find_linear(model)
        if linear:
            weights, intercepts, self._labels = linear
            for dtype, scale in (("float64", 1), ("float32", 1), ("uint8", _PIXEL)):
                held = np.float64 if dtype == "float64" else np.float32
                self._weights[dtype] = np.ascontiguousarray(weights / scale, held), intercepts.astype(held)
            if not self._agrees():
                self._weights = {}

    @property
    def path(self) -> str:
        """How rows are answered: "linear" or "predict"."""
        return "linear" if self._weights else "predict"

    def predict(self, blocks: Iterable[np.ndarray]) -> np.ndarray:
        """Return one label for each row, in their order; NaN and infinities raise BadRequestError."""
        if not self._weights:
            return self._predict_plainly(np.concatenate([*blocks]), 0)
        answers: list[np.ndarray] = []
        first = 0
        for block in blocks:
            answers.append(self._predict_quickly(block, first))
            first += len(block)
        return np.concatenate(answers) if len(answers) > 1 else answers[0]

    def _predict_quickly(self, rows: np.ndarray, first: int) -> np.ndarray:
        weights, intercepts = self._weights.get(rows.dtype.name) or self._weights["float64"]
        with np.errstate(over="ignore", invalid="ignore"):
            scores = rows.astype(weights.dtype, copy=False) @ weights
            scores += intercepts
        # Numbers that are not finite, or too large for a product, show in the scores: rare, so looked at here alone.
        if not np.isfinite(scores).all():
            return self._predict_plainly(rows, first)
        labels: np.ndarray = self._labels[scores.argmax(axis=1)]
        return labels

    def _predict_plainly(self, rows: np.ndarray, first: int) -> np.ndarray:
        if rows.dtype == np.uint8:
            rows = rows / _PIXEL
        if not self._model.__sklearn_tags__().input_tags.allow_nan:
            require_finite(rows, first)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                labels = np.asarray(self._model.predict(rows.astype(np.float64, copy=False)))
        except ValueError as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise BadRequestError(f"The model does not take these numbers: {reason}.") from None
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise BadRequestError("The model has no finite answer to these numbers.")
        return labels

    def _agrees(self) -> bool:
        """Say whether the product gives predict()'s labels: a class of its own making may decide in another way."""
        generator = np.random.default_rng(0)
        pixels = generator.integers(0, _PIXEL + 1, (_CHECKED_ROWS, self.width), dtype=np.uint8)
        pixels[generator.random(pixels.shape) < 0.8] = 0  # noqa: PLR2004 - as much of a digit's picture is empty
        expected = self._model.predict(pixels / _PIXEL)
        kinds = (pixels / _PIXEL, (pixels / _PIXEL).astype(np.float32), pixels)
        return all(np.array_equal(self.predict([rows]), expected) for rows in kinds)


def _find_linear(model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:  # noqa: ANN401
    """Return weights (width, classes), intercepts and labels so that the first of the highest scores decides."""
    if isinstance(model, OneVsRestClassifier) and model.label_binarizer_.y_type_ == "multiclass":
        parts = [part for part in model.estimators_ if isinstance(part, LinearClassifierMixin)]
        if len(parts) != len(model.classes_):
            return None
        weights = np.vstack([part.coef_ for part in parts])
        return weights.T, np.hstack([np.broadcast_to(part.intercept_, 1) for part in parts]), model.classes_
    if isinstance(model, LinearClassifierMixin) and getattr(model, "classes_", np.empty(0)).ndim == 1:
        weights = np.atleast_2d(model.coef_)
        intercepts = np.broadcast_to(model.intercept_, len(weights))
        if len(weights) == 1:  # two classes, one score: above zero is the second
            weights, intercepts = np.vstack([0 * weights, weights]), np.hstack([0 * intercepts, intercepts])
        if len(weights) == len(model.classes_):
            return weights.T, intercepts, model.classes_
    return None
