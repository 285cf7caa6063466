"""Stored files of Keras 2 and 3, and files written for it; the tests do not need Keras."""

import os
from pathlib import Path

import numpy as np
import pytest
from tools import small_model as small

import gru_c
from gru_c import GRU, Dense, Embedding, Input, Sequential
from gru_c.interop import keras

pytest.importorskip("h5py")

DATA = Path(__file__).parents[3] / "tests" / "support" / "data" / "keras"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.keras"


# ---- stored files -------------------------------------------------------------------------------


def expected(number, name):
    with np.load(DATA / f"expected_{number}.npz") as stored:
        return stored[f"{name}_x"], stored[f"{name}_y"]


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("file", ["sequences_{}.keras", "sequences_{}.h5"])
def test_sequences(number, file):
    model = keras.load(DATA / file.format(number))
    x, y = expected(number, "sequences")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-6)
    assert model.name == "net"
    assert [layer.name for layer in model.layers][4:6] == ["both", "gru_2"]
    assert model.optimizer.clipnorm == 1
    assert model.optimizer.rate_or_schedule(100) == pytest.approx(0.009)
    assert model.loss.name == "categorical_crossentropy"
    assert [metric.name for metric in model.metrics] == ["accuracy", "mae"]
    y = np.eye(2)[[0, 1, 0]]
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=20, seed=0, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


@pytest.mark.parametrize("number", [2, 3])
def test_a_functional_chain(number):
    model = keras.load(DATA / f"functional_{number}.keras")
    x, y = expected(number, "functional")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-6)
    assert model.input_shape == (None, None, 4)


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
        (GRU(3), "model must be a Sequential of gru_c, got GRU"),
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


def test_a_model_is_not_for_a_file_with_its_own(path):
    keras.save(small(), path)
    with pytest.raises(ValueError, match="a model of its own; model= is for files of weights"):
        keras.load(path, small())


# ---- writing ------------------------------------------------------------------------------------


def test_what_is_written_comes_back(path):
    model = small(kernel_initializer=lambda shape, dtype, rng: np.ones(shape, dtype))
    model.compile("adam", "mse", ["acc", gru_c.metrics.BinaryAccuracy(0.25)])
    keras.save(model, path)
    again = keras.load(path)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert [metric.name for metric in again.metrics] == ["acc", "binary_accuracy"]
    assert again.metrics[1].threshold == 0.25
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert os.listdir(path.parent) == [path.name]


def own(function):
    return gru_c.activations.Activation("own", function, function)


class Half(gru_c.regularizers.L2):
    pass


class Quick(GRU):
    pass


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: GRU(3, zoneout=0.1), r"layer 'gru' \(GRU\): a Keras file has no zoneout=0.1"),
        (lambda: GRU(3, clip=5.0), "a Keras file has no clip=5.0"),
        (lambda: GRU(3, inference_weights="int8"), "a Keras file has no inference_weights='int8'"),
        (lambda: GRU(3, stateful=True), "a Keras file has no stateful=True"),
        (
            lambda: gru_c.Bidirectional(GRU(3, zoneout=0.1)),
            r"layer 'forward_gru' \(GRU\): a Keras file has no zoneout",
        ),
        (
            lambda: gru_c.Bidirectional(GRU(3), backward_layer=GRU(2, go_backwards=True)),
            "Keras wants as many units in both directions",
        ),
        (lambda: GRU(3, "affine"), "Keras has no activation='affine'"),
        (
            lambda: GRU(3, recurrent_activation=("hard_sigmoid", 0.2, 0.5)),
            r"Keras has no recurrent_activation=\('hard_sigmoid', 0.2, 0.5\)",
        ),
        (lambda: Dense(3, own(np.cos)), "Keras has no activation 'own' of one's own"),
        (lambda: gru_c.Activation(own(np.cos)), "Keras has no activation 'own' of one's own"),
        (lambda: Dense(3, kernel_regularizer=Half()), "Keras has no regularizer Half"),
        (lambda: Quick(3), r"layer 'quick' \(Quick\): Keras has no such layer"),
    ],
)
def test_what_keras_has_not(path, layer, message):
    with pytest.raises(ValueError, match=message):
        keras.save(Sequential([Input((6, 4)), layer()]), path)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (
            lambda p: keras.save(small(), p.with_suffix(".npz")),
            r"named \*.keras or \*.h5, got 'mod",
        ),
        (
            lambda p: keras.save(small(), p.with_suffix(".weights.h5")),
            r"named \*.keras or \*.h5, got 'model.weights.h5'",
        ),
        (
            lambda p: keras.save_weights(small(), p),
            r"weights from \*.weights.h5 or \*.h5, got 'model.keras'",
        ),
        (lambda p: keras.save(Sequential([GRU(3)]), p), "no weights yet, so save is not possible"),
        (lambda p: keras.save(GRU(3), p), "must be a Sequential of gru_c, got GRU"),
        (lambda p: keras.save(small(), p.parent / "no" / "m.keras"), "there is no folder"),
    ],
)
def test_what_cannot_be_saved(path, save, message):
    with pytest.raises((ValueError, TypeError, OSError), match=message):
        save(path)
    assert os.listdir(path.parent) == []


def test_a_model_of_single_indices(tmp_path):
    model = Sequential([Input(()), Embedding(4, 3), Dense(2)], seed=0)
    keras.save(model, tmp_path / "model.keras")
    again = keras.load(tmp_path / "model.keras")
    assert again.input_shape == (None,)
    ids = np.arange(4)
    np.testing.assert_array_equal(again.predict(ids, verbose=0), model.predict(ids, verbose=0))


def test_an_older_file_holds_a_stack_of_cells(tmp_path):
    cells = [gru_c.layers.GRUCell(4), gru_c.layers.GRUCell(3)]
    model = Sequential([gru_c.layers.RNN(cells), Dense(1)], seed=0)
    model.build((None, 5, 3))
    model.compile("adam", "mse")
    model.save(tmp_path / "model.h5")
    again = gru_c.load_model(tmp_path / "model.h5")
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
