"""Models for the tests of predictors."""

import numpy as np

from gru_c import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Input,
    Lambda,
    Sequential,
    SimpleRNN,
)

X = np.random.default_rng(0).normal(size=(6, 10, 8)).astype(np.float32)


def tutorial(dtype="float32", steps=None, **kind):
    layers = [GRU(20, return_sequences=True, **kind), Dropout(0.2), GRU(20, **kind), Dense(1)]
    return Sequential([Input((steps, 8)), *layers], seed=1, dtype=dtype)


MODELS = {
    "tutorial": tutorial,
    "float64": lambda: tutorial("float64"),
    "all steps": lambda: Sequential(
        [Input((None, 8)), GRU(5, return_sequences=True), Dense(3, activation="softmax")], seed=1
    ),
    "both ways": lambda: Sequential(
        [Input((None, 8)), Bidirectional(GRU(4)), BatchNormalization(), Dense(2)], seed=1
    ),
    "other cells": lambda: Sequential(
        [
            Input((None, 8)),
            LSTM(20, return_sequences=True),
            Bidirectional(LSTM(4, return_sequences=True)),
            SimpleRNN(9, return_sequences=True, go_backwards=True),
            LSTM(6),
            Dense(2),
        ],
        seed=1,
    ),
    "python": lambda: Sequential([Input((None, 8)), Lambda(lambda x: 2 * x), GRU(4)], seed=1),
}
