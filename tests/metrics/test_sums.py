"""Metrics that are computed from sums over all samples."""

import numpy as np
import pytest

from gru_c.metrics.sums import SumsMetric, ratio


class RelativeError(SumsMetric):
    """The sum of all errors over the sum of all targets."""

    def sums_of(self, y, p, weight):
        factor = 1.0 if weight is None else weight
        return {"error": (factor * abs(y - p)).sum(axis=0), "total": (factor * y).sum(axis=0)}

    def result_of(self, sums):
        return ratio(sums["error"], sums["total"])


Y, P = np.array([[1.0], [2.0], [5.0]]), np.array([[2.0], [2.0], [4.0]])


def test_batches_of_any_size_add_up():
    metric = RelativeError()
    for rows in (slice(0, 1), slice(1, None)):
        metric.update(Y[rows], P[rows])
    assert np.asarray(metric.result()).item() == pytest.approx(2 / 8)
    metric.update(Y[:1], P[:1], sample_weight=np.array([2.0]))
    assert np.asarray(metric.result()).item() == pytest.approx(4 / 10)


def test_the_state_is_the_sums_and_continues_in_another_object():
    first, second = RelativeError(), RelativeError()
    first.update(Y[:2], P[:2])
    second.set_state(first.get_state())
    assert first.get_state() == {"error": [1.0], "total": [3.0]}
    second.update(Y[2:], P[2:])
    assert np.asarray(second.result()).item() == pytest.approx(2 / 8)


def test_sums_of_another_shape_are_refused_and_change_nothing():
    metric = RelativeError()
    metric.update(Y, P)
    before = metric.get_state()
    with pytest.raises(ValueError, match="call reset first"):
        metric.update(np.ones((2, 3)), np.ones((2, 3)))
    assert metric.get_state() == before


def test_a_ratio_over_zero_is_zero():
    np.testing.assert_array_equal(ratio(np.array([1.0, 3.0]), np.array([0.0, 2.0])), [0, 1.5])
