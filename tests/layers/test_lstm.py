"""The LSTM layer: its weights, its two states, and its place in models."""

import numpy as np
import pytest
from tools import assert_gradients, assert_same_bits, random_numbers

from gru_c import LSTM, Bidirectional, Dense, Sequential, load_model

X = random_numbers(4, 6, 3)


def test_the_bias_of_the_forget_gate_begins_with_ones():
    layer = LSTM(2, bias_initializer="random_normal")
    layer.build((None, 6, 3), 0)
    bias = layer.value("bias")
    assert (bias[2:4] == 1).all()
    assert (bias[[0, 1, 4, 5, 6, 7]] != 1).all()
    plain = LSTM(2, unit_forget_bias=False)
    plain.build((None, 6, 3), 0)
    assert (plain.value("bias") == 0).all()


def test_gradients_are_finite_differences():
    layer = LSTM(5, return_sequences=True, dtype="float64")
    layer(X)
    assert_gradients(layer, X.astype(np.float64))


def test_both_states_are_returned_and_taken():
    layer = LSTM(5, return_sequences=True, return_state=True)
    output, h, c = layer(X)
    assert_same_bits(output[:, -1], h)
    first, h, c = layer(X[:, :2])
    rest, *_ = layer(X[:, 2:], initial_state=[h, c])
    assert_same_bits(np.concatenate([first, rest], 1), output)


def test_gradients_of_both_initial_states():
    layer = LSTM(5, dtype="float64")
    x = X.astype(np.float64)
    layer(x)
    h, c = np.random.default_rng(0).normal(size=(2, 4, 5))
    output = layer.forward(x, initial_state=(h, c), training=True)
    _, (dh, dc) = layer.backward(np.ones_like(output))
    step = 1e-6
    for state, gradient in ((h, dh), (c, dc)):
        before = state[1, 2]
        losses = []
        for sign in (1, -1):
            state[1, 2] = before + sign * step
            losses.append(layer.forward(x, initial_state=(h, c)).sum())
        state[1, 2] = before
        assert abs((losses[0] - losses[1]) / (2 * step) - gradient[1, 2]) < 1e-8


def test_a_stateful_layer_continues_with_both_states():
    layer, whole = LSTM(5, stateful=True), LSTM(5)
    layer(X)
    whole(X)
    whole.set_weights(layer.get_weights())
    layer.reset_states()
    layer(X[:, :3])
    assert_same_bits(layer(X[:, 3:]), whole(X))
    assert layer.state.shape == (4, 10)
    layer.reset_states([np.ones((4, 5)), np.zeros((4, 5))])
    state = [np.ones((4, 5)), np.zeros((4, 5))]
    assert_same_bits(layer(X), whole.forward(X, initial_state=state))
    with pytest.raises(ValueError, match="pair of arrays"):
        layer.reset_states(np.ones((4, 5)))


@pytest.mark.parametrize("suffix", ["safetensors", "json"])
def test_a_model_is_what_it_was_before_it_was_saved(tmp_path, suffix):
    model = Sequential([LSTM(5, input_shape=(6, 3), unit_forget_bias=False), Dense(1)], seed=0)
    if suffix == "json":
        other = Sequential.from_config(model.get_config())
        other.set_weights(model.get_weights())
    else:
        model.save(tmp_path / f"m.{suffix}")
        other = load_model(tmp_path / f"m.{suffix}")
    assert other.layers[0].unit_forget_bias is False
    assert_same_bits(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_stream_and_a_frozen_model_compute_the_same():
    layers = [LSTM(5, input_shape=(None, 3), return_sequences=True), LSTM(4), Dense(1)]
    model = Sequential(layers, seed=0)
    expected = model.predict(X, verbose=0)
    stream = model.stream(len(X))
    for t in range(3):
        stream.step(X[:, t])
    state = stream.state
    assert [part.shape for part in state] == [(4, 5), (4, 5), (4, 4), (4, 4)]
    stream.reset()
    stream.state = state
    for t in range(3, 6):
        y = stream.step(X[:, t])
    assert_same_bits(y, expected)
    assert_same_bits(model.freeze()(X), expected)


def test_a_model_learns_the_first_number_of_a_sequence():
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], size=(256, 12, 1)).astype(np.float32)
    model = Sequential([LSTM(8, input_shape=(12, 1)), Dense(1)], seed=1)
    model.compile("adam", "mse")
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, x[:, 0], epochs=40, verbose=0)
    assert history.history["loss"][-1] < 0.1 < history.history["loss"][0]


def test_both_directions_take_states_as_keras_gives_them():
    layer = Bidirectional(LSTM(3, return_state=True))
    output, *states = layer(X)
    assert output.shape == (4, 6)
    assert len(states) == 4
    flat = layer.forward(X, initial_state=states)[0]
    pairs = layer.forward(X, initial_state=[states[:2], states[2:]])[0]
    assert_same_bits(flat, pairs)
    layer.forward(X, initial_state=states, training=True)
    d_x, (forward, backward) = layer.backward(np.ones_like(output))
    assert d_x.shape == X.shape
    assert len(forward) == len(backward) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", [2, 16, 33])
@pytest.mark.parametrize("lengths", [[1], [2], [3, 0], [0, 4, 0], [4, 1]])
def test_a_single_row_with_a_length_ends_with_its_own_c(lengths, units, dtype):
    layer = LSTM(units, return_state=True, dtype=dtype)
    layer.build((None, None, 3))
    x = np.random.default_rng(0).normal(size=(len(lengths), 5, 3)).astype(dtype)
    for training in (False, True):
        _, h, c = layer.forward(x, lengths=lengths, training=training)
        for row, length in enumerate(lengths):
            if length:
                _, h_alone, c_alone = layer.forward(x[row : row + 1, :length])
                np.testing.assert_allclose(h[row], h_alone[0], rtol=1e-5, atol=1e-6)
                np.testing.assert_allclose(c[row], c_alone[0], rtol=1e-5, atol=1e-6)
