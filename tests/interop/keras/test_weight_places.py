"""Weights of Keras's files find their places in a model, or the message names them."""

from pathlib import Path

import numpy as np
import pytest
from tools import small_model as small

import gru_c
from gru_c import GRU, Dense, Embedding, Sequential
from gru_c.interop import keras

pytest.importorskip("h5py")

DATA = Path(__file__).parents[3] / "tests" / "support" / "data" / "keras"


# ---- stored files -------------------------------------------------------------------------------


def expected(number, name):
    with np.load(DATA / f"expected_{number}.npz") as stored:
        return stored[f"{name}_x"], stored[f"{name}_y"]


@pytest.mark.parametrize("file", ["text_2.h5", "text_2.weights.h5", "text_3.weights.h5"])
def test_weights_for_a_model(file):
    layers = [
        Embedding(9, 3, mask_zero=True, name="words", input_shape=(None,)),
        GRU(3, name="state"),
        Dense(1, activation="sigmoid", name="answer"),
    ]
    model = Sequential(layers, dtype="float64")
    assert keras.load(DATA / file, model=model) is model
    x, y = expected(int(file[5]), "text")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-6)


@pytest.mark.parametrize("number", [2, 3])
def test_weights_of_a_file_that_holds_a_model(number):
    whole = keras.load(DATA / f"sequences_{number}.h5")
    weights = whole.get_weights()
    whole.set_weights([np.zeros_like(w) for w in weights])
    keras.load(DATA / f"sequences_{number}.h5", whole)
    for actual, wanted in zip(whole.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(actual, wanted)


# ---- the argument `model` ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, r"give the gru_c model that they are for, load\(path, model=...\)"),
        (Sequential([GRU(3)]), "the model has no weights yet, so load is not possible"),
        (GRU(3), "model must be a Sequential or Model of gru_c, got GRU"),
        (small(), r"the dataset 'layers/gru/cell/vars/0' has shape \(3, 9\), not \(4, 9\)"),
        (Sequential([GRU(3, input_shape=(None, 3))]), "layers/dense/vars/0' belongs to no layer"),
    ],
)
def test_weights_that_find_no_place(model, message):
    before = model.get_weights() if isinstance(model, Sequential) and model.built else []
    with pytest.raises((ValueError, TypeError), match=message):
        keras.load(DATA / "text_3.weights.h5", model)
    for weight, after in zip(before, model.get_weights() if before else [], strict=True):
        np.testing.assert_array_equal(weight, after)


def test_weights_by_the_names_of_layers():
    with pytest.raises(ValueError, match="no weights of a layer 'a'; it has answer, state, "):
        keras.load(DATA / "text_2.h5", small())


def test_an_older_file_holds_a_stack_of_cells(tmp_path):
    cells = [gru_c.layers.GRUCell(4), gru_c.layers.GRUCell(3)]
    model = Sequential([gru_c.layers.RNN(cells), Dense(1)], seed=0)
    model.build((None, 5, 3))
    model.compile("adam", "mse")
    model.save(tmp_path / "model.h5")
    again = gru_c.load_model(tmp_path / "model.h5")
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
