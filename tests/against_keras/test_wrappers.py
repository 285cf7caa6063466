"""Layers that contain layers or cells, and penalties of outputs, beside Keras's."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

K, RNG = keras.layers, np.random.default_rng(17)
X = RNG.standard_normal((6, 5, 3)).astype(np.float32)
SENTENCES = RNG.standard_normal((6, 5, 4, 3)).astype(np.float32)
MASKED = X * (np.arange(5) < RNG.integers(1, 6, (6, 1)))[:, :, None].astype(np.float32)


def trained_alike(ours, theirs, x, **tolerance):
    """Train both models with the same weights, and compare losses, weights and outputs."""
    y = RNG.standard_normal(theirs(x).shape).astype(np.float32)
    ours.build((None, *x.shape[1:]))
    ours.set_weights(theirs.get_weights())
    ours.compile(gru_c.optimizers.SGD(0.1), "mse", metrics=["mae"])
    theirs.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    histories = [model.fit(x, y, **options).history for model in (ours, theirs)]
    results = [model.evaluate(x, y, verbose=0) for model in (ours, theirs)]
    for name, values in histories[1].items():
        np.testing.assert_allclose(histories[0][name], values, rtol=1e-4)
    np.testing.assert_allclose(*results, rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda L: [L.TimeDistributed(L.Dense(2, "tanh"))], X),
        (lambda L: [L.TimeDistributed(L.GRU(2))], SENTENCES),
        (lambda L: [L.TimeDistributed(L.Bidirectional(L.GRU(2))), L.GRU(2)], SENTENCES),
        (lambda L: [L.Masking(), L.TimeDistributed(L.Dense(2)), L.GRU(2)], MASKED),
        (lambda L: [L.TimeDistributed(L.Dense(2, trainable=False)), L.Dense(1)], X),
        (lambda L: [L.TimeDistributed(L.LayerNormalization()), L.GRU(2)], X),
    ],
)
def test_layers_over_time(make, x):
    ours = gru_c.Sequential(make(gru_c.layers))
    trained_alike(ours, keras.Sequential([K.Input(x.shape[1:]), *make(K)]), x)


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda L: [L.Dense(2, activity_regularizer="l2")], X),
        (lambda L: [L.Dense(2, "tanh", activity_regularizer="l1"), L.Dense(1)], X[:, 0]),
        (lambda L: [L.GRU(2, return_sequences=True, activity_regularizer="l2")], X),
        (lambda L: [L.Masking(), L.GRU(2, activity_regularizer="l1")], MASKED),
        (lambda L: [L.Masking(), L.GRU(2, return_sequences=True, activity_regularizer="l1")], MASKED),  # noqa: E501
        (lambda L: [L.Bidirectional(L.GRU(2), activity_regularizer="l2")], X),
        (lambda L: [L.TimeDistributed(L.Dense(2), activity_regularizer="l2")], X),
        (lambda L: [L.Dense(4), L.ActivityRegularization(0.1, 0.2), L.GRU(2)], X),
        (lambda L: [L.Dense(4), L.Dense(3, trainable=False, activity_regularizer="l2")], X),
        (lambda L: [L.Dense(4), L.Activation("relu", activity_regularizer="l2"), L.GRU(2)], X),
    ],
)  # fmt: skip
def test_penalties_of_outputs(make, x):
    ours = gru_c.Sequential(make(gru_c.layers))
    trained_alike(ours, keras.Sequential([K.Input(x.shape[1:]), *make(K)]), x)


def stacked(L):
    return L.StackedRNNCells([L.GRUCell(4), L.GRUCell(2)])


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda L: [L.RNN(L.GRUCell(4))], X),
        (lambda L: [L.RNN([L.GRUCell(4, reset_after=False), L.GRUCell(2)])], X),
        (lambda L: [L.RNN(stacked(L), return_sequences=True, go_backwards=True)], X),
        (lambda L: [L.Masking(), L.RNN(stacked(L), return_sequences=True)], MASKED),
        (
            lambda L: [
                L.Masking(),
                L.RNN(stacked(L), return_sequences=True, zero_output_for_mask=True),
                L.GRU(2),
            ],
            MASKED,
        ),
        (lambda L: [L.Masking(), L.RNN(stacked(L), go_backwards=True)], MASKED),
    ],
)
def test_cells(make, x, tmp_path):
    from gru_c.interop import keras as files

    ours = gru_c.Sequential(make(gru_c.layers))
    theirs = keras.Sequential([K.Input(x.shape[1:]), *make(K)])
    trained_alike(ours, theirs, x)
    theirs.save(tmp_path / "theirs.keras")
    theirs.save(tmp_path / "theirs.h5")
    files.save(ours, tmp_path / "ours.keras")
    expected = theirs.predict(x, verbose=0)
    for name in ("theirs.keras", "theirs.h5"):
        read = files.load(tmp_path / name).predict(x, verbose=0)
        np.testing.assert_allclose(read, expected, rtol=1e-4, atol=1e-5)
    back = keras.models.load_model(tmp_path / "ours.keras")
    np.testing.assert_allclose(back.predict(x, verbose=0), expected, rtol=1e-3, atol=1e-5)


def test_steps_and_states_of_cells():
    for make in (lambda L: L.GRUCell(4), stacked):
        ours, theirs = (make(L) for L in (gru_c.layers, K))
        states = [
            RNG.standard_normal((6, n)).astype(np.float32) for n in np.ravel(theirs.state_size)
        ]
        h, after = theirs(X[:, 0], states)
        ours(X[:, 0])
        for cell, other in zip(
            getattr(ours, "cells", [ours]), getattr(theirs, "cells", [theirs]), strict=True
        ):
            cell.set_weights(other.get_weights())
        y, ours_after = ours(X[:, 0], states)
        for a, b in zip([y, *ours_after], [h, *after], strict=True):
            np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-4, atol=1e-6)
        assert ours.state_size == theirs.state_size
