"""Files that are written for Keras come back."""

import os

import numpy as np
import pytest
from tools import small_model as small

import gru_c
from gru_c import Dense, Embedding, Input, Sequential
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


def test_a_model_of_single_indices(tmp_path):
    model = Sequential([Input(()), Embedding(4, 3), Dense(2)], seed=0)
    keras.save(model, tmp_path / "model.keras")
    again = keras.load(tmp_path / "model.keras")
    assert again.input_shape == (None,)
    ids = np.arange(4)
    np.testing.assert_array_equal(again.predict(ids, verbose=0), model.predict(ids, verbose=0))
