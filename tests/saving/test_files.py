"""Files: models that are saved and loaded again, and the writing of a file."""

import os
import threading

import numpy as np
import pytest
from saved_models import X, Y, trained

import gru_c
from gru_c import GRU, Dense, Input, Sequential, optimizers, schedules
from gru_c.losses import Huber

# ---- models in a file ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_to_the_bit(path, dtype):
    model = Sequential([GRU(5, input_shape=(6, 4)), Dense(2)], dtype=dtype)
    model.save(path)
    again = gru_c.load_model(path)
    assert again.dtype == dtype
    assert again.input_shape == (None, 6, 4)
    assert again.optimizer is None
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_layers_and_compilation_come_back(path):
    rate = schedules.CosineDecay(0.01, decay_steps=100)
    model = trained(optimizers.AdamW(rate, clipnorm=1.0), Huber(0.5), ["rmse", "mae"])
    model.save(str(path))
    again = gru_c.load_model(str(path))
    assert again.name == "weather"
    for layer, loaded in zip(model.layers, again.layers, strict=True):
        assert loaded.get_config() == layer.get_config()
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.optimizer.iterations == 0
    assert again.loss.get_config() == {"delta": 0.5}
    assert again.evaluate(X, Y, return_dict=True, verbose=0) == pytest.approx(
        model.evaluate(X, Y, return_dict=True, verbose=0), rel=1e-6
    )
    again.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    "optimizer", [optimizers.Adam(), optimizers.SGD(0.1, 0.9), optimizers.RMSprop(centered=True)]
)
def test_training_continues_to_the_bit_with_the_optimizer(path, optimizer):
    model = trained(type(optimizer)(**optimizer.get_config()))
    model.save(path, include_optimizer=True)
    again = gru_c.load_model(path)
    assert again.optimizer.iterations == model.optimizer.iterations > 0
    for each in (model, again):
        each.fit(X, Y, epochs=2, verbose=0, seed=9)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_layers_of_a_model_are_a_model_of_their_own_in_a_file(path):
    model = Sequential([Input((5, 4)), GRU(3), Dense(1)], seed=0)
    features = Sequential(model.layers[:-1])
    assert features.input_shape == (None, 5, 4)
    features.save(path)
    x = np.random.default_rng(0).standard_normal((2, 5, 4))
    again = gru_c.load_model(path)
    np.testing.assert_array_equal(again.predict(x), features.predict(x))


def test_a_model_of_layers_built_by_hand_in_a_file(path):
    layer = GRU(3)
    x = np.random.default_rng(0).standard_normal((2, 5, 4))
    expected = layer(x)
    Sequential([layer]).save(path)
    again = gru_c.load_model(path)
    assert again.input_shape == (None, None, 4)
    np.testing.assert_array_equal(again.predict(x), expected)


def test_a_model_built_for_a_batch_size(path):
    model = Sequential([GRU(3), Dense(1)])
    model.build((32, 5, 4))
    model.save(path)
    assert gru_c.load_model(path).input_shape == (None, 5, 4)


# ---- writing -------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_or_not_at_all(path, monkeypatch):
    model = trained()
    model.save(path)
    before = path.read_bytes()
    model.fit(X, Y, verbose=0)

    def broken(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    monkeypatch.undo()
    model.save(path)
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (lambda p: Sequential([GRU(5)]).save(p), "no weights yet, so save is not possible"),
        (
            lambda p: Sequential([GRU(5, input_shape=(6, 4))]).save(p, include_optimizer=True),
            "the model has no optimizer: compile it first",
        ),
        (
            lambda p: trained().save(p.with_suffix(".npz")),
            "one of .safetensors, .keras, .h5, .hdf5",
        ),
        (lambda p: trained().save(p.parent / "no" / "m.safetensors"), "there is no folder"),
        (
            lambda p: Sequential(
                [GRU(5, input_shape=(6, 4), kernel_initializer=lambda s, d, r: np.zeros(s, d))]
            ).save(p),
            "layer 'gru' cannot be described in a file",
        ),
    ],
)
def test_what_cannot_be_saved(path, save, message):
    with pytest.raises((ValueError, OSError), match=message):
        save(path)
    assert os.listdir(path.parent) == []


# ---- existing files ------------------------------------------------------------------------------


def test_a_file_that_is_replaced_keeps_its_links_and_permissions(tmp_path):
    model = Sequential([GRU(3, input_shape=(4, 2))], seed=0)
    target, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    model.save(target)
    target.chmod(0o600)
    link.symlink_to(target)
    changed = Sequential([GRU(3, input_shape=(4, 2))], seed=1)
    changed.save(link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    read = gru_c.load_model(target)
    np.testing.assert_array_equal(read.get_weights()[0], changed.get_weights()[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_is_written_to(tmp_path):
    pipe, received = tmp_path / "pipe.safetensors", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    model = Sequential([GRU(3, input_shape=(4, 2))], seed=0)
    model.save(pipe)
    reader.join(60)
    assert pipe.is_fifo()
    (tmp_path / "file.safetensors").write_bytes(received[0])
    read = gru_c.load_model(tmp_path / "file.safetensors")
    np.testing.assert_array_equal(read.get_weights()[0], model.get_weights()[0])
