"""The layer that applies an activation."""

import numpy as np
import pytest
from tools import assert_gradients

from gru_c import Activation, Dense, activations

RNG = np.random.default_rng(61)
X = RNG.standard_normal((3, 6, 4))


@pytest.mark.parametrize("name", ["relu", "softmax", "tanh", "linear"])
def test_activation_is_that_of_dense(name):
    layer, dense = Activation(name, dtype="float64"), Dense(4, name, dtype="float64")
    dense.build(X.shape)
    dense.set_weights([np.eye(4), np.zeros(4)])
    np.testing.assert_allclose(layer(X), dense(X), rtol=1e-12)
    assert_gradients(layer, X.copy())


def test_a_user_defined_activation():
    double = activations.Activation("double", lambda x: 2 * x, lambda y, dy: 2 * dy)
    np.testing.assert_array_equal(Activation(double, dtype="float64")(X), 2 * X)
