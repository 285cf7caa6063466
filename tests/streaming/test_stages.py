"""The stages of a stream: layers in the core, other layers, and layers that cannot be streamed."""

import copy

import numpy as np
import pytest
from tools import assert_same_bits, make_model, play, random_numbers

from gru_c import GRU, Dense, Dropout, Embedding, Masking, Sequential
from gru_c.activations import ACTIVATIONS, Activation
from gru_c.layers import Layer


def expected_of(model, x):
    """Return the expected outputs of a stream: `predict` of the sequence up to each step."""
    if model.compute_output_shape((1, 2, x.shape[2])) == (1, 2, model.layers[-1].units):
        return model.predict(x, verbose=0)
    pieces = [model.predict(x[:, : t + 1], verbose=0) for t in range(x.shape[1])]
    return np.stack(pieces, axis=1)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, Activation("relu", np.cos, None)], ids=str)
def test_every_activation_of_a_dense_layer(activation):
    model = make_model(GRU(6, return_sequences=True), Dense(5, activation), Dense(20, "linear"))
    x = 3 * random_numbers(2, 8, 5)
    assert_same_bits(play(model.stream(2), x), model.predict(x, verbose=0))


def test_a_model_without_a_recurrent_layer():
    model = Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(2)], seed=0)
    x = random_numbers(5, 3)
    assert_same_bits(model.stream(5).step(x), model.predict(x, verbose=0))


def test_a_model_that_does_nothing():
    x = random_numbers(5, 3)
    stream = Sequential([Dropout(0.5, input_shape=(None, 3))]).stream(5)
    y = stream.step(x)
    assert_same_bits(y, x)
    assert not np.shares_memory(x, y)
    assert_same_bits(stream.step(x.astype(np.float64)), x)
    assert stream.state == []


class Doubling(Layer):
    """A layer that runs in Python, and raises an exception if `failing` is set."""

    failing = False

    @property
    def stepwise(self):
        return True

    def forward(self, x, *, training=False):
        if Doubling.failing:
            raise ZeroDivisionError
        assert x.ndim == 3
        return 2 * x


def test_layers_that_the_core_does_not_know_are_called():
    model = make_model(Doubling(), GRU(4, return_sequences=True), Doubling(), GRU(3))
    x = random_numbers(2, 6, 5)
    stream = model.stream(2)
    assert_same_bits(play(stream, x), expected_of(model, x))
    before = stream.state
    assert [state.shape for state in before] == [(2, 4), (2, 3)]
    stream.reset()
    stream.state = before
    for actual, wanted in zip(stream.state, before, strict=True):
        assert_same_bits(actual, wanted)


def test_a_layer_that_fails_leaves_the_state(monkeypatch):
    model = make_model(GRU(4, return_sequences=True), Doubling(), GRU(3))
    stream, x = model.stream(2), random_numbers(2, 6, 5)
    play(stream, x)
    before = stream.state
    monkeypatch.setattr(Doubling, "failing", True)
    with pytest.raises(ZeroDivisionError):
        stream.step(x[:, 0])
    for actual, wanted in zip(stream.state, before, strict=True):
        assert_same_bits(actual, wanted)


class Mixing(Layer):
    def forward(self, x, *, training=False):
        return x[:, ::-1]


class OwnForward(GRU):
    def forward(self, x, **arguments):
        return -super().forward(x, **arguments)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (GRU(4, go_backwards=True, name="back"), r"layer 'back' \(GRU\) cannot be streamed"),
        (Mixing(name="mix"), r"layer 'mix' \(Mixing\) cannot be streamed"),
        (
            OwnForward(3, name="own"),
            "'own' .* cannot be streamed: it has a forward method of its own",
        ),
    ],
)
def test_layers_that_mix_time_steps_are_refused(layer, message):
    model = make_model(GRU(3, return_sequences=True), copy.deepcopy(layer))
    with pytest.raises(ValueError, match=message):
        model.stream()


@pytest.mark.parametrize("layer", [Embedding(30, 8, mask_zero=True), Masking()])
def test_layers_that_make_masks_are_refused(layer):
    model = Sequential([layer, GRU(3)])
    model.build((None, None) if isinstance(layer, Embedding) else (None, None, 2))
    with pytest.raises(ValueError, match="cannot be streamed"):
        model.stream()
