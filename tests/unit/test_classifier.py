"""The classifier: quick where the decision is linear, and in every case what the model's own predict() says."""

from typing import Any

import numpy as np
import pytest
from classifier import Classifier
from rows import BadRequestError
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from digits import datasets

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


def fitted(model: Any, labels: Any = TRAIN.labels, rows: int = 200) -> Any:
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
def test_two_classes_are_decided_as_predict_does(model: Any) -> None:
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


class Counted:
    """Counts how often the model's own predict_proba is asked."""

    asked = 0

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's own name
        """Return what the model says."""
        self.asked += 1
        return super().predict_proba(X)  # type: ignore[misc] # the other base class has it


CERTAIN = {
    "one-vs-rest": OneVsRestClassifier(LogisticRegression(solver="liblinear")),
    "multinomial": LogisticRegression(max_iter=15),
    "logistic loss": SGDClassifier(loss="log_loss", max_iter=5, tol=None),
    "discriminant": LinearDiscriminantAnalysis(),
}
CERTAIN_BY_ITSELF = {
    "modified loss": SGDClassifier(loss="modified_huber", max_iter=5, tol=None),
    "forest": RandomForestClassifier(10),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(max_iter=15)),
}


@pytest.mark.parametrize("name", [*CERTAIN, *CERTAIN_BY_ITSELF])
def test_every_probability_is_the_one_that_predict_proba_gives(name: str) -> None:
    """For float64, float32 and uint8, for ten classes and for two; off the product where that is how they are made."""
    for labels in (TRAIN.labels, WORDS[TRAIN.labels], TRAIN.labels % 2 == 0):
        model = fitted({**CERTAIN, **CERTAIN_BY_ITSELF}[name], labels)
        unit = TEST.images / 255
        model.__class__ = type(type(model).__name__, (Counted, type(model)), {})
        classifier = Classifier(model)
        asked = 0
        for rows in (unit, unit.astype(np.float32), TEST.images):
            before = model.asked
            found, probabilities = classifier.estimate([rows[:1], rows[1:200], rows[200:]])
            asked += model.asked - before
            assert np.array_equal(found, model.predict(unit))
            expected = model.predict_proba(rows / 255 if rows.dtype == np.uint8 else rows.astype(float))
            assert np.allclose(probabilities, expected)
            assert probabilities.max() <= 1
        assert (asked == 0) == (name in CERTAIN and classifier.path == "linear"), labels
        assert classifier.classes is not None
        assert np.array_equal(classifier.classes, model.classes_)
        model.__class__ = type(model).__mro__[2]


class Modest(LogisticRegression):  # type: ignore[misc] # scikit-learn ships no types
    """Has weights and is less sure than they say."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's own name
        """Return probabilities that are all nearer to the others."""
        return (super().predict_proba(X) + 1 / len(self.classes_)) / 2


def test_a_model_that_is_otherwise_sure_is_believed() -> None:
    """The product gives its labels, and only the model its probabilities."""
    model = fitted(Modest(max_iter=15))
    classifier = Classifier(model)
    assert classifier.path == "linear"
    assert np.array_equal(classifier.estimate([TEST.images])[1], model.predict_proba(TEST.images / 255))


@pytest.mark.parametrize("model", [LinearSVC(max_iter=15), RidgeClassifier(), Ridge(), SVC(kernel="linear")])
def test_a_model_without_probabilities_has_no_classes_to_give_them_for(model: BaseEstimator) -> None:
    """A request for them is refused before anything is scored."""
    assert Classifier(fitted(model)).classes is None


def test_the_edge_of_numbers_is_as_sure_as_predict_proba() -> None:
    """Probabilities that are all 0 before they are divided by their sum are what the model says they are."""
    for model in (OneVsRestClassifier(LogisticRegression()), SGDClassifier(loss="log_loss", max_iter=5, tol=None)):
        fitted(model)
        for part in getattr(model, "estimators_", [model]):
            part.intercept_ -= 1e4
        labels, probabilities = Classifier(model).estimate([TEST.images[:3]])
        assert np.array_equal(probabilities, model.predict_proba(TEST.images[:3] / 255))
        assert np.array_equal(labels, model.predict(TEST.images[:3] / 255))
        with pytest.raises(BadRequestError, match="no finite answer"):
            Classifier(model).estimate([np.full((2, 784), 1e308)])


def test_several_labels_for_a_row_have_no_probability() -> None:
    """Their probabilities would be those of other classes than the labels."""
    model = fitted(OneVsRestClassifier(LogisticRegression()), TRAIN.labels[:, None] < [3, 6])
    with pytest.raises(BadRequestError, match="several labels for a row: accept application/json") as raised:
        Classifier(model).estimate([TEST.images[:3]])
    assert raised.value.status == 406


@pytest.mark.parametrize(
    ("classes", "integers"),
    [
        ((1, 7), [7, 1]),
        (("1", "7"), [7, 1]),
        ((1.0, 7.0), [7, 1]),
        ((False, True), [1, 0]),
        (("1", "07"), None),
        (("1", "seven"), None),
        ((1, 2**40), None),
    ],
)
def test_labels_are_integers_if_all_classes_are_whole_numbers(
    classes: tuple[Any, Any], integers: list[int] | None
) -> None:
    """Or texts that are written like them; what answers one request with bytes answers each."""
    model = fitted(LogisticRegression(max_iter=5), np.array(classes)[(TRAIN.labels > 4).astype(int)])
    found = Classifier(model).to_int32(model.classes_[[1, 0]])
    if found is None:
        assert integers is None
    else:
        assert (found.tolist(), found.dtype) == (integers, np.dtype("<i4"))


class Contrary(LogisticRegression):  # type: ignore[misc] # scikit-learn ships no types
    """Has weights and does not go by them."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's own name
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
