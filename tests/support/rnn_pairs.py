"""Models of GRU layers, and of one RNN with their cells and weights."""

import numpy as np

from gru_c import GRU, RNN, GRUCell, Masking, Sequential

X = np.random.default_rng(0).normal(size=(6, 4, 3))


def same(a, b):
    return all((p == q).all() for p, q in zip(a, b, strict=True))


def pair(options=None, x=X, **settings):
    """Return a model of `GRU` layers and one of their cells, with the same weights."""
    last = options or {}
    grus = [GRU(5, return_sequences=True, **settings), GRU(2, **settings, **last)]
    cells = [GRUCell(5, **settings), GRUCell(2, **settings)]
    first = [Masking(input_shape=x.shape[1:])]
    return Sequential([*first, *grus], seed=1), Sequential(
        [Masking(input_shape=x.shape[1:]), RNN(cells, **last)], seed=1
    )
