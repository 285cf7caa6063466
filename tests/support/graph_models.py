"""Models of graphs that several test files use, with data for them."""

import numpy as np

import gru_c
from gru_c import GRU, LSTM, Dense, Dropout, Input, Model, Sequential, layers

RNG = np.random.default_rng(0)
SERIES, FACTS = RNG.normal(size=(12, 5, 3)), RNG.normal(size=(12, 2))
NUMBERS, CLASSES = RNG.normal(size=(12, 1)), RNG.integers(0, 3, 12)
X, Y = {"series": SERIES, "facts": FACTS}, {"number": NUMBERS, "class": CLASSES}


def two_inputs():
    """Return a model of two inputs and one output."""
    gru_c.utils.clear_session()
    gru_c.utils.set_random_seed(0)
    a, b = Input((5, 3), name="series"), Input((2,), name="facts")
    joined = layers.Concatenate()([GRU(4)(a), Dense(3, activation="relu")(b)])
    return Model([a, b], Dense(1, name="number")(joined), seed=0)


def two_outputs():
    """Return a compiled model with models in it, a shared layer, states and two outputs."""
    gru_c.utils.clear_session()
    gru_c.utils.set_random_seed(0)
    a, b = Input((5, 3), name="series"), Input((2,), name="facts")
    row = Sequential(
        [Input((5, 3)), GRU(4, return_sequences=True), Dropout(0.1), GRU(3)], name="row"
    )
    inner = Input((2,), name="inner")
    branches = Model(
        inner, [Dense(3, name="left")(inner), Dense(2, name="right")(inner)], name="fork"
    )
    left, right = branches(b)
    _, h, _ = LSTM(3, return_state=True, name="lstm")(a)
    shared = Dense(3, activation="tanh", name="shared")
    joined = layers.concatenate([row(a), shared(left), shared(h), right])
    outputs = {
        "number": Dense(1, name="out_1")(joined),
        "class": Dense(3, activation="softmax", name="out_2")(joined),
    }
    model = Model({"series": a, "facts": b}, outputs, name="whole", seed=0)
    model.compile(
        "adam",
        {"number": "mse", "class": "sparse_categorical_crossentropy"},
        metrics={"class": ["accuracy"], "number": "mae"},
        loss_weights={"number": 0.5},
    )
    return model
