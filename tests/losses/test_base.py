"""The base class of all losses: the mean, its divisor, sums in float64."""

import numpy as np
import pytest
from loss_cases import C, N, data, every_loss, every_shape

from gru_c import losses


@every_loss
@every_shape
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_is_new_and_of_the_same_dtype(loss, shape, dtype):
    y, p = data(loss, shape)
    p = p.astype(dtype)
    before, y_before = p.copy(), y.copy()
    for logits in [False, True] if loss.paired_activation else [False]:
        gradient = loss.value_and_gradient(y, p, logits=logits)[1]
        assert gradient.dtype == dtype
        assert gradient.shape == shape
        assert not np.shares_memory(gradient, p)
        assert not np.shares_memory(gradient, y)
    np.testing.assert_array_equal(p, before)
    np.testing.assert_array_equal(y, y_before)


@every_loss
@pytest.mark.parametrize("shape", [(0, 2), (0, 3, 2), (4, 0, 2)])
def test_nothing_costs_nothing(loss, shape):
    y, p = data(loss, shape)
    value, gradient = loss.value_and_gradient(y, p, np.ones(shape[0]))
    assert value == loss(y, p) == 0.0
    assert gradient.shape == shape


def test_divisor_is_the_count_not_the_weights():
    value, gradient = losses.get("mse").value_and_gradient(
        [0, 0, 0], [[1.0], [2.0], [3.0]], [2, 1, 0]
    )
    assert value == (2 * 1 + 1 * 4 + 0 * 9) / 3
    np.testing.assert_allclose(gradient, [[2 * 2 * 1 / 3], [2 * 1 * 2 / 3], [0]], rtol=1e-15)


def test_sums_in_float64():
    p = np.full((2**20, 1), 0.1, np.float32)
    exact = float(np.float32(0.1)) ** 2
    assert losses.get("mse")(np.zeros(2**20, np.float32), p) == pytest.approx(exact, rel=1e-12)


@every_loss
def test_diverged_predictions_give_a_value_without_warnings(loss):
    y, p = data(loss, (N, C))
    p[0, 0], p[1, 1] = np.nan, np.inf
    value, gradient = loss.value_and_gradient(y, p)
    assert not np.isfinite(value)
    assert gradient.shape == p.shape
