"""Dense by hand: the formula, gradients, activations."""

import numpy as np
import pytest
from tools import assert_gradients

from gru_c import Dense
from gru_c.activations import Activation

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 6, 4))


@pytest.mark.parametrize("activation", [None, "tanh", "sigmoid", "softmax", "softplus", "elu"])
@pytest.mark.parametrize("shape", [(3, 4), (3, 6, 4), (2, 2, 3, 4)])
def test_dense_gradients(activation, shape):
    layer = Dense(5, activation=activation, bias_initializer="random_normal", dtype="float64")
    layer.build((None, *shape[1:]), rng=2)
    assert_gradients(layer, RNG.standard_normal(shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_is_the_formula(dtype):
    layer = Dense(7, activation="relu", bias_initializer="random_normal", dtype=dtype)
    output = layer(X)
    kernel, bias = layer.get_weights()
    assert output.dtype == dtype
    np.testing.assert_allclose(output, np.maximum(X @ kernel + bias, 0), rtol=1e-5, atol=1e-6)


def test_dense_with_an_activation_whose_gradient_is_double():
    """A user's function may return float64 for a float32 layer."""

    def backward(y, dy):
        return dy * np.full(y.shape, 3.0)

    double = Activation("times 3", lambda x: 3 * x, backward)
    single = Activation("times 3", lambda x: 3 * x, lambda y, dy: 3 * dy)
    d_output = X[..., :2].astype(np.float32)
    results = []
    for activation in (double, single):
        layer = Dense(2, activation)
        layer.build((None, 6, 4), rng=0)
        layer.forward(X, training=True)
        d_x = layer.backward(d_output)
        results.append([d_x, layer.gradient("kernel"), layer.gradient("bias")])
    for ours, expected in zip(*results, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, expected)


def test_dense_without_bias():
    layer = Dense(2, use_bias=False, dtype="float64")
    np.testing.assert_allclose(layer(X), X @ layer.get_weights()[0], rtol=1e-12)
    assert len(layer.get_weights()) == 1
