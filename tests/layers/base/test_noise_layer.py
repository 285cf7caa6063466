"""Layers that change their input at random do so while training only."""

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import GaussianDropout, GaussianNoise, SpatialDropout1D

RNG = np.random.default_rng(106)
X = RNG.standard_normal((40, 30, 20))
KINDS = [(SpatialDropout1D, 0.25), (GaussianDropout, 0.2), (GaussianNoise, 0.5)]


@pytest.mark.parametrize(("cls", "amount"), KINDS)
def test_outside_training_the_input_passes(cls, amount):
    layer = cls(amount, dtype="float64")
    assert_same_bits(layer(X), X)
    assert layer.stepwise
    assert_same_bits(cls(0, dtype="float64")(X, training=True), X)
    mask = np.ones((40, 30), bool)
    assert layer.compute_mask(X, mask) is mask


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("cls", "amount"), KINDS)
def test_the_gradient_is_that_of_the_numbers_drawn(cls, amount, dtype):
    layer = cls(amount, seed=3, dtype=dtype)
    x = X.astype(dtype)
    y = layer(x, training=True)
    assert y.dtype == dtype
    d = layer.backward(x)
    assert d.dtype == dtype
    factors = np.ones(X.shape) if cls is GaussianNoise else y / x
    np.testing.assert_allclose(d, x * factors, rtol=1e-5, atol=1e-6)
