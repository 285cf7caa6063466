"""Predictors: the bits of the model, every form of input, threads, copies, and what they refuse."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from served_models import MODELS, X, tutorial
from tools import assert_same_bits

import gru_c
from gru_c import (
    GRU,
    Dense,
    Embedding,
    Input,
    Sequential,
    load_predictor,
)
from gru_c.serving.predictor import REFUSED

# ---- results ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.usefixtures("isa")
def test_a_predictor_has_the_bits_of_predict(name):
    model = MODELS[name]()
    predictor = model.freeze()
    x = X.astype(model.dtype)
    for batch in (x, x[:1], x[:0], x[:, :1], x.tolist(), np.asfortranarray(x), x.astype(float)):
        assert_same_bits(predictor(batch), model.predict(batch, verbose=0))
    for count in (1, 33, 70):
        many = np.repeat(x, 12, 0)[:count]
        assert_same_bits(predictor(many), model(many))
        assert_same_bits(predictor.predict(many), model(many))


@pytest.mark.parametrize("name", MODELS)
def test_one_sequence_has_no_batch_axis(name):
    model = MODELS[name]()
    predictor = model.freeze()
    expected = model.predict(X[:1].astype(model.dtype), verbose=0)[0]
    for x in (X[0], X[0].astype(model.dtype), X[0].tolist(), X[0][:, ::-1][:, ::-1]):
        assert_same_bits(predictor(x), expected)


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"python"}))
def test_lists_and_lengths_give_what_predict_gives(name):
    model = MODELS[name]()
    predictor = model.freeze()
    sequences = [X[i, : 3 + i].astype(model.dtype) for i in range(6)]
    for ours, theirs in zip(predictor(sequences), model.predict(sequences, verbose=0), strict=True):
        assert_same_bits(ours, theirs)
    lengths = [3, 4, 5, 6, 7, 8]
    expected = model.predict(X, lengths=lengths, verbose=0)
    assert_same_bits(predictor(X, lengths=lengths), expected)
    assert_same_bits(predictor(X, lengths=lengths, out=np.empty_like(expected)), expected)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_written_to_an_array(name):
    model = MODELS[name]()
    predictor = model.freeze()
    x = X.astype(model.dtype)
    for given in (x, x[0], x.tolist()):
        expected = predictor(given)
        out = np.full_like(expected, np.nan)
        assert predictor(given, out=out) is out
        assert_same_bits(out, expected)


@pytest.mark.parametrize("weights", ["bfloat16", "int8"])
def test_weights_of_fewer_bits_are_those_of_layers_that_keep_them(weights):
    model, expected = tutorial(), tutorial(inference_weights=weights)
    expected.set_weights(model.get_weights())
    predictor = model.freeze(weights=weights)
    assert_same_bits(predictor(X), expected.predict(X, verbose=0))
    assert (predictor(X) != model.predict(X, verbose=0)).any()
    lengths = [3, 4, 5, 6, 7, 8]
    assert_same_bits(predictor(X, lengths=lengths), expected.predict(X, lengths=lengths, verbose=0))
    assert model.layers[0].inference_weights == "float32"


def test_weights_in_full_are_named_by_the_dtype():
    for dtype in ("float32", "float64"):
        model = tutorial(dtype)
        x = X.astype(dtype)
        assert_same_bits(model.freeze(weights=dtype)(x), model.predict(x, verbose=0))


def test_a_predictor_does_not_change_with_its_model():
    model = tutorial()
    predictor = model.freeze()
    before = predictor(X)
    model.compile("adam", "mse")
    model.fit(X, np.ones((6, 1)), epochs=2, verbose=0)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    assert_same_bits(predictor(X), before)
    assert_same_bits(predictor(X, lengths=[10] * 6), before)


def test_texts_of_numbers_have_an_embedding():
    model = Sequential([Input((None,)), Embedding(9, 4), GRU(3), Dense(2)], seed=1)
    x = np.random.default_rng(0).integers(0, 9, (4, 6))
    predictor = model.freeze()
    assert_same_bits(predictor(x), model.predict(x, verbose=0))
    assert_same_bits(predictor(x[0]), model.predict(x[:1], verbose=0)[0])


def test_a_pair_of_sequences_and_lengths_is_one_batch():
    predictor, lengths = tutorial().freeze(), [3, 4, 5, 6, 7, 8]
    assert_same_bits(predictor((X, lengths)), predictor(X, lengths=lengths))


@pytest.mark.parametrize(
    "source", [lambda: iter([X]), lambda: (x for x in [X]), lambda: {1: X}.values()]
)
def test_sources_of_batches_are_refused(source):
    with pytest.raises(TypeError, match=r"x must be one batch.*got a .* source of batches"):
        tutorial().freeze()(source())


# ---- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("name", ["tutorial", "float64", "both ways"])
def test_a_predictor_is_read_from_a_file(tmp_path, name, mmap):
    model = MODELS[name]()
    path = tmp_path / "model.safetensors"
    model.save(path)
    content = path.read_bytes()
    predictor = load_predictor(path, mmap=mmap)
    x = X.astype(model.dtype)
    assert_same_bits(predictor(x), model.predict(x, verbose=0))
    assert_same_bits(predictor(x, lengths=[9] * 6), model.predict(x, lengths=[9] * 6, verbose=0))
    pickle.loads(pickle.dumps(predictor))(x)
    predictor.close()
    assert path.read_bytes() == content


def test_a_file_of_keras_is_read_too(tmp_path):
    pytest.importorskip("h5py")
    model = tutorial()
    model.save(tmp_path / "model.keras")
    assert_same_bits(load_predictor(tmp_path / "model.keras")(X), model.predict(X, verbose=0))
    with pytest.raises(ValueError, match=r"mmap=True is for a \.safetensors"):
        load_predictor(tmp_path / "model.keras", mmap=True)


class Twice(Dense):
    """A layer of a user."""

    def forward(self, x, *, training=False):
        return 2 * super().forward(x, training=training)


@pytest.mark.parametrize("mmap", [False, True])
def test_classes_of_the_user_are_found_by_their_names(tmp_path, mmap):
    model = Sequential([GRU(4, input_shape=X.shape[1:]), Twice(2)], seed=0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    with pytest.raises(ValueError, match="unknown layer 'Twice'"):
        load_predictor(path, mmap=mmap)
    predictor = load_predictor(path, mmap=mmap, custom_objects={"Twice": Twice})
    assert_same_bits(predictor(X), model.predict(X, verbose=0))
    with pytest.raises(TypeError, match="custom_objects must be a dict of names"):
        load_predictor(path, mmap=mmap, custom_objects=3)


def test_a_file_that_is_replaced_leaves_a_mapped_predictor_as_it_was(tmp_path):
    model = tutorial()
    path = tmp_path / "model.safetensors"
    model.save(path)
    predictor = load_predictor(path, mmap=True)
    before = predictor(X)
    model.set_weights([weight * 0 for weight in model.get_weights()])
    model.save(path)
    assert_same_bits(predictor(X), before)
    assert (load_predictor(path, mmap=True)(X) != before).any()


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
@pytest.mark.parametrize("mmap", [False, True])
def test_a_damaged_file_is_refused(tmp_path, cut, mmap):
    path = tmp_path / "model.safetensors"
    tutorial().save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        load_predictor(path, mmap=mmap)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it is Linux that tells this")
def test_no_training_code_runs_when_a_predictor_is_read(tmp_path):
    """The weights alone are read: neither gradients nor an optimizer's state take memory."""
    path, small = tmp_path / "model.safetensors", tmp_path / "small.safetensors"
    Sequential([Input((None, 64)), GRU(800), Dense(1)], seed=0).save(path)
    Sequential([Input((None, 64)), GRU(8), Dense(1)], seed=0).save(small)
    program = (
        "import sys, gru_c\n"
        "gru_c.load_predictor(sys.argv[2])  # the code takes memory, too\n"
        "def peak():\n"
        "    lines = open('/proc/self/status')\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))\n"
        "before = peak(); predictor = gru_c.load_predictor(sys.argv[1]); print(peak() - before)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, path, small], capture_output=True, text=True, check=True
    )
    weights = path.stat().st_size / 1024
    assert int(run.stdout) < 4 * weights


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFUSED)
def test_training_and_changes_are_refused_by_name(name):
    assert hasattr(Sequential, name) or name in vars(tutorial())
    predictor = tutorial().freeze()
    with pytest.raises(AttributeError, match=f"^{name}: a Predictor is frozen, "):
        getattr(predictor, name)


