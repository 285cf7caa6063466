"""Models and weights come back from files of each format; the tests do not need Keras."""

import os

import numpy as np
import pytest
from model_files import assert_equal, renamed, trained
from tools import small_model

import gru_c
from gru_c import GRU, Bidirectional, Dense, Input, Sequential

MODELS = [".safetensors", ".keras", ".h5", ".hdf5"]
WEIGHTS = [".safetensors", ".weights.h5", ".h5", ".hdf5"]


@pytest.fixture(autouse=True)
def _h5py():
    pytest.importorskip("h5py")


@pytest.mark.parametrize("suffix", MODELS)
def test_a_model_comes_back_with_its_settings_and_its_optimizer(tmp_path, suffix):
    model = trained()
    path = tmp_path / f"model{suffix}"
    model.save(path, include_optimizer=True)
    again = gru_c.load_model(path)
    assert_equal(again.get_weights(), model.get_weights())
    assert [layer.name for layer in again.layers] == ["a", "b"]
    assert again.loss.name == "mean_squared_error" or again.loss.name == "mse"
    assert again.optimizer.iterations == 4
    for name, slot in model.optimizer.slots.items():
        np.testing.assert_array_equal(again.optimizer.slots[name], slot)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", MODELS)
def test_the_state_of_the_optimizer_is_left_out_on_request(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    trained().save(path, include_optimizer=False)
    again = gru_c.load_model(path)
    assert again.optimizer.iterations == 0
    again = gru_c.load_model(path, compile=False)
    assert again.optimizer is None
    assert again.loss is None


def test_the_default_for_the_optimizer_is_that_of_the_format(tmp_path):
    for suffix, steps in ((".safetensors", 0), (".keras", 4), (".h5", 4)):
        trained().save(tmp_path / f"model{suffix}")
        assert gru_c.load_model(tmp_path / f"model{suffix}").optimizer.iterations == steps


@pytest.mark.parametrize("suffix", WEIGHTS)
@pytest.mark.parametrize("frozen", ["nothing", "forward", "model"])
def test_weights_come_back(tmp_path, suffix, frozen):
    def make(seed):
        layers = [Input((5, 4)), Bidirectional(GRU(3, return_sequences=True)), GRU(2), Dense(1)]
        return Sequential(layers, seed=seed)

    model, other = make(0), make(1)
    model.layers[0].forward_layer.trainable = frozen != "forward"
    model.trainable = frozen != "model" and model.trainable
    if frozen == "forward":
        model.layers[0].forward_layer.trainable = False
    path = tmp_path / f"model{suffix}"
    model.save_weights(path)
    other.load_weights(path)
    assert_equal(other.get_weights(), model.get_weights())


@pytest.mark.parametrize("suffix", MODELS)
def test_weights_are_read_from_the_file_of_a_model(tmp_path, suffix):
    model, other = trained(), small_model()
    model.save(tmp_path / f"model{suffix}")
    other.load_weights(tmp_path / f"model{suffix}")
    assert_equal(other.get_weights(), model.get_weights())
    assert other.optimizer.iterations == 0


@pytest.mark.parametrize("suffix", WEIGHTS)
def test_weights_that_do_not_fit_change_nothing(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    renamed("a").save_weights(path)
    other = Sequential([Dense(4, input_shape=(3,), name="a"), Dense(2)])
    before = other.get_weights()
    with pytest.raises(ValueError, match="model"):
        other.load_weights(path)
    assert_equal(other.get_weights(), before)


@pytest.mark.parametrize("suffix", MODELS)
def test_a_file_that_exists_is_kept_on_request(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="exists, and overwrite is False"):
        trained().save(path, overwrite=False)
    if suffix in WEIGHTS:
        with pytest.raises(FileExistsError, match="exists, and overwrite is False"):
            trained().save_weights(path, overwrite=False)
    assert path.read_bytes() == b"mine"
