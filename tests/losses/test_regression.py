"""Losses of regression, by hand."""

import numpy as np
import pytest

from gru_c import losses


@pytest.mark.parametrize("delta", [0, -1, np.nan, np.inf])
def test_huber_delta(delta):
    with pytest.raises(ValueError, match="delta must be a finite number > 0"):
        losses.Huber(delta)


@pytest.mark.parametrize(
    ("loss", "value", "slopes"),
    [
        (losses.MeanSquaredError(), (0.25 + 9) / 2, [0.5, -3]),
        (losses.MeanAbsoluteError(), (0.5 + 3) / 2, [0.5, -0.5]),
        (losses.Huber(), (0.125 + 2.5) / 2, [0.25, -0.5]),
        (losses.Huber(delta=4.0), (0.125 + 4.5) / 2, [0.25, -1.5]),
    ],
    ids=repr,
)
def test_values_and_slopes_by_hand(loss, value, slopes):
    y, p = np.array([[1.0, 2.0]]), np.array([[1.5, -1.0]])
    actual, gradient = loss.value_and_gradient(y, p)
    assert actual == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(gradient, [slopes], rtol=1e-12)


def test_no_error_has_no_slope():
    for name in ("mse", "mae", "huber"):
        value, gradient = losses.get(name).value_and_gradient(np.ones((2, 1)), np.ones((2, 1)))
        assert value == 0
        assert not gradient.any()
