"""The plain recurrent layer: its weights, and its place in models."""

import numpy as np
from tools import assert_gradients, assert_same_bits, random_numbers

from gru_c import Bidirectional, Dense, Sequential, SimpleRNN

X = random_numbers(4, 6, 3)


def test_gradients_are_finite_differences():
    layer = SimpleRNN(5, return_sequences=True, dtype="float64")
    layer(X)
    assert_gradients(layer, X.astype(np.float64))


def test_weights_have_one_gate():
    layer = SimpleRNN(5)
    layer(X)
    assert [weight.shape for weight in layer.get_weights()] == [(3, 5), (5, 5), (5,)]
    assert layer.count_params() == 3 * 5 + 5 * 5 + 5
    assert "recurrent_activation" not in layer.get_config()


def test_a_stream_and_a_frozen_model_compute_the_same():
    layers = [SimpleRNN(5, "relu", input_shape=(None, 3), return_sequences=True), SimpleRNN(4)]
    model = Sequential([*layers, Dense(1)], seed=0)
    expected = model.predict(X, verbose=0)
    stream = model.stream(len(X))
    for t in range(6):
        y = stream.step(X[:, t])
    assert_same_bits(y, expected)
    assert_same_bits(model.freeze()(X), expected)


def test_both_directions_train():
    model = Sequential([Bidirectional(SimpleRNN(4), input_shape=(6, 3)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    history = model.fit(X, X[:, 0, :1], epochs=60, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < history[0] / 2
