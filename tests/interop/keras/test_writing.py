"""Files that are written for Keras come back, and what Keras lacks is named."""

import os

import numpy as np
import pytest
from tools import small_model as small

import gru_c
from gru_c import GRU, Dense, Embedding, Input, Sequential
from gru_c.interop import keras

pytest.importorskip("h5py")


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


def test_a_model_of_single_indices(tmp_path):
    model = Sequential([Input(()), Embedding(4, 3), Dense(2)], seed=0)
    keras.save(model, tmp_path / "model.keras")
    again = keras.load(tmp_path / "model.keras")
    assert again.input_shape == (None,)
    ids = np.arange(4)
    np.testing.assert_array_equal(again.predict(ids, verbose=0), model.predict(ids, verbose=0))
