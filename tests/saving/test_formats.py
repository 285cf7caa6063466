"""Files whose format is chosen by the suffix of their names; the tests do not need Keras."""

import os

import pytest
from model_files import assert_equal, renamed, trained
from tools import small_model

import gru_c
from gru_c import GRU, Dense, Input, Sequential


@pytest.fixture(autouse=True)
def _h5py():
    pytest.importorskip("h5py")


def test_layers_of_an_older_file_are_loaded_in_their_order(tmp_path):
    first, other = renamed("dense_4", "dense_5"), renamed("dense", "dense_1")
    first.save_weights(tmp_path / "first.h5")
    other.load_weights(tmp_path / "first.h5")
    assert_equal(other.get_weights(), first.get_weights())
    swapped = renamed("dense_5", "dense_4")
    with pytest.raises(ValueError, match=r"the layers dense_4, dense_5, .* in another order, "):
        swapped.load_weights(tmp_path / "first.h5")


@pytest.mark.parametrize("signature", [".safetensors", ".keras", ".h5"])
def test_the_content_decides_about_an_unknown_suffix(tmp_path, signature):
    model = trained()
    model.save(tmp_path / f"model{signature}")
    (tmp_path / f"model{signature}").rename(tmp_path / "model.best")
    assert_equal(gru_c.load_model(tmp_path / "model.best").get_weights(), model.get_weights())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda m, p: m.save(p / "model"), "save: a file named 'model' has a suffix that is not"),
        (lambda m, p: m.save(p / "m.weights.h5"), "holds weights alone; .*one of .safetensors, "),
        (lambda m, p: m.save_weights(p / "m.keras"), "holds a whole model; .*, .weights.h5, .h5, "),
        (lambda m, p: m.save_weights(p / "m.npz"), "has a suffix that is not known"),
        (lambda m, p: m.load_weights(p / "m.npz"), "has a suffix that is not known"),
        (lambda m, p: gru_c.load_model(p / "m.weights.h5"), "holds weights alone"),
        (lambda m, p: m.load_weights(p / "m.safetensors"), "there is no file"),
        (lambda m, p: m.load_weights(p / "m.h5"), "there is no file"),
        (lambda m, p: gru_c.load_model(p / "m.h5"), "there is no file"),
        (lambda m, p: m.save(p / "no" / "m.h5"), "there is no folder"),
        (lambda m, p: m.save_weights(p / "no" / "m.weights.h5"), "there is no folder"),
        (lambda m, p: Sequential([GRU(3)]).save(p / "m.h5"), "so save is not possible"),
        (lambda m, p: Sequential([GRU(3)]).save_weights(p / "m.h5"), "save_weights is not poss"),
        (lambda m, p: Sequential([GRU(3)]).load_weights(p), "suffix that is not known"),
        (lambda m, p: m.save(p / "m.h5", include_optimizer="no"), "include_optimizer must be"),
        (lambda m, p: m.save(p / "m.h5", overwrite=2), "overwrite must be"),
    ],
)
def test_a_file_that_is_not_possible(tmp_path, act, message):
    with pytest.raises((ValueError, TypeError, OSError), match=message):
        act(small_model(), tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_a_missing_h5py_is_named(tmp_path, monkeypatch, suffix):
    model, path = trained(), tmp_path / f"model{suffix}"
    weights = suffix == ".weights.h5"
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r'pip install "gru_c\[keras\]"'):
        (model.save_weights if weights else model.save)(path)
    assert os.listdir(tmp_path) == []


def test_a_deep_model_fits_into_an_older_file(tmp_path):
    layers = [Dense(2, name=f"the_layer_of_number_{i}") for i in range(200)]
    model = Sequential([Input((2,)), *layers], seed=0)
    model.save(tmp_path / "model.h5")
    assert_equal(gru_c.load_model(tmp_path / "model.h5").get_weights(), model.get_weights())
    model = Sequential([Input((2,)), Dense(2, name="x" * 70000)])
    with pytest.raises(ValueError, match=r"layer_names of .* write a .keras file"):
        model.save(tmp_path / "other.h5")
    assert os.listdir(tmp_path) == ["model.h5"]