def test_attributes_are_neither_set_nor_deleted():
    predictor = tutorial().freeze()
    with pytest.raises(AttributeError, match="name cannot be set: a Predictor is frozen"):
        predictor.name = "other"
    with pytest.raises(AttributeError, match="weights cannot be set: a Predictor is frozen"):
        predictor.weights = []
    with pytest.raises(AttributeError, match="dtype cannot be deleted"):
        del predictor.dtype
    with pytest.raises(AttributeError, match="a Predictor has no attribute 'wieghts'"):
        predictor.wieghts  # noqa: B018


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[:, :, :7], ValueError, r"x must have shape \(samples, 10, 8\), got \(6, 10, 7\)"),
        (X[:, :9], ValueError, r"got \(6, 9, 8\)"),
        (X[0, :, :7], ValueError, r"got \(1, 10, 7\)"),
        (X[0, 0], ValueError, "must have shape"),
        (X[None], ValueError, r"got \(1, 6, 10, 8\)"),
        (1.0, ValueError, "must have shape"),
        (X.astype(complex), TypeError, "complex"),
        (X.astype(str), TypeError, "real numbers"),
        (None, (TypeError, ValueError), "x "),
        ([X[0], X[1, :, :7]], ValueError, "7"),
    ],
    ids=range(10),
)
def test_input_that_does_not_fit_is_refused(x, error, message):
    model = tutorial(steps=10)
    with pytest.raises(error, match=message):
        model.freeze()(x)


