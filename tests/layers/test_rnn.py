"""RNN runs cells over sequences: outputs, states and gradients of the layers of the same cells."""

import numpy as np
import pytest
from rnn_pairs import pair, same

from gru_c import GRU, RNN, Bidirectional, GRUCell, Sequential, StackedRNNCells

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4, 3)), RNG.normal(size=(6, 2))
MASKED = X * (np.arange(4) < RNG.integers(1, 5, (6, 1)))[:, :, None]


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
