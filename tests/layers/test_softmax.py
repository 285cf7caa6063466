"""Softmax over any axes, and of the entries in a mask."""

import numpy as np
import pytest
from tools import assert_gradients

from gru_c import GRU, Input, Masking, Sequential, Softmax

RNG = np.random.default_rng(107)
X = RNG.standard_normal((3, 5, 4)) * 3


@pytest.mark.parametrize("axis", [-1, 1, 2, 0, (1, 2), [0, -1]])
def test_softmax_over_any_axes(axis):
    layer = Softmax(axis, dtype="float64")
    axes = tuple(axis) if isinstance(axis, list) else axis
    e = np.exp(X)
    np.testing.assert_allclose(layer(X), e / e.sum(axis=axes, keepdims=True), rtol=1e-12)
    assert_gradients(layer, X.copy())
    assert layer.stepwise == (axis in (-1, 2))
    huge = layer(X * 1e6)
    assert np.isfinite(huge).all()


@pytest.mark.parametrize("mask", [X > 0, (X[:1] > 0) * 1.0, X[0, 0] > 0, np.zeros((1, 5, 1))])
def test_softmax_of_the_entries_in_a_mask(mask):
    layer = Softmax(dtype="float64")
    e = np.exp(X) * (mask > 0.5)
    sums = e.sum(axis=-1, keepdims=True)
    expected = np.divide(e, sums, out=np.zeros_like(e), where=sums > 0)
    np.testing.assert_allclose(layer(X, mask=mask), expected, rtol=1e-12)

    def call(training=False):
        return layer.forward(X, training=training, mask=mask)

    assert_gradients(layer, X, call)


def test_softmax_refuses_a_mask_of_two_readings():
    with pytest.raises(ValueError, match=r"could be one of the time steps or of the entries"):
        Softmax()(X, mask=np.ones((3, 5), bool))
    model = Sequential([Input((None, 4)), Masking(), GRU(3, return_sequences=True), Softmax()])
    with pytest.raises(ValueError, match=r"write Activation\('softmax'\)"):
        model.predict(X * (np.arange(5) < 3)[:, None], verbose=0)
    for mask in (np.ones((1, 3, 5, 4), bool), np.ones(3, bool), np.ones((3, 5, 2), bool)):
        with pytest.raises(ValueError, match="cannot be broadcast"):
            Softmax()(X, mask=mask)
