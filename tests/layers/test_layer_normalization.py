"""LayerNormalization: the formula, its digits and its gradients."""

import numpy as np
import pytest
from tools import assert_gradients

from gru_c import LayerNormalization, Sequential, constraints, regularizers

RNG = np.random.default_rng(61)
X = RNG.standard_normal((3, 6, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_normalization_is_the_formula(dtype):
    layer = LayerNormalization(epsilon=0.01, dtype=dtype)
    layer.build(X.shape)
    gamma, beta = RNG.standard_normal((2, 4))
    layer.set_weights([gamma, beta])
    mean, variance = X.mean(-1, keepdims=True), X.var(-1, keepdims=True)
    output = layer(X)
    assert output.dtype == dtype
    expected = (X - mean) / np.sqrt(variance + 0.01) * gamma + beta
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


def test_layer_normalization_starts_as_the_identity_of_normal_features():
    layer = LayerNormalization(dtype="float64")
    np.testing.assert_allclose(layer(X).mean(-1), 0, atol=1e-15)
    assert [item.name for item in layer.parameters] == ["gamma", "beta"]
    assert layer.epsilon == 1e-3


def test_layer_normalization_of_large_values_keeps_its_digits():
    x = (X + 1e4).astype(np.float32)
    exact = LayerNormalization(dtype="float64")(x)
    np.testing.assert_allclose(LayerNormalization()(x), exact, atol=5e-3)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shape", [(5, 4), (3, 6, 4)])
def test_layer_normalization_gradients(center, scale, shape):
    layer = LayerNormalization(
        center=center,
        scale=scale,
        beta_initializer="random_normal",
        gamma_initializer="random_normal",
        dtype="float64",
    )
    layer.build(shape, rng=1)
    assert len(layer.parameters) == center + scale
    assert_gradients(layer, RNG.standard_normal(shape))


def test_layer_normalization_accumulates():
    layer = LayerNormalization(dtype="float64")
    layer(X)
    layer.forward(X, training=True)
    layer.backward(X)
    once = [item.gradient.copy() for item in layer.parameters]
    layer.backward(X, accumulate=True)
    for item, gradient in zip(layer.parameters, once, strict=True):
        np.testing.assert_allclose(item.gradient, 2 * gradient, rtol=1e-12)


def test_weights_of_layer_normalization_have_penalties_and_constraints():
    layer = LayerNormalization(
        beta_regularizer="l1",
        gamma_regularizer=regularizers.L2(0.5),
        beta_constraint="non_neg",
        gamma_constraint=constraints.MaxNorm(1.0),
        dtype="float64",
    )
    model = Sequential([layer], seed=0)
    model.compile("sgd", "mse")
    x = RNG.standard_normal((6, 4))
    model.build((None, 4))
    model.set_weights([np.full(4, 0.5), np.full(4, 0.25)])
    normal = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    loss = np.square(normal * 0.5 + 0.25 - 9.0).mean()
    value = model.evaluate(x, np.full((6, 4), 9.0), verbose=0)
    assert value == pytest.approx(loss + 0.5 * 4 * 0.25 + 0.01 * 4 * 0.25)
    model.fit(x, np.full((6, 4), -900.0), epochs=2, verbose=0)
    gamma, beta = model.get_weights()
    assert np.linalg.norm(gamma) <= 1.0
    np.testing.assert_array_equal(beta, 0.0)
