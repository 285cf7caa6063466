"""A small compiled model, and the data on which it is trained."""

import numpy as np

from gru_c import GRU, Dense, Dropout, Sequential

RNG = np.random.default_rng(31)
X, Y = RNG.standard_normal((40, 6, 4)).astype(np.float32), RNG.standard_normal(40)


def compiled(optimizer="adam", loss="mse", metrics=None, head=None, seed=0, dropout=0.0):
    layers = [GRU(5, input_shape=(6, 4)), *([Dropout(dropout)] if dropout else [])]
    model = Sequential([*layers, head or Dense(1)], seed=seed)
    model.compile(optimizer, loss, metrics)
    return model


def assert_same_weights(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)
