"""Counts of right and wrong decisions, by hand, and the metrics that are made of them."""

import numpy as np
import pytest

from gru_c import metrics

Y = np.array([1, 0, 1, 1, 0])
P = np.array([0.9, 0.6, 0.4, 0.7, 0.2])
WEIGHT = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


def result(metric, weight=None):
    """Return the metric over two batches."""
    for rows in (slice(0, 2), slice(2, None)):
        of_rows = None if weight is None else weight[rows]
        metric.update(Y[rows], P[rows, None], sample_weight=of_rows)
    return metric.result()


@pytest.mark.parametrize(
    ("name", "count", "weighted"),
    [
        ("TruePositives", 2, 5.0),
        ("FalsePositives", 1, 2.0),
        ("FalseNegatives", 1, 3.0),
        ("TrueNegatives", 1, 5.0),
    ],
)
def test_decisions_are_counted_with_their_weights(name, count, weighted):
    assert result(getattr(metrics, name)()) == count
    assert result(getattr(metrics, name)(), WEIGHT) == weighted


def test_precision_and_recall_are_ratios_of_the_counts():
    assert result(metrics.Precision()) == pytest.approx(2 / 3)
    assert result(metrics.Recall()) == pytest.approx(2 / 3)
    assert result(metrics.Precision(), WEIGHT) == pytest.approx(5 / 7)
    assert result(metrics.Recall(), WEIGHT) == pytest.approx(5 / 8)


def test_several_thresholds_give_several_numbers():
    np.testing.assert_array_equal(result(metrics.TruePositives([0.0, 0.5, 0.8])), [3, 2, 1])
    np.testing.assert_allclose(result(metrics.Precision([0.5, 0.8])), [2 / 3, 1.0])


def test_nothing_positive_gives_zero():
    assert result(metrics.Precision(0.95)) == 0


@pytest.mark.parametrize("thresholds", [1.5, [0.5, -0.1], "half"])
def test_thresholds_outside_of_the_unit_interval_are_refused(thresholds):
    with pytest.raises((ValueError, TypeError), match="threshold"):
        metrics.Recall(thresholds)
