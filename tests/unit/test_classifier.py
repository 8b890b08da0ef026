"""The classifier: quick where the decision is linear, and in every case what the model's own predict() says."""

from typing import Any

import numpy as np
import pytest
from classifier import Classifier
from rows import BadRequestError
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from evaluation import datasets

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRAIN, TEST = datasets.load("digits", "train"), datasets.load("digits", "test")
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
LINEAR = {
    "one-vs-rest": OneVsRestClassifier(LogisticRegression(solver="liblinear")),
    "multinomial": LogisticRegression(max_iter=15),
    "without intercept": LogisticRegression(max_iter=15, fit_intercept=False),
    "linear support vectors": LinearSVC(max_iter=15),
    "stochastic gradient": SGDClassifier(max_iter=5, tol=None),
    "ridge": RidgeClassifier(),
}
OTHER = {
    "forest": RandomForestClassifier(10),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(max_iter=15)),
    "support vectors": SVC(kernel="linear"),
    "regressor": Ridge(),
}


def fitted(model: Any, labels: Any = TRAIN.labels, rows: int = 200) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """Return the model, trained on a few digits."""
    return model.set_params(**({"random_state": 0} if "random_state" in model.get_params() else {})).fit(
        TRAIN.images[:rows] / 255, labels[:rows]
    )


@pytest.mark.parametrize("name", [*LINEAR, *OTHER])
def test_every_label_is_the_one_that_predict_gives(name: str) -> None:
    """For float64, float32 and uint8, for numbers and for words, one row or many."""
    for labels in (TRAIN.labels, WORDS[TRAIN.labels]) if name != "regressor" else (TRAIN.labels,):
        model = fitted({**LINEAR, **OTHER}[name], labels)
        classifier = Classifier(model)
        assert classifier.path == ("linear" if name in LINEAR else "predict")
        expected = model.predict(TEST.images / 255)
        for rows in (TEST.images / 255, TEST.images):
            answers = classifier.predict([rows[:1], rows[1:200], rows[200:]])
            assert answers.dtype == expected.dtype
            assert np.allclose(answers, expected) if name == "regressor" else np.array_equal(answers, expected)
        singles = classifier.predict([(TEST.images / 255).astype(np.float32)])
        assert np.allclose(singles, expected, atol=1e-3) if name == "regressor" else np.array_equal(singles, expected)


@pytest.mark.parametrize("model", [LogisticRegression(max_iter=15), OneVsRestClassifier(LogisticRegression())])
def test_two_classes_are_decided_as_predict_does(model: Any) -> None:  # noqa: ANN401
    """One score decides between two classes, at zero too."""
    fitted(model, TRAIN.labels % 2 == 0)
    assert np.array_equal(Classifier(model).predict([TEST.images]), model.predict(TEST.images / 255))


def test_where_scores_are_equal_the_same_class_wins() -> None:
    """The first of the highest scores decides, as it does in scikit-learn."""
    for model in (OneVsRestClassifier(LogisticRegression()), LogisticRegression(max_iter=15)):
        fitted(model)
        parts = model.estimators_ if isinstance(model, OneVsRestClassifier) else [model]
        for part in parts:
            part.coef_[:] = part.intercept_[:] = 0
        classifier = Classifier(model)
        assert classifier.path == "linear"
        assert np.array_equal(classifier.predict([TEST.images[:3]]), model.predict(TEST.images[:3] / 255))


class Contrary(LogisticRegression):  # type: ignore[misc] # scikit-learn ships no types
    """Has weights and does not go by them."""

    def predict(self, X: Any) -> Any:  # noqa: ANN401, N803 - scikit-learn's own name
        """Return the class that is least likely."""
        return self.classes_[self.decision_function(X).argmin(axis=1)]


def test_a_model_that_decides_otherwise_answers_by_its_own_predict() -> None:
    """The weights are used only if they give predict()'s labels."""
    model = fitted(Contrary(max_iter=15))
    classifier = Classifier(model)
    assert classifier.path == "predict"
    assert np.array_equal(classifier.predict([TEST.images]), model.predict(TEST.images / 255))


@pytest.mark.parametrize("model", [OneVsRestClassifier(LogisticRegression()), SVC()])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_row(model: BaseEstimator, value: float) -> None:
    """Rows are counted through all blocks."""
    rows = np.zeros((5, 784), np.float32)
    rows[3, 700] = value
    with pytest.raises(BadRequestError, match="Row 8 holds a value that is not a finite number"):
        Classifier(fitted(model)).predict([np.zeros((5, 784), np.float32), rows])


def test_a_model_that_takes_missing_numbers_is_given_them() -> None:
    """A forest has branches for them, as it has in the tutorial's way."""
    model = fitted(RandomForestClassifier(5))
    rows = np.zeros((2, 784))
    rows[1, 300:] = np.nan
    assert np.array_equal(Classifier(model).predict([rows]), model.predict(rows))
    rows[1, 300] = np.inf
    with pytest.raises(BadRequestError, match="The model does not take these numbers: Input X contains infinity"):
        Classifier(model).predict([rows])


def test_an_answer_that_is_not_finite_is_refused() -> None:
    """It would not be JSON."""
    model = fitted(Ridge())
    model.coef_[:] = 1e300
    with pytest.raises(BadRequestError, match="no finite answer"):
        Classifier(model).predict([np.full((2, 784), 1e300)])


def test_numbers_too_large_for_the_product_are_answered_as_predict_does() -> None:
    """What overflows is given to predict(), which overflows in its own way."""
    model = fitted(OneVsRestClassifier(LogisticRegression()))
    rows = np.full((2, 784), 1e308)
    rows[1] = -1e308
    with np.errstate(all="ignore"):
        assert np.array_equal(Classifier(model).predict([rows]), model.predict(rows))
