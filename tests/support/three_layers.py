"""A model of three layers, and its samples."""

import numpy as np

from gru_c import GRU, Dense, Sequential

RNG = np.random.default_rng(21)
X, Y = RNG.standard_normal((20, 6, 4)), RNG.standard_normal(20)


def small_model(**arguments):
    layers = [GRU(5, return_sequences=True, input_shape=(6, 4)), GRU(3), Dense(1)]
    return Sequential(layers, **{"seed": 0, **arguments})
