# ruff: noqa: INP001 - a folder that is deployed, not a package
"""A model that answers quickly: by one matrix product if its decision is linear, else by its own predict().

scikit-learn's predict() checks its input, and one-vs-rest asks each of its classifiers in turn. For a single row, that
takes a hundred times as long as the product. At start, the product is compared with the model's own predict() and
predict_proba(), and it is not used if they differ.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from rows import BadRequestError, require_finite
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.multiclass import OneVsRestClassifier

_PIXEL = 255
_CHECKED_ROWS = 200
# A fitted estimator shows its width in one of these: as a number, as the last length of an array, or in its parts.
_WIDTHS = ("n_features_in_", "n_features_")
_LEARNT = ("coef_", "mean_", "scale_", "components_", "support_vectors_", "_fit_X", "theta_", "feature_log_prob_")
_PARTS = ("steps", "best_estimator_", "estimators_", "calibrated_classifiers_", "base_estimator", "estimator")
_DEEPEST = 4
_NUMERAL = re.compile(r"0|-?[1-9][0-9]*")


class Classifier:
    """Labels for blocks of rows; uint8 rows hold pixels of 0 to 255, all others numbers from 0 to 1."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.width = find_width(model)
        self._weights: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._share: Callable[[np.ndarray], np.ndarray] | None = None
        self._integers = _find_integers(_find_classes(model))
        linear = _find_linear(model)
        if linear:
            weights, intercepts, self._labels = linear
            for dtype, scale in (("float64", 1), ("float32", 1), ("uint8", _PIXEL)):
                held = np.float64 if dtype == "float64" else np.float32
                self._weights[dtype] = np.ascontiguousarray(weights / scale, held), intercepts.astype(held)
            self._keep_what_agrees()

    @property
    def path(self) -> str:
        """How rows are answered: "linear" or "predict"."""
        return "linear" if self._weights else "predict"

    @property
    def classes(self) -> np.ndarray | None:
        """The labels in the order of their probabilities; None if the model has no probabilities."""
        return _find_classes(self._model) if hasattr(self._model, "predict_proba") else None

    def predict(self, blocks: Iterable[np.ndarray]) -> np.ndarray:
        """Return one label for each row, in their order; NaN and infinities raise BadRequestError."""
        if not self._weights:
            return self._ask_model("predict", np.concatenate([*blocks]), 0)
        answers: list[np.ndarray] = []
        first = 0
        for block in blocks:
            scores = self._score(block)
            if scores is None:
                answers.append(self._ask_model("predict", block, first))
            else:
                answers.append(self._labels[scores.argmax(axis=1)])
            first += len(block)
        return np.concatenate(answers) if len(answers) > 1 else answers[0]

    def to_int32(self, labels: np.ndarray) -> np.ndarray | None:
        """Return labels as int32; None unless each is a whole number that fits, or all classes are written like one."""
        if labels.ndim == 1 and labels.dtype.kind not in "biu":
            labels = np.array([self._integers.get(label) for label in labels.tolist()])
        limits = np.iinfo(np.int32)
        if (
            labels.ndim > 1
            or labels.dtype.kind not in "biu"
            or (labels > limits.max).any()
            or (labels < limits.min).any()
        ):
            return None
        return labels.astype("<i4")

    def estimate(self, blocks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return one label for each row, and (rows, classes) probabilities in the order of `classes`."""
        answers: list[tuple[np.ndarray, np.ndarray]] = []
        first = 0
        for block in blocks:
            # In float64 throughout: a score's rounding is small, and its exponential's is not.
            rows = block / _PIXEL if block.dtype == np.uint8 else block.astype(np.float64, copy=False)
            answers.append(
                self._estimate_quickly(rows)
                or (self._ask_model("predict", rows, first), self._ask_model("predict_proba", rows, first))
            )
            first += len(rows)
        labels, probabilities = (np.concatenate(parts) for parts in zip(*answers, strict=True))
        if labels.ndim > 1:
            raise BadRequestError("This model gives several labels for a row: accept application/json.", 406)
        return labels, probabilities

    def _estimate_quickly(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        scores = self._score(rows) if self._share else None
        if self._share is None or scores is None:
            return None
        shares = self._share(scores)
        return (self._labels[scores.argmax(axis=1)], shares) if np.isfinite(shares).all() else None

    def _score(self, rows: np.ndarray) -> np.ndarray | None:
        """Return a score for each class of each row; None if a number is not finite, or too large for a product."""
        weights, intercepts = self._weights.get(rows.dtype.name) or self._weights["float64"]
        with np.errstate(over="ignore", invalid="ignore"):
            scores: np.ndarray = rows.astype(weights.dtype, copy=False) @ weights
            scores += intercepts
        # Such numbers are rare and show in the scores, so only these are checked.
        return scores if np.isfinite(scores).all() else None

    def _ask_model(self, method: str, rows: np.ndarray, first: int) -> np.ndarray:
        """Return the answer of the model's own predict() or predict_proba(); `first` is the number of the first row."""
        if rows.dtype == np.uint8:
            rows = rows / _PIXEL
        if not self._model.__sklearn_tags__().input_tags.allow_nan:
            require_finite(rows, first)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                answer = np.asarray(getattr(self._model, method)(rows.astype(np.float64, copy=False)))
        except ValueError as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise BadRequestError(f"The model does not take these numbers: {reason}.") from None
        if answer.dtype.kind == "f" and not np.isfinite(answer).all():
            raise BadRequestError("The model has no finite answer to these numbers.")
        return answer

    def _keep_what_agrees(self) -> None:
        """Drop the product if it gives other labels than predict(): a user's own class may decide otherwise.

        Probabilities come from the product only if one of the two usual formulas gives those of predict_proba().
        """
        generator = np.random.default_rng(0)
        pixels = generator.integers(0, _PIXEL + 1, (_CHECKED_ROWS, self.width), dtype=np.uint8)
        pixels[generator.random(pixels.shape) < 0.8] = 0  # noqa: PLR2004 - the empty share of a digit's picture
        kinds = (pixels / _PIXEL, (pixels / _PIXEL).astype(np.float32), pixels)
        expected = self._model.predict(kinds[0])
        if not all(np.array_equal(self.predict([rows]), expected) for rows in kinds):
            self._weights = {}
        elif self.classes is not None:
            scores, probabilities = self._score(kinds[0]), self._model.predict_proba(kinds[0])
            for share in (_share_sigmoids, _share_exponentials):
                if scores is not None and np.allclose(share(scores), probabilities):
                    self._share = share


class NoWidthError(Exception):
    """The model does not say how many numbers it takes in a row."""


def find_width(model: Any) -> int:
    """Return how many numbers the model takes in a row; raises NoWidthError.

    Models report it since scikit-learn 0.24. Older ones show it in their coefficients, composed ones in their parts.
    """
    width = _find_width(model)
    if width is None:
        raise NoWidthError(
            f"The model, a {type(model).__name__}, does not say how many numbers it takes in a row: "
            f"set its n_features_in_ before it is saved, or train it with scikit-learn 0.24 or newer."
        )
    return width


def _find_width(part: Any, depth: int = 0) -> int | None:
    """Look at the estimator's own attributes, then at its parts, the first of which takes the rows."""
    for name in _WIDTHS:
        value = getattr(part, name, None)
        if isinstance(value, int | np.integer) and not isinstance(value, bool):
            return int(value)
    for name in _LEARNT:
        value = getattr(part, name, None)
        if isinstance(value, np.ndarray) and value.ndim:
            return int(value.shape[-1])
    inner = (_find_width(each, depth + 1) for name in _PARTS for each in _flatten(getattr(part, name, None)))
    return next((width for width in inner if width is not None), None) if depth < _DEEPEST else None


def _flatten(value: Any) -> Iterator[Any]:
    """Yield the estimators in a list of them, or of names and them."""
    if isinstance(value, list | tuple | np.ndarray):
        for each in value:
            yield from _flatten(each)
    elif value is not None and not isinstance(value, str):
        yield value


def _share_sigmoids(scores: np.ndarray) -> np.ndarray:
    """Return probabilities as one-vs-rest gives them: each class's share of their sum; NaN if all are 0."""
    shares: np.ndarray = np.exp(-np.logaddexp(0, -scores))
    with np.errstate(invalid="ignore"):
        shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _share_exponentials(scores: np.ndarray) -> np.ndarray:
    """Return probabilities as a multinomial model gives them: the softmax."""
    shares: np.ndarray = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _find_classes(model: Any) -> np.ndarray | None:
    classes = getattr(model, "classes_", None)
    return classes if isinstance(classes, np.ndarray) and classes.ndim == 1 else None


def _find_integers(classes: np.ndarray | None) -> dict[Any, int]:
    """Return the whole number for each class: 7 for 7.0 and "7", none for "07"; empty unless every class has one."""
    found = [] if classes is None else classes.tolist()
    if not all(
        bool(_NUMERAL.fullmatch(label)) if isinstance(label, str) else isinstance(label, float) and label.is_integer()
        for label in found
    ):
        return {}
    return {label: int(label) for label in found}


def _find_linear(model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
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
