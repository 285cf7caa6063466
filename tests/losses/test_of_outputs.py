"""The weighted sum of the losses of several outputs."""

import numpy as np
import pytest

from gru_c import losses
from gru_c.common.array_group import ArrayGroup
from gru_c.losses.of_outputs import OutputLosses


def test_the_loss_and_its_gradients_are_weighted_sums():
    rng = np.random.default_rng(0)
    y = ArrayGroup([rng.normal(size=(4, 1)), None, rng.normal(size=(4, 2))])
    p = ArrayGroup([rng.normal(size=(4, 1)), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))])
    mse, mae = losses.MeanSquaredError(), losses.MeanAbsoluteError()
    both = OutputLosses(["a", "b", "c"], [mse, None, mae], [1.0, 1.0, 0.5])
    value, gradients = both.value_and_gradient(y, p)
    first, d_first = mse.value_and_gradient(y.arrays[0], p.arrays[0])
    last, d_last = mae.value_and_gradient(y.arrays[2], p.arrays[2])
    assert value == pytest.approx(first + 0.5 * last)
    assert both(y, p) == pytest.approx(value)
    assert both.values == [first, None, last]
    np.testing.assert_array_equal(gradients.arrays[0], d_first)
    assert gradients.arrays[1] is None
    np.testing.assert_allclose(gradients.arrays[2], 0.5 * d_last)


def test_each_loss_must_be_a_number():
    both = OutputLosses(["a"], [losses.MeanSquaredError(reduction=None)], [1.0])
    with pytest.raises(ValueError, match="reduction=None"):
        both.require_reduction()
