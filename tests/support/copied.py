"""Ways to copy an object, and a trained model to copy."""

import copy
import pickle

import numpy as np
import pytest

from gru_c import GRU, Dense, Dropout, Sequential, optimizers


def by_pickle(obj):
    return pickle.loads(pickle.dumps(obj))


both_ways = pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])

rng = np.random.default_rng(7)
X, Y = rng.standard_normal((40, 6, 3)), rng.standard_normal(40)


def trained_model():
    model = Sequential(seed=1)
    model.add(GRU(5, input_shape=(6, 3), return_sequences=True))
    model.add(Dropout(0.2))
    model.add(GRU(4))
    model.add(Dense(1, activation="tanh"))
    model.compile(optimizers.Adam(1e-2), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def assert_views(parameters, layers):
    for item in (item for layer in layers for item in layer.parameters):
        assert np.shares_memory(item.value, parameters.values)
        assert np.shares_memory(item.gradient, parameters.gradients)