@pytest.mark.parametrize(
    ("out", "error"),
    [
        (np.empty((6, 2), np.float32), ValueError),
        (np.empty((6, 1)), ValueError),
        (np.empty(6, np.float32), ValueError),
        ([0] * 6, TypeError),
        (np.broadcast_to(np.float32(0), (6, 1)), ValueError),
    ],
)
def test_an_output_that_does_not_fit_is_refused(out, error):
    with pytest.raises(error, match="out must be"):
        tutorial().freeze()(X, out=out)


def test_an_output_in_the_memory_of_the_input_is_right():
    predictor = Sequential([Input((None, 8)), Dense(8)], seed=0).freeze()
    x = X.copy()
    expected = predictor(x)
    assert_same_bits(predictor(x, out=x), expected)


def test_a_closed_predictor_says_so():
    with tutorial().freeze() as predictor:
        assert not predictor.closed
    assert predictor.closed
    assert repr(predictor) == "<Predictor, closed>"
    with pytest.raises(ValueError, match=r"is closed.*got x of shape \(6, 10, 8\)"):
        predictor(X)
    for use in (predictor.stream, lambda: predictor.dtype, lambda: pickle.dumps(predictor)):
        with pytest.raises(ValueError, match="is closed"):
            use()


def test_models_that_have_no_predictor():
    with pytest.raises(ValueError, match="no weights yet, so freeze is not possible"):
        Sequential([GRU(3)]).freeze()
    stateful = Sequential([Input((None, 8), batch_size=2), GRU(3, stateful=True)])
    with pytest.raises(ValueError, match="'gru' is stateful, and a Predictor has no states"):
        stateful.freeze()
    with pytest.raises(ValueError, match="weights='float64', but the model is float32"):
        tutorial().freeze(weights="float64")
    with pytest.raises(ValueError, match="weights='int8' needs a model of float32"):
        tutorial("float64").freeze(weights="int8")
    with pytest.raises(ValueError, match="int4"):
        tutorial().freeze(weights="int4")
    with pytest.raises((ValueError, TypeError), match="mmap"):
        load_predictor("no.safetensors", mmap="yes")
    with pytest.raises(FileNotFoundError):
        load_predictor("no.safetensors")


def test_the_names_are_public():
    assert gru_c.Predictor is type(tutorial().freeze())
    assert repr(tutorial().freeze()).startswith("<Predictor of <Network")
