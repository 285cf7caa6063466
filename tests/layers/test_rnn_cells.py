"""Layers that are made of cells, and single time steps of cells."""

import copy

import numpy as np
import pytest

from gru_c import (
    GRU,
    RNN,
    Bidirectional,
    Dense,
    GRUCell,
    Masking,
    Sequential,
    StackedRNNCells,
    load_model,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4, 3)), RNG.normal(size=(6, 2))
MASKED = X * (np.arange(4) < RNG.integers(1, 5, (6, 1)))[:, :, None]


def same(a, b):
    return all((p == q).all() for p, q in zip(a, b, strict=True))


def pair(options=None, x=X, **settings):
    """Return a model of `GRU` layers and one of their cells, with the same weights."""
    last = options or {}
    grus = [GRU(5, return_sequences=True, **settings), GRU(2, **settings, **last)]
    cells = [GRUCell(5, **settings), GRUCell(2, **settings)]
    first = [Masking(input_shape=x.shape[1:])]
    return Sequential([*first, *grus], seed=1), Sequential(
        [Masking(input_shape=x.shape[1:]), RNN(cells, **last)], seed=1
    )


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {}),
        ({"return_sequences": True}, {"reset_after": False}),
        ({"return_sequences": True, "zero_output_for_mask": True}, {"use_bias": False}),
        ({}, {"activation": "relu", "recurrent_activation": "hard_sigmoid"}),
    ],
)
@pytest.mark.parametrize("x", [X, MASKED])
def test_cells_compute_and_train_to_the_bits_of_layers(options, settings, x):
    models = pair(options, x, **settings)
    y = RNG.normal(size=models[0].predict(x, verbose=0).shape)
    assert same(*(model.get_weights() for model in models))
    for model in models:
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, verbose=0)
    assert same(*(model.get_weights() for model in models))


def test_backwards_the_upper_cells_get_the_steps_and_the_mask_in_that_order():
    rnn = RNN([GRUCell(5), GRUCell(2)], go_backwards=True, dtype="float64")
    mask = np.array([[1, 1, 0, 1]] * 6, bool)
    y = rnn(X, mask=mask)
    forward = RNN(StackedRNNCells([GRUCell(5), GRUCell(2)]), dtype="float64")
    forward.build(X.shape)
    forward.set_weights(rnn.get_weights())
    np.testing.assert_allclose(y, forward(X[:, ::-1], mask=mask[:, ::-1]), rtol=1e-12)


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


def test_initial_states_and_their_gradients_are_one_for_each_cell():
    rnn = RNN([GRUCell(5), GRUCell(2)], return_state=True, dtype="float64")
    rnn(X)
    states = [RNG.normal(size=(6, 5)), RNG.normal(size=(6, 2))]
    d, d_states = RNG.normal(size=(6, 2)), [RNG.normal(size=(6, 5)), RNG.normal(size=(6, 2))]

    def value():
        y, *last = rnn(X, initial_state=states)
        return (y * d).sum() + sum((a * b).sum() for a, b in zip(last, d_states, strict=True))

    rnn.forward(X, initial_state=states, training=True)
    d_x, d_initial = rnn.backward(d, d_state=d_states)
    assert d_x.shape == X.shape
    for array, gradient in zip(states, d_initial, strict=True):
        place = tuple(RNG.integers(0, array.shape))
        before, values = array[place], []
        for step in (1e-6, -1e-6):
            array[place] = before + step
            values.append(value())
        array[place] = before
        np.testing.assert_allclose(gradient[place], (values[0] - values[1]) / 2e-6, rtol=1e-5)
    with pytest.raises(ValueError, match="initial_state must be 2 arrays, got 1"):
        rnn(X, initial_state=states[0])


def test_a_stateful_rnn_continues_and_can_be_reset():
    model = Sequential([RNN([GRUCell(5), GRUCell(2)], stateful=True, input_shape=(None, 3))])
    whole = model.predict(X, verbose=0)
    model.reset_states()
    model.predict(X[:, :2], verbose=0)
    np.testing.assert_allclose(model.predict(X[:, 2:], verbose=0), whole, rtol=1e-5)
    model.layers[0].reset_states([np.ones((6, 5)), np.ones((6, 2))])
    with pytest.raises(ValueError, match="holds the states of 6 sequences"):
        model.predict(X[:4], verbose=0)


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


def test_bidirectional_takes_an_rnn_of_one_cell():
    options = {"dropout": 0.1, "reset_after": False, "kernel_regularizer": "l2"}
    cells = Bidirectional(RNN(GRUCell(3, **options), return_sequences=True, name="a"), "sum")
    plain = Bidirectional(GRU(3, **options, return_sequences=True, name="a"), "sum")
    assert cells.get_config() == plain.get_config()
    assert cells.forward_layer.name == "forward_a"
    again = Bidirectional(**cells.get_config())
    assert again.get_config() == cells.get_config()
    other = Bidirectional(
        RNN(GRUCell(3)), backward_layer=RNN(GRUCell(2), go_backwards=True), input_shape=(5, 2)
    )
    assert other.compute_output_shape((None, 5, 2)) == (None, 5)
    with pytest.raises(ValueError, match=r"layer of a Bidirectional: .* has 2 cells, wanted one"):
        Bidirectional(RNN([GRUCell(2), GRUCell(2)]))
    used = RNN(GRUCell(2))
    used(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match=r"backward_layer of a Bidirectional: .* weights already"):
        Bidirectional(GRU(2), backward_layer=used)
