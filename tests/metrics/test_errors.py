"""Metrics of regression, by hand, over batches of different size."""

import numpy as np
import pytest

from gru_c import losses, metrics

Y, P = np.array([[0.0], [1.0], [4.0]]), np.array([[0.5], [1.0], [2.0]])


def result(metric, weight=None):
    for rows in (slice(0, 1), slice(1, None)):
        of_rows = None if weight is None else weight[rows]
        metric.update(Y[rows], P[rows], sample_weight=of_rows)
    return metric.result()


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (metrics.MeanSquaredError(), (0.25 + 0 + 4) / 3),
        (metrics.MeanAbsoluteError(), 2.5 / 3),
        (metrics.RootMeanSquaredError(), np.sqrt((0.25 + 0 + 4) / 3)),
        (metrics.MeanOfLoss("huber"), (0.125 + 0 + 1.5) / 3),
        (metrics.MeanOfLoss(losses.Huber(0.5)), (0.125 + 0 + 0.5 * 1.75) / 3),
    ],
    ids=repr,
)
def test_the_mean_is_over_the_samples_and_not_over_the_batches(metric, expected):
    assert result(metric) == pytest.approx(expected, rel=1e-12)


def test_samples_count_with_their_weights():
    weight = np.array([2.0, 1.0, 1.0])
    assert result(metrics.MeanSquaredError(), weight) == pytest.approx((0.5 + 0 + 4) / 4)


def test_the_mean_of_a_loss_has_the_name_of_the_loss():
    assert metrics.MeanOfLoss("mae").name == losses.get("mae").name
    assert metrics.MeanOfLoss("mae", name="other").name == "other"
