"""Files: what comes back, and what is said of files that cannot be read."""

import copy
import json
import os
import pickle
import threading

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import gru_c
from gru_c import GRU, Bidirectional, Dense, Dropout, Input, Sequential, optimizers, schedules
from gru_c.losses import Huber
from gru_c.parameters import GivenWeights

RNG = np.random.default_rng(41)
X, Y = RNG.standard_normal((20, 6, 4)), RNG.standard_normal(20)


def trained(optimizer="adam", loss="mse", metrics=("mae",)):
    layers = [
        Input((None, 4)),
        GRU(5, return_sequences=True, name="first"),
        Dropout(0.1),
        GRU(3, reset_after=False, go_backwards=True, use_bias=False),
        Dense(1, activation="tanh"),
    ]
    model = Sequential(layers, name="weather", seed=1)
    model.compile(optimizer, loss, list(metrics))
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


# ---- what comes back ----------------------------------------------------------------------------


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
    for one, two in zip(model.layers, again.layers, strict=True):
        assert two.get_config() == one.get_config()
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
def test_training_goes_on_to_the_bit_with_the_optimizer(path, optimizer):
    model = trained(type(optimizer)(**optimizer.get_config()))
    model.save(path, include_optimizer=True)
    again = gru_c.load_model(path)
    assert again.optimizer.iterations == model.optimizer.iterations > 0
    for one in (model, again):
        one.fit(X, Y, epochs=2, verbose=0, seed=9)
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


def test_the_file_is_plain_safetensors(path):
    trained().save(path, include_optimizer=True)
    tensors = load_file(path)
    assert tensors["first/kernel"].shape == (4, 15)
    assert tensors["optimizer/momentum/first/kernel"].shape == (4, 15)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    assert metadata["format"] == "gru_c"
    assert json.loads(metadata["model"])["layers"][0]["class_name"] == "GRU"


def test_a_users_function_is_left_out(path):
    model = trained(optimizers.SGD(lambda step: 0.01), metrics=())
    model.save(path)
    assert gru_c.load_model(path).optimizer is None
    with pytest.raises(ValueError, match="the optimizer cannot be described in a file"):
        model.save(path, include_optimizer=True)


# ---- writing ------------------------------------------------------------------------------------


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
        (lambda p: trained().save(p.with_suffix(".keras")), "take 'model.safetensors'"),
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


class AlwaysSmall:
    def __call__(self, step):
        return 0.01


@pytest.mark.parametrize(
    "rate",
    [lambda: 0.1, lambda step: 0.1, AlwaysSmall()],
    ids=["of nothing", "of the step", "object"],
)
def test_a_rate_that_is_a_function_is_named_where_it_cannot_be_kept(path, rate):
    model = trained(optimizers.SGD(rate))
    with pytest.raises(
        ValueError, match=r"learning_rate is <.*>, a function, and a file"
    ) as caught:
        model.save(path, include_optimizer=True)
    assert "_Timeless" not in str(caught.value)
    assert not path.exists()
    model.save(path)  # without the optimizer it can be
    assert gru_c.load_model(path).optimizer is None


def test_tensors_of_others_in_a_file_are_passed_over(path):
    model = trained()
    model.save(path, include_optimizer=True)
    rewrite(path, tensors={"forecaster/values/0": np.zeros(3, int), "run:0": np.zeros(3, int)})
    again = gru_c.load_model(path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_layer_may_have_the_name_of_a_run(path):
    model = Sequential([Dense(2, input_shape=(3,), name="run:1")])
    model.save(path)
    np.testing.assert_array_equal(gru_c.load_model(path).get_weights()[0], model.get_weights()[0])


# ---- reading ------------------------------------------------------------------------------------


def test_no_such_file(path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        gru_c.load_model(path)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_a_truncated_file(path, keep):
    trained().save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="no readable safetensors file: it is truncated, damaged"):
        gru_c.load_model(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(200), b"\x89HDF\r\n\x1a\n", b"a,b\n1,2"])
