"""Layers that draw: a seed repeats the numbers."""

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import GRU, Dense, GaussianDropout, GaussianNoise, Input, Sequential, SpatialDropout1D

RNG = np.random.default_rng(106)
X = RNG.standard_normal((40, 30, 20))
KINDS = [(SpatialDropout1D, 0.25), (GaussianDropout, 0.2), (GaussianNoise, 0.5)]


def drawn(layer):
    """The factors of the input, or the noise that is added to it."""
    y = layer(np.ones(X.shape), training=True)
    return y - 1 if isinstance(layer, GaussianNoise) else y


@pytest.mark.parametrize(("cls", "amount"), KINDS)
def test_a_seed_repeats_the_numbers(cls, amount):
    first, second, other = cls(amount, 5), cls(amount, seed=5), cls(amount, 6)
    assert_same_bits(drawn(first), drawn(second))
    assert not np.array_equal(drawn(first), drawn(other))
    models = []
    for _ in range(2):
        model = Sequential([Input((6, 3)), cls(amount), GRU(3), Dense(1)], seed=7)
        model.compile("sgd", "mse")
        model.fit(X[:, :6, :3], X[:, 0, 0], epochs=2, verbose=0)
        models.append(model)
    for weight, same in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert_same_bits(weight, same)
