"""Calls of layers on symbolic tensors: names, shapes, states, and wrong calls."""

import numpy as np
import pytest

from gru_c import GRU, LSTM, Bidirectional, Dense, Input, layers


def test_a_call_builds_the_layer_and_gives_the_shapes_of_all_outputs():
    x = Input((10, 8))
    output, h, c = LSTM(4, return_sequences=True, return_state=True)(x)
    assert [t.shape for t in (output, h, c)] == [(None, 10, 4), (None, 4), (None, 4)]
    states = Bidirectional(GRU(3, return_state=True))(x)
    assert [t.shape for t in states] == [(None, 6), (None, 3), (None, 3)]
    layer = Dense(2)
    layer(h)
    assert layer.built
    assert layer.input is h
    assert layer.output.shape == (None, 2)


def test_layers_without_a_name_get_different_ones():
    x = Input((3,))
    first, second = Dense(2), Dense(2)
    first(x), second(x)
    assert first.name != second.name
    assert Dense(2, name="mine")(x).name == "mine"


def test_the_output_of_a_layer_that_was_called_twice_is_refused():
    layer = Dense(2)
    layer(Input((3,))), layer(Input((3,)))
    with pytest.raises(AttributeError, match="called on 2 tensors"):
        layer.output  # noqa: B018
    with pytest.raises(AttributeError, match="before it is called"):
        Dense(2).input  # noqa: B018


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, y: Dense(2, name="d")([x, y]), r"'d' takes one tensor, got 2.*\(None, 3\)"),
        (lambda x, y: Dense(2, name="d")([x, np.ones(3)]), "'d'.*ndarray together"),
        (lambda x, y: GRU(2, name="g")(x), r"'g' wants input of shape .*\(None, 3\)"),
        (
            lambda x, y: GRU(2, name="g")(y, initial_state=[x]),
            r"'g' wants .*\(None, 2\).*\(None, 3\)",
        ),
        (lambda x, y: GRU(2, name="g")(y, initial_state=[x, x]), "'g' wants initial states"),
        (lambda x, y: Dense(2, name="d")(x, mask=x), "with mask="),
        (lambda x, y: layers.Add(name="a")([x]), "'a' merges a list of at least 2"),
    ],
)
def test_wrong_calls_name_the_layer_and_the_shapes(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call(Input((3,)), Input((5, 3)))


def test_a_layer_with_weights_refuses_tensors_of_other_sizes():
    layer = Dense(2, name="d")
    layer(Input((3,)))
    with pytest.raises(ValueError, match=r"'d' has weights for .*\(None, 3\).*\(None, 4\)"):
        layer(Input((4,)))
    with pytest.raises(ValueError, match="'d' is float32, its inputs are float64"):
        layer(Input((3,), dtype="float64"))