def test_another_format(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no readable safetensors file"):
        gru_c.load_model(path)


def test_a_folder(tmp_path):
    with pytest.raises(ValueError, match="no readable safetensors file"):
        gru_c.load_model(tmp_path)


def test_any_damaged_byte_is_an_error_or_another_model(path):
    """Whatever stands in the file, load_model returns a model or raises ValueError."""
    trained().save(path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    refused = 0
    for position in rng.integers(0, 2500, 150):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            gru_c.load_model(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused > 50


def rewrite(path, *, metadata=None, model=None, tensors=None):
    """Change parts of a saved file; None removes a key."""
    content = load_file(path)
    with safe_open(path, framework="numpy") as file:
        kept = dict(file.metadata())
    config = json.loads(kept["model"])
    for target, changes in ((config, model), (kept, metadata), (content, tensors)):
        for key, value in (changes or {}).items():
            if value is None:
                del target[key]
            else:
                target[key] = value
    if model:
        kept["model"] = json.dumps(config)
    save_file(content, path, kept)


EVIL = {"class_name": "os.system", "config": {"command": "true"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"format": "pt"}}, "not of a gru_c model"),
        ({"metadata": {"format_version": "2"}}, "version 2, this gru_c reads up to 1: install a n"),
        ({"metadata": {"format_version": "x"}}, "the format version is damaged: 'x'"),
        ({"metadata": {"model": "{"}}, "the model's configuration is damaged"),
        ({"metadata": {"model": "[]"}}, "the model's configuration is damaged"),
        ({"model": {"layers": None}}, "damaged: no proper 'layers'"),
        ({"model": {"layers": [EVIL]}}, "unknown layer 'os.system'"),
        ({"model": {"layers": [3]}}, "layer must be a name, an instance or a dict"),
        ({"model": {"dtype": "float16"}}, "dtype must be 'float32' or 'float64'"),
        ({"model": {"input_shape": [None, None, 5]}}, r"'first/kernel' has shape \(4, 15\), not"),
        ({"model": {"input_shape": []}}, r"input_shape is damaged: \[\]"),
        ({"model": {"input_shape": [5]}}, r"input_shape is damaged: \[5\]"),
        ({"model": {"input_shape": [None, 4]}}, "wants input of shape"),
        ({"model": {"input_shape": [None, "x", 4]}}, "every size of input_shape"),
        ({"model": {"compile": {"optimizer": EVIL, "loss": None, "metrics": []}}}, "unknown optim"),
        ({"model": {"compile": 3}}, "the compile configuration is damaged"),
        ({"model": {"iterations": -1}}, "number of steps is damaged: -1"),
        ({"tensors": {"first/bias": None}}, "the tensor 'first/bias' is missing"),
        ({"tensors": {"first/bias": np.zeros((2, 14))}}, r"'first/bias' has shape \(2, 14\), not"),
        ({"tensors": {"extra/kernel": np.zeros(3)}}, "'extra/kernel' belongs to no layer"),
        ({"tensors": {"zzz": np.zeros(3)}}, "'zzz' belongs to no layer"),
        ({"tensors": {"": np.zeros(3)}}, "'' belongs to no layer"),
        ({"tensors": {"first/bias": np.zeros((2, 15), int)}}, "must hold floats, got int64"),
        ({"tensors": {"first/bias": np.zeros((2, 15), bool)}}, "must hold floats, got bool"),
        ({"tensors": {"optimizer/momentum/first/kernel": None}}, "is missing"),
        (
            {"tensors": {"optimizer/momentum/first/kernel": np.zeros((4, 15), np.int8)}},
            "'optimizer/momentum/first/kernel' must hold floats, got int8",
        ),
    ],
)
def test_a_file_that_does_not_fit_together(path, changes, message):
    trained().save(path, include_optimizer=True)
    rewrite(path, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        gru_c.load_model(path)
    assert str(path) in str(caught.value)


def test_a_configuration_that_asks_for_too_much_is_refused_before_memory_is_taken(path):
    trained().save(path)
    layer = {"class_name": "GRU", "config": {"units": 10**9, "name": "first"}}
    rewrite(path, model={"layers": [layer]})
    with pytest.raises(ValueError, match="'first/kernel' has shape"):
        gru_c.load_model(path)


def test_more_layers_than_a_model_may_have(path):
    trained().save(path)
    rewrite(path, model={"layers": [{"class_name": "Dropout", "config": {"rate": 0.5}}] * 1001})
    with pytest.raises(ValueError, match="the model has 1001 layers, more than 1000"):
        gru_c.load_model(path)


def test_two_layers_of_one_name(path):
    trained().save(path)
    layer = {"class_name": "Flatten", "config": {"name": "a"}}
    rewrite(path, model={"layers": [layer, layer]})
    with pytest.raises(ValueError, match="2 layers have the name 'a'"):
        gru_c.load_model(path)


@pytest.mark.parametrize(
    ("suffix", "module"),
    [(".keras", "keras"), (".h5", "keras"), (".pt", "torch"), (".onnx", "onnx")],
)
def test_other_formats_have_their_modules(path, suffix, module):
    other = path.with_suffix(suffix)
    with pytest.raises(ValueError, match=f"or gru_c.interop.{module} for that format"):
        trained().save(other)
    other.write_bytes(b"something else")
    with pytest.raises(ValueError, match=f": take gru_c.interop.{module} for that format"):
        gru_c.load_model(other)


def test_somebody_elses_safetensors(path):
    save_file({"weight_ih_l0": np.zeros((3, 3), np.float32)}, path)
    with pytest.raises(ValueError, match="its metadata has no format 'gru_c'"):
        gru_c.load_model(path)


# ---- loaders draw no weights --------------------------------------------------------------------


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

    tensors = torch.nn.GRU(4, 1, bidirectional=True).state_dict()  # H = 1: no copy for the order
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    model = from_state_dict(tensors)
    model.compile("sgd", "mse")
    model.fit(X, np.ones((20, 6, 2)), verbose=0)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w[:-1], "bias of layer 'dense' is missing: too few weights"),
        (lambda w: [*w, w[0]], "1 weights more are given than the layers have"),
        (lambda w: [w[0].T, *w[1:]], r"kernel of layer 'gru' has shape \(4, 15\), got \(15, 4\)"),
        (lambda w: [w[0] * 1j, *w[1:]], "kernel of layer 'gru' must hold real numbers"),
    ],
)
def test_weights_that_are_given_must_be_all_and_fit(change, message):
    wanted = Sequential([Input((None, 4)), GRU(5), Dense(2)], seed=0).get_weights()
    model = Sequential([GRU(5), Dense(2)])
    with pytest.raises((ValueError, TypeError), match=message):
        model.build_of((None, None, 4), GivenWeights(change(wanted)))


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("kind", ["plain", "float16", "read-only", "strided", "swapped"])
def test_given_weights_of_any_kind_become_the_layers_own(kind, fresh):
    wanted = np.arange(12, dtype=np.float16).reshape(4, 3)
    given = wanted if kind == "float16" else wanted.astype(np.float32)
    if kind == "strided":
        given = np.repeat(given, 2, 1)[:, ::2]
    elif kind == "swapped":
        given = given.astype(given.dtype.newbyteorder())
    given.flags.writeable = kind != "read-only"
    layer = Dense(3, use_bias=False)
    layer.build((None, 4), GivenWeights([given], fresh=fresh))
    kernel = layer.value("kernel")
    np.testing.assert_array_equal(kernel, wanted)
    assert kernel.dtype == np.float32
    assert kernel.dtype.isnative
    assert kernel.flags.c_contiguous
    assert kernel.flags.writeable
    assert np.shares_memory(kernel, given) == (fresh and kind == "plain")


def test_what_is_drawn_after_loading_is_what_the_seed_says(path):
    trained().save(path)
    runs = []
    for _ in range(2):
        model = gru_c.load_model(path)
        runs.append(model.fit(X, Y, epochs=2, verbose=0, seed=5).history)
    model = trained()
    model.compile("adam", "mse", ["mae"])
    assert model.fit(X, Y, epochs=2, verbose=0, seed=5).history == runs[0] == runs[1]


# ---- files that are there already ---------------------------------------------------------------


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
