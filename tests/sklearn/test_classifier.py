"""The classifier: its equations, classes and labels, and data that it refuses."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from estimators import CLASSES, X, Y, classifier, specified_output
from tools import assert_same_bits


def test_probabilities_are_those_of_the_equations():
    fitted = classifier().fit(X, CLASSES)
    outputs = np.array([specified_output(fitted.model_, x) for x in X])
    expected = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-5)
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(expected), atol=1e-5)
    odds = fitted.decision_function(X)
    np.testing.assert_allclose(odds, np.log(expected[:, 1] / expected[:, 0]), atol=1e-5)
    np.testing.assert_allclose(fitted.model_.predict(X), expected, rtol=1e-5)
    assert set(fitted.predict(X[odds > 0])) <= {"up"}


def test_classes_of_all_kinds():
    for classes in (CLASSES, CLASSES.astype(object), np.where(CLASSES == "up", -1, 3)):
        fitted = classifier(epochs=60, learning_rate=0.02).fit(X, classes)
        assert_same_bits(fitted.classes_, np.unique(classes))
        assert fitted.score(X, classes) > 0.9
    three = np.digitize(X[:, -1, 0], [-0.5, 0.5])
    fitted = classifier(epochs=100, learning_rate=0.03).fit(X, three)
    assert fitted.score(X, three) > 0.9
    assert fitted.decision_function(X).shape == fitted.predict_proba(X).shape == (50, 3)


def test_several_labels_of_a_sample():
    labels = (X[:, -1] > 0).astype(int)
    fitted = classifier(epochs=100, learning_rate=0.02).fit(X, labels)
    assert fitted.score(X, labels) > 0.8
    assert_same_bits(fitted.classes_, np.arange(2))
    p = fitted.predict_proba(X)
    np.testing.assert_array_equal(p > 0.5, fitted.predict(X))
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-fitted.decision_function(X))))
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(p))
    fitted.set_params(early_stopping=True, validation_fraction=0.3, warm_start=True)
    assert fitted.fit(X, labels).best_validation_score_ >= 0.6


def test_a_class_without_weight_is_left_out():
    three = np.digitize(X[:, -1, 0], [-0.5, 0.5])
    fitted = classifier().fit(X, three, three != 1)
    assert list(fitted.classes_) == [0, 2]
    with pytest.raises(ValueError, match=r"only one class: \[2\]"):
        classifier().fit(X, three, three == 2)


def test_partial_fit_of_a_classifier():
    started = classifier()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        started.partial_fit(X, CLASSES)
    started.partial_fit(X[:3], ["up"] * 3, classes=["up", "even", "down"])
    started.partial_fit(X, CLASSES)
    assert list(started.classes_) == ["down", "even", "up"]
    assert started.n_iter_ == 2
    with pytest.raises(ValueError, match=r"classes must be the same.*they were \['down', 'even'"):
        started.partial_fit(X, CLASSES, classes=["up", "down"])
    with pytest.raises(ValueError, match=r"y holds 'odd', which is not among the classes \['down"):
        started.partial_fit(X[:2], ["up", "odd"])
    with pytest.raises(ValueError, match=r"y must have shape \(n,\) as before, got \(50, 2\)"):
        started.partial_fit(X, (X[:, -1] > 0).astype(int))
    with pytest.raises(ValueError, match="partial_fit takes one epoch"):
        started.set_params(early_stopping=True).partial_fit(X, CLASSES)
    labels = classifier().partial_fit(X, (X[:, -1] > 0).astype(int), classes=[0, 1])
    assert labels.predict(X).shape == (50, 2)
    with pytest.raises(ValueError, match=r"classes of 2 labels are 0, ..., 1, got \[0, 1, 2\]"):
        classifier().partial_fit(X, (X[:, -1] > 0).astype(int), classes=[0, 1, 2])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y, "Unknown label type: continuous"),
        (np.ones(50), r"at least 2 classes .* only one class: \[1.0\]"),
        (np.arange(100).reshape(50, 2) % 3, "a column for each label"),
        ([None] * 50, "Unknown label type"),
    ],
)
def test_a_classifier_refuses(y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, y)
