"""Files whose format is chosen by the suffix of their names; the tests do not need Keras."""

import os

import numpy as np
import pytest
from tools import small_model

import gru_c
from gru_c import GRU, Bidirectional, Dense, Input, Sequential

MODELS = [".safetensors", ".keras", ".h5", ".hdf5"]
WEIGHTS = [".safetensors", ".weights.h5", ".h5", ".hdf5"]
X = np.random.default_rng(0).standard_normal((6, 5, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def _h5py():
    pytest.importorskip("h5py")


def trained():
    model = small_model()
    model.fit(X, X[:, 0, 0], epochs=2, verbose=0, batch_size=4)
    return model


def assert_equal(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


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


def renamed(*names):
    layers = [Dense(3, name=name) for name in names]
    return Sequential([Input((3,)), *layers], seed=len(names))


def test_layers_of_an_older_file_are_loaded_in_their_order(tmp_path):
    first, other = renamed("dense_4", "dense_5"), renamed("dense", "dense_1")
    first.save_weights(tmp_path / "first.h5")
    other.load_weights(tmp_path / "first.h5")
    assert_equal(other.get_weights(), first.get_weights())
    swapped = renamed("dense_5", "dense_4")
    with pytest.raises(ValueError, match=r"the layers dense_4, dense_5, .* in another order, "):
        swapped.load_weights(tmp_path / "first.h5")


@pytest.mark.parametrize("suffix", WEIGHTS)
def test_weights_that_do_not_fit_change_nothing(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    renamed("a").save_weights(path)
    other = Sequential([Dense(4, input_shape=(3,), name="a"), Dense(2)])
    before = other.get_weights()
    with pytest.raises(ValueError, match="model"):
        other.load_weights(path)
    assert_equal(other.get_weights(), before)


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
