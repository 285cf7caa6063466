"""Functions of users as metrics."""

import numpy as np
import pytest
from metric_samples import P, Y, stream

from gru_c import metrics


def test_function_is_averaged_by_rows():
    def worst(y, p):
        return abs(p - y).max()

    metric = metrics.get(worst)
    batches = np.split(abs(Y - P), [1, 8])
    expected = sum(len(b) * b.max() for b in batches) / 20
    assert stream(metric, Y, P) == pytest.approx(expected, rel=1e-12)
    assert metric.name == "worst"
    with pytest.raises(TypeError, match="metric 'worst' is a function"):
        metrics.serialize(metric)


def test_a_function_may_give_a_value_for_each_row():
    def absolute(y, p):
        return np.abs(p - y)

    for function in (absolute, lambda y, p: absolute(y, p).mean(axis=1).tolist()):
        assert stream(metrics.get(function), Y, P) == pytest.approx(abs(Y - P).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda y, p: np.ones(3), ValueError, r"a value for each of the 2 rows, .* \(3,\)"),
        (lambda y, p: None, TypeError, "must return a number, got None"),
        (lambda y, p: "1.x", TypeError, "must return a number, got '1.x'"),
    ],
)
def test_what_a_function_gives_is_checked(function, error, message):
    with pytest.raises(error, match=message):
        metrics.get(function).update([1.0, 2.0], [[1.0], [3.0]])


def test_targets_without_the_last_axis_may_be_used_in_other_ways():
    y, p = np.array([1.0, 2.0, 4.0]), np.array([[1.0], [3.0], [6.0]])
    for function in (
        lambda y, p: np.abs(p[:, 0] - y).mean(),
        lambda y, p: np.abs(p - y[:, None]).mean(),
        lambda y, p: np.abs(np.subtract(y, p.ravel(), out=y.copy())).mean(),
        lambda y, p: abs(p.sum() - y.sum()) / len(y),
        lambda y, p: abs((np.ones(3) @ p - y @ np.ones(3)).item()) / 3,
    ):
        metric = metrics.get(function)
        metric.update(y, p)
        assert metric.result() == pytest.approx(1.0)
