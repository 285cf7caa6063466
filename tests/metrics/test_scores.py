"""F scores and the coefficient of determination, by hand."""

import numpy as np
import pytest

from gru_c import metrics

# Class 0: 1 right, 1 false alarm; class 1: 1 right, 1 missed; class 2: 1 right.
Y = np.eye(3)[[0, 1, 1, 2]]
P = np.eye(3)[[0, 0, 1, 2]]
OF_CLASSES = np.array([2 * 0.5 * 1 / 1.5, 2 * 1 * 0.5 / 1.5, 1.0])


def result(metric, y=Y, p=P):
    for rows in (slice(0, 1), slice(1, None)):
        metric.update(y[rows], p[rows])
    return metric.result()


@pytest.mark.parametrize(
    ("average", "expected"),
    [
        (None, OF_CLASSES),
        ("macro", OF_CLASSES.mean()),
        ("weighted", (OF_CLASSES * [1, 2, 1]).sum() / 4),
        ("micro", 0.75),
    ],
)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(average, expected):
    np.testing.assert_allclose(result(metrics.F1Score(average)), expected, rtol=1e-6)


def test_beta_weighs_the_recall():
    precision, recall = np.array([0.5, 1, 1]), np.array([1, 0.5, 1])
    expected = 5 * precision * recall / (4 * precision + recall)
    np.testing.assert_allclose(result(metrics.FBetaScore(beta=2.0)), expected, rtol=1e-6)


def test_the_coefficient_of_determination_compares_with_the_mean():
    y, p = np.array([[1.0], [2.0], [3.0], [6.0]]), np.array([[1.5], [2.0], [2.0], [6.0]])
    expected = 1 - (0.25 + 1) / ((y - y.mean()) ** 2).sum()
    assert result(metrics.R2Score(), y, p) == pytest.approx(expected, rel=1e-6)
    assert result(metrics.R2Score(), y, np.full_like(y, y.mean())) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.F1Score("mean"), "average must be None, 'micro', 'macro' or 'weighted'"),
        (lambda: metrics.FBetaScore(beta=0), "beta must be"),
        (lambda: metrics.R2Score("sum"), "class_aggregation must be one of"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
