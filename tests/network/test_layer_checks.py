"""Layers that do not fit into a network, or not behind the layer before them, are refused."""

import pytest

from gru_c import GRU, LSTM, Bidirectional, Dense, Input, Sequential


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequential([GRU]), r"add wants a layer, got .*: write GRU\(\.\.\.\)"),
        (lambda: Sequential([50]), "add wants a layer, got 50"),
        (lambda: Sequential(GRU(5)), "layers must be a list of layers"),
        (lambda: Sequential(seed="a"), "seed must be a non-negative integer or None, got 'a'"),
        (lambda: Sequential(seed=-1), "seed must be a non-negative integer or None, got -1"),
        (lambda: Sequential([GRU(5, name="a"), Dense(1, name="a")]), "already a layer named 'a'"),
        (lambda: Sequential([GRU(5, return_state=True)]), "return_state=True gives the states"),
        (lambda: Sequential([LSTM(5, return_state=True)]), "return_state=True gives the states"),
        (
            lambda: Sequential([Bidirectional(LSTM(5), input_shape=(6, 4)).forward_layer]),
            r"one direction of a Bidirectional.*: make a new LSTM\(",
        ),
        (lambda: Sequential([GRU(5), Dense(1, dtype="float64")]), "float64, the model is float32"),
        (lambda: Sequential([GRU(5, input_shape=(8,))]), "wants input of shape"),
        (
            lambda: Sequential([GRU(5, input_shape=(6, 4)), GRU(5)]),
            r"layer 'gru_1' wants input of shape \(batch, time, features\), got \(None, 5\): "
            "give layer 'gru' return_sequences=True",
        ),
        (
            lambda: Sequential([GRU(5, input_shape=(6, 4)), Dense(1, input_shape=(4,))]),
            r"says input_shape=\(4,\), but the layer before it gives \(5,\)",
        ),
        (
            lambda: Sequential([Input((6, 4)), GRU(5, input_shape=(6, 3))]),
            r"says input_shape=\(6, 3\), the Input before it \(6, 4\)",
        ),
        (lambda: Sequential(dtype="float16"), "dtype must be"),
        (lambda: Sequential().build((None, 6, 4)), "the model has no layers"),
        (lambda: Sequential([GRU(5)]).build(), "build needs the shape of the input"),
        (lambda: Sequential([GRU(5)]).build((None, 4)), "wants input of shape"),
    ],
)
def test_an_invalid_model_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_weights_that_do_not_fit_the_input():
    layer = GRU(5)
    layer.build((None, None, 3))
    message = r"layer 'gru' has weights for input of shape \(None, None, 3\), which do not fit"
    with pytest.raises(ValueError, match=message):
        Sequential([Input((6, 4)), layer])
    model = Sequential([layer])
    with pytest.raises(ValueError, match=message):
        model.build((None, 6, 4))
    assert model.input_shape == (None, None, 3)
    model.build((None, 6, 3))
    assert model.input_shape == (None, 6, 3)


def test_a_model_takes_no_time_major_layer():
    with pytest.raises(ValueError, match="time_major=True is not for a Sequential"):
        Sequential([GRU(3, time_major=True)])
