"""Loaded models: no weights are drawn, and training goes on as the seed says."""

import copy
import pickle

import numpy as np
import pytest
from saved_models import X, Y, trained

import gru_c
from gru_c import GRU, Bidirectional, Dense, Input, Sequential, load_model, losses


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def by_load_model(model, path):
    model.save(path)
    return lambda: gru_c.load_model(path)


def by_checkpoint(model, path):
    model.compile("adam", "mse")
    model.fit(X, np.zeros((20, 6, 10)), verbose=0, checkpoint=path)
    return lambda: gru_c.load_model(path)


def by_keras(model, path):
    pytest.importorskip("h5py")
    from gru_c.interop import keras

    keras.save(model, path.with_suffix(".keras"))
    return lambda: keras.load(path.with_suffix(".keras"))


def by_onnx(model, path):
    pytest.importorskip("onnx")
    from gru_c.interop import onnx

    onnx.export(model, path.with_suffix(".onnx"))
    return lambda: onnx.load(path.with_suffix(".onnx")).to_sequential()


def by_torch(model, path):
    pytest.importorskip("torch")
    from gru_c.interop.torch import from_state_dict, to_state_dict

    tensors = to_state_dict(model)
    return lambda: from_state_dict(tensors)


def by_pickle(model, path):
    content = pickle.dumps(model)
    return lambda: pickle.loads(content)


def by_copy(model, path):
    return lambda: copy.deepcopy(model)


@pytest.mark.parametrize(
    "prepare",
    [by_load_model, by_checkpoint, by_keras, by_onnx, by_torch, by_pickle, by_copy],
)
def test_a_loader_draws_no_weights(path, prepare, monkeypatch):
    layer = Bidirectional(GRU(5, return_sequences=True))
    load = prepare(model := Sequential([Input((None, 4)), layer], seed=1), path)

    def refuse(*arguments):
        raise AssertionError("weights are drawn")

    monkeypatch.setattr(gru_c.initializers.Initializer, "__call__", refuse)
    monkeypatch.setattr(np.linalg, "qr", refuse)
    again = load()
    for actual, wanted in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, wanted)
    for old, new in zip(model.layers[0].parameters, again.layers[0].parameters, strict=True):
        assert new.value.flags.writeable
        assert not np.shares_memory(new.value, old.value)
        assert not new.gradient.any() or prepare in (by_pickle, by_copy)


def test_a_model_of_a_state_dict_leaves_the_tensors_alone():
    torch = pytest.importorskip("torch")
    from gru_c.interop.torch import from_state_dict

    tensors = torch.nn.GRU(4, 1, bidirectional=True).state_dict()  # H = 1: gates need no copy
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    model = from_state_dict(tensors)
    model.compile("sgd", "mse")
    model.fit(X, np.ones((20, 6, 2)), verbose=0)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in before.items())


def test_what_is_drawn_after_loading_is_what_the_seed_says(path):
    trained().save(path)
    runs = []
    for _ in range(2):
        model = gru_c.load_model(path)
        runs.append(model.fit(X, Y, epochs=2, verbose=0, seed=5).history)
    model = trained()
    model.compile("adam", "mse", ["mae"])
    assert model.fit(X, Y, epochs=2, verbose=0, seed=5).history == runs[0] == runs[1]


class Twice(Dense):
    def forward(self, x, *, training=False):
        return 2 * super().forward(x, training=training)


class Halved(losses.MeanSquaredError):
    def sample_values(self, y_true, y_pred):
        return super().sample_values(y_true, y_pred) / 2


def test_classes_of_the_user_are_found_by_their_names(tmp_path):
    path = tmp_path / "model.safetensors"
    model = Sequential([Twice(2, input_shape=(3,))])
    model.compile("adam", Halved())
    model.save(path)
    with pytest.raises(ValueError, match="unknown layer 'Twice'"):
        load_model(path)
    own = {"Twice": Twice, "Halved": Halved}
    again = load_model(filepath=path, custom_objects=own, compile=True, safe_mode=False)
    assert type(again.layers[0]) is Twice
    assert type(again.loss) is Halved
    assert load_model(path, own, False).loss is None
    with pytest.raises(TypeError, match="custom_objects must be a dict of names"):
        load_model(path, custom_objects=3)
