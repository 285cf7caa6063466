"""What the functions of all cells share: checks of arguments, and messages that name the cell."""

import numpy as np
import pytest
from cells import CELLS
from tools import assert_close, assert_same_bits

import gru_c

GRU, LSTM, RNN = CELLS
each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
SIZES = 2, 5, 3, 4


@each_cell
@pytest.mark.parametrize("name", ["kernel", "recurrent_kernel", "bias", "initial_state", "x"])
def test_an_array_of_another_shape_is_refused(cell, name):
    arguments = cell.arguments(*SIZES)
    arguments[name] = arguments[name][..., : -cell.states]  # of an LSTM from each of its states
    with pytest.raises(ValueError, match=r"must have shape|features"):
        cell.forward(arguments)


@pytest.mark.parametrize("cell", [LSTM, RNN], ids=lambda cell: cell.name)
def test_weights_of_a_gru_are_refused(cell):
    weights = {**GRU.arguments(*SIZES, bias=False), "initial_state": None}
    with pytest.raises(ValueError, match=r"recurrent_kernel must have shape \(H, 4?H\)"):
        cell.forward(weights)


@each_cell
def test_a_tape_of_another_cell_is_refused(cell):
    other = LSTM if cell is not LSTM else GRU
    tape = other.forward(other.arguments(*SIZES), training=True)[2]
    backward = getattr(gru_c, f"{cell.name}_backward")
    with pytest.raises(TypeError, match=f"{cell.name}_backward wants a tape .*{other.kind}'s"):
        backward(tape)
    with pytest.raises(TypeError, match="was training=True given"):
        backward(None)


@each_cell
def test_an_activation_that_is_unknown_names_the_cell(cell):
    with pytest.raises(ValueError, match=rf"activation of an? {cell.kind}.*'gelu'"):
        cell.forward(cell.arguments(*SIZES), activation="gelu")


@each_cell
def test_a_dtype_anywhere_is_that_of_the_results(cell):
    arguments = cell.arguments(*SIZES, np.float32)
    assert cell.forward(arguments)[0].dtype == np.float32
    arguments["initial_state"] = arguments["initial_state"].astype(np.float64)
    output, state, _ = cell.forward(arguments)
    assert output.dtype == state.dtype == np.float64


@each_cell
def test_other_arrays_are_converted(cell):
    """Lists and arrays that are not contiguous take the longer way, to the same bits."""
    arguments = cell.arguments(*SIZES, np.float32)
    expected = cell.forward(arguments)
    strided = {name: np.repeat(array, 2, -1)[..., ::2] for name, array in arguments.items()}
    for one, other in zip(cell.forward(strided)[:2], expected[:2], strict=True):
        assert_same_bits(one, other)
    x, *weights, state = arguments.values()
    step = cell.step(x[:, 0].tolist(), state, *[weight.tolist() for weight in weights])
    assert_close(step, cell.step(x[:, 0], state, *weights), 1e-6)
