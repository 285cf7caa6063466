"""Batch sources, and models that are trained on them."""

import numpy as np

from gru_c import GRU, Dense, Dropout, Sequential

RNG = np.random.default_rng(91)
X = RNG.standard_normal((40, 6, 4)).astype(np.float32)
Y = RNG.standard_normal(40)
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)]


def compiled(*layers, metrics=None, seed=0, optimizer="adam"):
    model = Sequential([*(layers or [GRU(5, input_shape=(None, 4)), Dense(1)])], seed=seed)
    model.compile(optimizer, "mse", metrics)
    return model


def trained(*data, **arguments):
    """Return the weights and the history after a fit."""
    model = compiled(Dropout(0.2, input_shape=(None, 4)), GRU(5), Dense(1))
    history = model.fit(*data, **{"verbose": 0, **arguments}).history
    return np.concatenate([weight.ravel() for weight in model.get_weights()]), history


class Numbered:
    """Batches by number; records the numbers that were asked for."""

    def __init__(self, batches):
        self.batches, self.asked, self.ends = batches, [], 0

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.batches[index]

    def on_epoch_end(self):
        self.ends += 1


class Iterable:
    """Batches in their order; counts how often it is iterated."""

    def __init__(self, batches):
        self.batches, self.begun = batches, 0

    def __iter__(self):
        self.begun += 1
        return iter(self.batches)


def endless(batches):
    while True:
        yield from batches
