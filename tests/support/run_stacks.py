"""Models whose layers the core trains in runs, for tests of these runs."""

import numpy as np
import pytest

from gru_c import (
    GRU,
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Input,
    Masking,
    Sequential,
    SimpleRNN,
    TimeDistributed,
)

KINDS = [GRU, LSTM, SimpleRNN]
# Settings that only some cells have.
HARD = {
    kind: {} if kind is SimpleRNN else {"recurrent_activation": "hard_sigmoid"} for kind in KINDS
}
BEFORE = {kind: {"reset_after": False} if kind is GRU else {} for kind in KINDS}

each_kind = pytest.mark.parametrize("kind", KINDS)

# The layers of models; R is the kind of their recurrent layers.
STACKS = {
    "tutorial": lambda R: [R(50, return_sequences=True), R(50), Dense(1)],
    "dropout": lambda R: [R(5, return_sequences=True), Dropout(0.2, seed=1), R(4), Dense(1)],
    "backwards": lambda R: [
        R(9, return_sequences=True, go_backwards=True),
        R(4, go_backwards=True),
        Dense(1),
    ],
    "all steps": lambda R: [
        R(7, return_sequences=True),
        TimeDistributed(Dense(3)),
        TimeDistributed(Dense(2, "relu")),
    ],
    "relu": lambda R: [R(6), Dense(5, "relu"), Dense(4, "softmax")],
    "gelu of the input": lambda R: [R(6, return_sequences=True), Dense(5, "gelu"), R(3)],
    "linear": lambda R: [Dense(4), R(6, return_sequences=True), Dense(5, use_bias=False), R(3)],
    "kinds": lambda R: [
        R(8, activation="relu", return_sequences=True, **HARD[R]),
        R(3, clip=0.5, use_bias=False, **BEFORE[R]),
    ],
    "not in the core": lambda R: [
        R(5, return_sequences=True, dropout=0.1, seed=2),
        R(4, return_sequences=True, checkpoint_every=2),
        R(3, return_sequences=True, zoneout=0.1, seed=3),
        R(3, return_sequences=True, recurrent_dropout=0.1, seed=4),
        R(2),
    ],
    "both ways": lambda R: [Bidirectional(R(4, return_sequences=True)), R(3), Dense(2)],
    "statistics": lambda R: [R(5, return_sequences=True), BatchNormalization(), R(4), Dense(1)],
    "penalties": lambda R: [
        R(5, return_sequences=True, kernel_regularizer="l2", activity_regularizer="l2"),
        R(4, kernel_constraint="max_norm"),
        Dense(1, activity_regularizer="l1"),
    ],
    "after a mask": lambda R: [Masking(), R(4, return_sequences=True), R(3), Dense(2)],
    "activation": lambda R: [R(4), Dense(3), Activation("softmax")],
    "frozen": lambda R: [R(5, return_sequences=True, trainable=False), R(4), Dense(1)],
    "frozen above": lambda R: [
        Dense(4, trainable=False),
        R(5, return_sequences=True),
        R(4, trainable=False),
        Dense(1),
    ],
    "one of each": lambda R: [
        R(5, return_sequences=True),
        LSTM(4, return_sequences=True),
        SimpleRNN(6, return_sequences=True, go_backwards=True),
        GRU(3, return_sequences=True),
        LSTM(3, go_backwards=True),
    ],
    "only dense": lambda R: [TimeDistributed(Dense(4)), TimeDistributed(Dense(2, "tanh"))],
}


def model_of(name, dtype="float32", loss="mse", kind=GRU, **options):
    model = Sequential([Input((None, 8)), *STACKS[name](kind)], seed=3, dtype=dtype)
    model.compile("adam", loss, **options)
    return model


def data_of(model, samples=20, steps=6):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, steps, 8)).astype(model.dtype)
    x[::4, 3:] = 0  # for `Masking`
    y = rng.random((samples, *model.compute_output_shape(x.shape)[1:])).astype(model.dtype)
    return x, y / y.sum(axis=-1, keepdims=True) if y.shape[-1] > 1 else y
