"""Cells: single steps, and the layers that `RNN` makes of them."""

import numpy as np
import pytest
from tools import assert_close, assert_same_bits, random_numbers

from gru_c import GRU, LSTM, RNN, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell

PAIRS = [(GRUCell, GRU), (LSTMCell, LSTM), (SimpleRNNCell, SimpleRNN)]
each_pair = pytest.mark.parametrize(("cell_class", "layer_class"), PAIRS)
X = random_numbers(3, 5, 4)


@each_pair
def test_an_rnn_of_a_cell_is_the_layer(cell_class, layer_class):
    layer = layer_class(6, return_sequences=True, return_state=True)
    expected = layer(X)
    rnn = RNN(cell_class(6), return_sequences=True, return_state=True)
    rnn(X)
    rnn.set_weights(layer.get_weights())
    for one, other in zip(rnn(X), expected, strict=True):
        assert_same_bits(one, other)
    again = rnn.forward(X, initial_state=list(expected[1:]), training=True)
    of_layer = expected[1:] if layer_class is LSTM else expected[1]
    other = layer.forward(X, initial_state=of_layer, training=True)
    assert_same_bits(again[0], other[0])
    d_x, d_states = rnn.backward(again[0])
    d_x_layer, d_state = layer.backward(other[0])
    assert_same_bits(d_x, d_x_layer)
    for one, two in zip(d_states, d_state if layer_class is LSTM else [d_state], strict=True):
        assert_same_bits(one, two)


@each_pair
def test_steps_of_a_cell_make_a_sequence(cell_class, layer_class):
    cell, layer = cell_class(6), layer_class(6, return_sequences=True)
    states = cell.get_initial_state(3)
    cell(X[:, 0], states)
    layer(X)
    layer.set_weights(cell.get_weights())
    expected = layer(X)
    for t in range(5):
        h, states = cell(X[:, t], states)
        assert_close(h, expected[:, t], 1e-6)
    assert len(states) == (2 if cell_class is LSTMCell else 1)


def test_a_loop_over_an_lstm_cell_passes_the_gradient_of_c_back():
    cell, layer = LSTMCell(6, dtype="float64"), LSTM(6, dtype="float64")
    x = X.astype(np.float64)
    states = cell.get_initial_state(3)
    cell(x[:, 0], states)
    layer(x)
    layer.set_weights(cell.get_weights())
    tapes = []
    for t in range(5):
        h, states = cell(x[:, t], states, training=True)
        tapes.append(cell.tape)
    d_h, d_c = np.ones_like(h), None
    for t in reversed(range(5)):
        _, (d_h, d_c) = cell.backward(d_h, d_states=[None, d_c], tape=tapes[t], accumulate=t < 4)
    layer.forward(x, training=True)
    layer.backward(np.ones_like(h))
    assert_close(cell.gradient("kernel"), layer.gradient("kernel"), 1e-12)


def test_stacked_cells_have_their_states_one_by_one():
    rnn = RNN([LSTMCell(4), GRUCell(3), SimpleRNNCell(2)], return_state=True)
    output, first, second, third = rnn(X)
    assert [np.shape(state) for state in (first, second, third)] == [(2, 3, 4), (3, 3), (3, 2)]
    assert_same_bits(output, third)
    again, *_ = rnn.forward(X, initial_state=[first, second, third])
    assert again.shape == output.shape
    assert rnn.cell.state_size == [[4, 4], 3, 2]


def test_states_of_another_number_are_refused():
    cell = LSTMCell(4)
    with pytest.raises(ValueError, match="list of two arrays"):
        cell(X[:, 0], [np.zeros((3, 4))])
