"""Models and data for the tests of warnings, and a function that records the warnings."""

import warnings

import numpy as np

from gru_c import GRU, Sequential

RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 5, 3))
Y = RNG.normal(size=24)


def compiled(head, loss, names=(), first=None):
    model = Sequential([first or GRU(4), *head], seed=0)
    model.compile("sgd", loss, list(names))
    return model


def warnings_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return caught
