"""Masking: the mask, the output and the gradient."""

import numpy as np
import pytest

from gru_c import Masking

RNG = np.random.default_rng(61)
X = RNG.standard_normal((3, 6, 4))
MASK = np.array([[True] * 6, [True] * 2 + [False] * 4, [False] * 6])


def with_masked_steps(value):
    """Return X with `value` in the steps that MASK excludes, and in one feature of a step."""
    x = np.where(MASK[:, :, None], X, value)
    x[0, 0, 1] = value
    return x


@pytest.mark.parametrize("value", [0.0, -1.5, 0.1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masking(value, dtype):
    layer, x = Masking(value, dtype=dtype), with_masked_steps(value)
    np.testing.assert_array_equal(layer.compute_mask(x), MASK)
    expected = np.where(MASK[:, :, None], x, 0).astype(dtype)
    np.testing.assert_array_equal(layer(x, training=True), expected)
    gradient = layer.backward(np.ones(X.shape))
    np.testing.assert_array_equal(gradient, np.broadcast_to(MASK[:, :, None], X.shape))
