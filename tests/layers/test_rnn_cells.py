"""Cells: single time steps, gradients, frozen cells, and what an RNN refuses."""

import copy

import numpy as np
import pytest
from rnn_pairs import pair, same

from gru_c import RNN, Dense, GRUCell, Sequential, load_model

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4, 3)), RNG.normal(size=(6, 2))


def test_a_cell_takes_the_steps_of_its_layer():
    rnn = RNN(GRUCell(5), return_sequences=True, return_state=True, dtype="float64")
    output, last = rnn(X)
    states = rnn.cell.get_initial_state(6)
    for t in range(4):
        h, states = rnn.cell(X[:, t], states)
        np.testing.assert_allclose(h, output[:, t], rtol=1e-12)
    np.testing.assert_allclose(states[0], last, rtol=1e-12)
    h, state = rnn.cell(X[:, 0], np.zeros((6, 5)))
    assert isinstance(state, np.ndarray)
    assert rnn.cell.state_size == rnn.cell.output_size == 5


def test_the_gradients_of_a_cell_are_those_of_finite_differences():
    cell = GRUCell(3, dtype="float64")
    x, h, d = X[:, 0].copy(), RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
    cell(x, [h], training=True)
    d_x, (d_h,) = cell.backward(d)
    arrays = [(x, d_x), (h, d_h), *((p.value, p.gradient.copy()) for p in cell.parameters)]
    for array, gradient in arrays:
        place = tuple(RNG.integers(0, array.shape))
        before, sums = array[place], []
        for step in (1e-6, -1e-6):
            array[place] = before + step
            sums.append((cell(x, [h])[0] * d).sum())
        array[place] = before
        np.testing.assert_allclose(gradient[place], (sums[0] - sums[1]) / 2e-6, rtol=1e-5)


def test_files_copies_streams_and_truncated_backpropagation(tmp_path):
    models = pair()
    for model in models:
        model.layers.pop(0)
        model.compile("sgd", "mse")
        model.fit(X, Y, bptt_steps=2, verbose=0)
    assert same(*(model.get_weights() for model in models))
    streams = [model.stream(6) for model in models]
    for t in range(4):
        assert (streams[0].step(X[:, t]) == streams[1].step(X[:, t])).all()
    model = models[1]
    model.save(tmp_path / "model.safetensors")
    for other in (load_model(tmp_path / "model.safetensors"), copy.deepcopy(model)):
        assert (other.predict(X, verbose=0) == model.predict(X, verbose=0)).all()
        other.fit(X, Y, verbose=0)
        assert same(other.layers[0].cells[0].get_weights(), other.get_weights()[:3])


def test_a_frozen_cell_keeps_its_weights_and_the_others_do_not():
    model = pair()[1]
    rnn = model.layers[-1]
    rnn.cells[0].trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert same(before[:3], model.get_weights()[:3])
    assert not same(before[3:], model.get_weights()[3:])
    assert not RNN(GRUCell(3), trainable=False).cell.trainable


def test_dropout_of_cells_repeats_with_a_seed():
    weights = [np.ones((3, 15)), np.ones((5, 15)), np.ones((2, 15))]
    outputs = [
        RNN(GRUCell(5, dropout=0.5, recurrent_dropout=0.5, seed=3, weights=weights))(
            X, training=True
        )
        for _ in range(2)
    ]
    assert (outputs[0] == outputs[1]).all()


class MyCell:
    units = 3


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RNN(MyCell()), TypeError, r"MyCell is not a cell.*give a GRUCell\(units\)"),
        (lambda: RNN(Dense(3)), TypeError, "Dense is not a cell"),
        (lambda: RNN(GRUCell), TypeError, r"write GRUCell\(...\)"),
        (lambda: RNN([]), TypeError, "list of cells"),
        (lambda: RNN([GRUCell(2)] * 2), TypeError, "occurs twice"),
        (lambda: RNN(GRUCell(2, activity_regularizer="l2")), ValueError, "give it to the RNN"),
        (lambda: Sequential([GRUCell(3)]), ValueError, r"write RNN\(GRUCell\(...\)\)"),
        (lambda: RNN(GRUCell(3))(X[:, 0]), ValueError, r"\(batch, time, features\)"),
        (lambda: GRUCell(3)(X), ValueError, r"\(batch, features\)"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused(make, error, message):
    with pytest.raises((error, ValueError), match=message):
        make()


def test_a_cell_has_one_place():
    cell = GRUCell(3)
    cell(X[:, 0])
    with pytest.raises(ValueError, match="has weights or another place already"):
        RNN([cell])
    first = RNN(cell)  # alone, it shares its weights
    assert (first(X) == RNN(cell)(X)).all()
