"""Dropout by hand."""

import numpy as np
import pytest

from gru_c import Dropout

RNG = np.random.default_rng(11)


def test_dropout_scales_what_it_keeps():
    layer = Dropout(0.25, seed=0)
    x = np.ones((100, 100))
    output = layer(x, training=True)
    assert set(np.unique(output)) == {0.0, np.float32(1 / 0.75)}
    assert (output == 0).mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(layer.backward(x), output)
    np.testing.assert_array_equal(layer(x), x)


def test_dropout_of_nothing_is_the_identity():
    x = RNG.standard_normal((3, 4)).astype(np.float32)
    np.testing.assert_array_equal(Dropout(0)(x, training=True), x)
