"""A model whose training calls callbacks."""

import numpy as np

from gru_c import Dense, Sequential

RNG = np.random.default_rng(41)
X, Y = RNG.standard_normal((20, 3)), RNG.standard_normal(20)


def compiled(optimizer="adam", metrics=None):
    model = Sequential([Dense(4, input_shape=(3,)), Dense(1)], seed=0)
    model.compile(optimizer, "mse", metrics)
    return model


def fit(model, callbacks, epochs=3, **options):
    return model.fit(X, Y, 8, epochs, 0, callbacks, **options)
