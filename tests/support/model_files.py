"""A trained model for files, and models whose layers have given names."""

import numpy as np
from tools import small_model

from gru_c import Dense, Input, Sequential

X = np.random.default_rng(0).standard_normal((6, 5, 4)).astype(np.float32)


def trained():
    model = small_model()
    model.fit(X, X[:, 0, 0], epochs=2, verbose=0, batch_size=4)
    return model


def assert_equal(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def renamed(*names):
    layers = [Dense(3, name=name) for name in names]
    return Sequential([Input((3,)), *layers], seed=len(names))
