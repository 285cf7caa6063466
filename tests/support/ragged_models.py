"""Sequences of different length, as lists and as padded arrays, and models of them."""

import numpy as np

from gru_c import GRU, Dense, Sequential

RNG = np.random.default_rng(23)
LENGTHS = np.array([7, 1, 4, 12, 5, 9, 3, 11, 2, 8, 6, 10])
N, T, I = len(LENGTHS), 12, 3
LIST = [RNG.normal(size=(n, I)).astype(np.float32) for n in LENGTHS]
Y = RNG.normal(size=(N, 1)).astype(np.float32)
STEPS = [RNG.normal(size=(n, 2)).astype(np.float32) for n in LENGTHS]
WEIGHTS = [RNG.uniform(size=n) for n in LENGTHS]


def padded(values, fill=0.0):
    array = np.full((len(values), T, *values[0].shape[1:]), fill, values[0].dtype)
    for row, value in zip(array, values, strict=True):
        row[: len(value)] = value
    return array


X = padded(LIST, np.nan)


def model_of(per_step, loss="mse", seed=0):
    layers = [GRU(5, return_sequences=True), GRU(4, return_sequences=per_step), Dense(2)]
    model = Sequential(layers if per_step else [*layers, Dense(1)], seed=seed)
    model.compile(optimizer="adam", loss=loss, metrics=["mae"])
    return model
