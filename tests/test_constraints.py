"""Constraints: formulas, and weights that satisfy them after every step of training."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Embedding, Sequential, constraints, optimizers

RNG = np.random.default_rng(81)
W = RNG.standard_normal((4, 6))
Y = RNG.standard_normal(20)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), [0]])
def test_norms(axis):
    axes = tuple(axis) if isinstance(axis, list) else axis
    norms = np.linalg.norm(W, axis=axes, keepdims=True)
    unit = constraints.UnitNorm(axis)(W)
    np.testing.assert_allclose(unit, W / norms, rtol=1e-6)
    limit = float(np.median(norms))
    held = constraints.MaxNorm(limit, axis)(W)
    np.testing.assert_allclose(held, W * np.minimum(1, limit / norms), rtol=1e-6)


def test_non_negative_and_zeros():
    np.testing.assert_array_equal(constraints.NonNeg()(W), np.where(W > 0, W, 0))
    zeros = np.zeros((2, 3), np.float32)
    for constraint in (constraints.UnitNorm(), constraints.MaxNorm(), constraints.NonNeg()):
        np.testing.assert_array_equal(constraint(zeros), zeros)
        assert constraint(zeros).dtype == np.float32


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_constraints_hold_after_every_step(optimizer):
    layers = [
        Embedding(6, 3, embeddings_constraint="unit_norm"),
        GRU(
            4,
            kernel_constraint=constraints.MaxNorm(0.3),
            recurrent_constraint=constraints.MaxNorm(0.5, axis=1),
            bias_constraint="non_neg",
        ),
        Dense(1, kernel_constraint="non_neg", bias_constraint="NonNeg"),
    ]
    model = Sequential(layers, seed=1)
    model.compile(optimizers.get(optimizer), "mse")
    words = RNG.integers(0, 6, (20, 5))
    for _ in range(3):
        model.train_on_batch(words, -np.abs(Y))
        vectors, kernel, recurrent, bias, dense_kernel, dense_bias = model.get_weights()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1, rtol=1e-5)
        assert np.linalg.norm(kernel, axis=0).max() == pytest.approx(0.3, rel=1e-5)
        assert np.linalg.norm(recurrent, axis=1).max() == pytest.approx(0.5, rel=1e-5)
        assert dense_kernel.min() >= 0
        assert bias.min() == dense_bias.min() == 0


def test_a_constraint_that_cannot_be_is_refused_before_the_layer_is_built():
    layer = Dense(2, bias_constraint=constraints.MaxNorm(axis=1))
    message = r"bias of layer 'dense' of shape \(2,\) has no axis 1 for MaxNorm"
    with pytest.raises(ValueError, match=message):
        layer.build((None, 3))
    assert not layer.built
