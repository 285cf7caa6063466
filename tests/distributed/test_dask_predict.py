"""distributed.predict: the bits of `Sequential.predict`, computed lazily from Dask arrays."""

import threading
import time

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Bidirectional, Dense, Embedding, Flatten, Sequential, _core
from gru_c.distributed import dask_predict, predict

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
same_bits_in_any_batch = pytest.mark.skipif(
    _core.auto_engine() != _core.ENGINES["packed"], reason="bits depend on the batch"
)
pytestmark = same_bits_in_any_batch

RNG = np.random.default_rng(0)
X = RNG.standard_normal((53, 12, 3)).astype(np.float32)
CHUNKS = (10, 5, 2)

MODELS = {
    "last": lambda: Sequential([GRU(6, input_shape=(12, 3)), Dense(2)], seed=0),
    "sequences": lambda: Sequential([GRU(6, return_sequences=True, input_shape=(None, 3))], seed=0),
    "float64": lambda: Sequential([GRU(6, input_shape=(None, 3))], dtype="float64", seed=0),
    "bidirectional": lambda: Sequential(
        [Bidirectional(GRU(5, return_sequences=True), input_shape=(None, 3)), GRU(4)], seed=0
    ),
    "flat": lambda: Sequential([Flatten(input_shape=(12, 3)), Dense(4, "relu")], seed=0),
}


@pytest.fixture
def model():
    return MODELS["last"]()


def same(lazy, wanted):
    """Return True if a Dask array has the wanted bits, dtype and shape."""
    outputs = lazy.compute(scheduler="threads", num_workers=3)
    assert outputs.dtype == wanted.dtype
    assert outputs.shape == wanted.shape
    return outputs.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_bits_shape_chunks_and_dtype(name):
    model = MODELS[name]()
    wanted = model.predict(X, verbose=0)
    outputs = predict(model, da.from_array(X, chunks=CHUNKS))
    assert outputs.shape == wanted.shape
    assert outputs.chunks == ((10, 10, 10, 10, 10, 3), *((size,) for size in wanted.shape[1:]))
    assert outputs.dtype == outputs._meta.dtype == wanted.dtype
    assert outputs._meta.shape == (0,) * wanted.ndim
    assert same(outputs, wanted)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_any_batch_size(model, batch_size):
    outputs = predict(model, da.from_array(X, chunks=CHUNKS), batch_size)
    assert same(outputs, model.predict(X, verbose=0))


def test_whole_numbers_for_an_embedding():
    model = Sequential([Embedding(9, 4, mask_zero=True, input_shape=(7,)), GRU(5)], seed=0)
    x = RNG.integers(0, 9, (40, 7))
    lazy = predict(model, da.from_array(x, chunks=(9, 3)))
    assert same(lazy, model.predict(x, verbose=0))
    bad = predict(model, da.from_array(x + 5, chunks=(9, 3)))  # refused when it is computed
    with pytest.raises(ValueError, match="index"):
        bad.compute(scheduler="sync")


def test_unknown_and_empty_chunks(model):
    x = da.from_array(X, chunks=CHUNKS)
    chosen = X[:, 0, 0] > 0
    outputs = predict(model, x[x[:, 0, 0] > 0])
    assert np.isnan(outputs.shape[0])
    assert outputs.shape[1:] == (2,)
    assert same(outputs, model.predict(X[chosen], verbose=0))
    empty = predict(model, x[x[:, 0, 0] > 1e6])
    assert empty.compute(scheduler="sync").shape == (0, 2)
    assert predict(model, x[:0]).compute(scheduler="sync").shape == (0, 2)
    holes = da.concatenate([x[:0], x[:5], x[5:5], x[5:]])
    assert same(predict(model, holes), model.predict(X, verbose=0))


def test_lengths_as_array_as_dask_array_and_of_unknown_chunks():
    model = MODELS["sequences"]()
    model.add(GRU(3))
    lengths = RNG.integers(1, 13, len(X))
    wanted = model.predict(X, lengths=lengths, verbose=0)
    assert (wanted != model.predict(X, verbose=0)).any()
    x = da.from_array(X, chunks=CHUNKS)
    for form in (lengths, lengths.tolist(), da.from_array(lengths, chunks=7)):
        assert same(predict(model, x, lengths=form), wanted)
    chosen = X[:, 0, 0] > 0
    where, lazy = x[:, 0, 0] > 0, da.from_array(lengths, chunks=10)
    assert same(predict(model, x[where], lengths=lazy[where]), wanted[chosen])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (np.ones(52, int), r"lengths must have shape \(B,\) = \(53,\), got \(52,\)"),
        (np.ones((53, 1), int), r"lengths must have shape \(B,\) = \(53,\)"),
        (np.where(np.arange(53) == 40, 13, 1), r"lengths\[40\] is 13.*T = 12"),
        (da.ones((53, 1), dtype=int), r"lengths must have shape \(samples,\)"),
        (da.ones(52, dtype=int, chunks=10), "lengths must have the 6 chunks of x"),
    ],
)
def test_lengths_that_do_not_fit(model, lengths, message):
    with pytest.raises(ValueError, match=message):
        predict(model, da.from_array(X, chunks=CHUNKS), lengths=lengths)


@pytest.mark.parametrize("lengths", [np.ones(53), da.ones(53)], ids=["array", "Dask array"])
def test_lengths_that_are_not_integers(model, lengths):
    with pytest.raises(TypeError, match="lengths must be integers, got dtype float64"):
        predict(model, da.from_array(X, chunks=CHUNKS), lengths=lengths)


def test_lengths_of_unknown_x_must_have_its_chunks(model):
    x = da.from_array(X, chunks=CHUNKS)
    unknown = x[x[:, 0, 0] > 0]
    with pytest.raises(ValueError, match="must be a Dask array"):
        predict(model, unknown, lengths=np.ones(53, int))
    with pytest.raises(ValueError, match="6 chunks of x"):
        predict(model, unknown, lengths=da.ones(53, dtype=int, chunks=53))


def test_nothing_is_computed_before_it_is_asked_for(model):
    seen = []

    def chunk(block):
        seen.append(block.shape)
        return block

    x = da.from_array(X, chunks=(10, -1, -1)).map_blocks(chunk, meta=X[:0])
    outputs = predict(model, x)
    assert not seen
    outputs[20:25].compute(scheduler="sync")
    assert seen == [(10, 12, 3)] or seen == [(5, 12, 3)]


def test_what_cannot_be_predicted(model):
    x = da.from_array(X, chunks=CHUNKS)
    with pytest.raises(TypeError, match=r"x must be a Dask array, got ndarray.*from_array"):
        predict(model, X)
    with pytest.raises(TypeError, match="model must be a Sequential, got GRU"):
        predict(model.layers[0], x)
    with pytest.raises(ValueError, match="no weights yet"):
        predict(Sequential([GRU(3)]), x)
    stateful = Sequential([GRU(3, stateful=True, input_shape=(12, 3), name="keeps")])
    with pytest.raises(ValueError, match="'keeps' is stateful"):
        predict(stateful, x)
    for wrong in (x[:, :, :2], x[:, 0], x[:, :11], x[0, 0], x[..., None]):
        with pytest.raises(ValueError, match="x must have shape"):
            predict(model, wrong)
    with pytest.raises(TypeError, match="real"):
        predict(model, x.astype(complex))
    with pytest.raises(ValueError, match="number of samples may be unknown"):
        predict(MODELS["sequences"](), x[:, x[0, :, 0] > 0])
    with pytest.raises(ValueError, match="batch_size"):
        predict(model, x, 0)


def test_weights_are_those_of_the_call(model):
    outputs = predict(model, da.from_array(X, chunks=CHUNKS))
    wanted = model.predict(X, verbose=0)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    assert same(outputs, wanted)


def test_names_follow_from_weights_and_layers(model):
    x = da.from_array(X, chunks=CHUNKS)
    name = predict(model, x).name
    other = MODELS["last"]()
    other.compile("adam", "mse")
    other.fit(X, X[:, 0, :2], verbose=0)
    assert predict(other, x).name != name
    other.set_weights(model.get_weights())
    assert predict(other, x).name == name  # whatever the optimizer and the generators are
    assert predict(model, x + 1).name != name
    assert predict(model, x, lengths=np.full(53, 12)).name != name
    turned = Sequential([GRU(6, input_shape=(12, 3), go_backwards=True), Dense(2)])
    turned.set_weights(model.get_weights())
    assert predict(turned, x).name != name


def test_the_model_is_in_the_graph_once_without_its_optimizer(model):
    model.compile("adam", lambda y, outputs: ((y - outputs) ** 2).mean())  # cannot be pickled
    outputs = predict(model, da.from_array(X, chunks=(1, -1, -1)))
    graph = dict(outputs.__dask_graph__())
    keys = [key for key in graph if str(key).startswith("gru-c-model-")]
    assert len(keys) == 1
    size = len(dask_predict.PickledModel.take(model).content)
    model.compile("adam", "mse")
    model.fit(X, X[:, 0, :2], verbose=0)
    assert len(dask_predict.PickledModel.take(model).content) < 1.1 * size
    large = Sequential([GRU(200, input_shape=(None, 3))])
    assert large.parameters  # weights and gradients are now in flat vectors
    assert len(dask_predict.PickledModel.take(large).content) < 1.1 * 4 * large.count_params()


class Doubled(gru_c.Activation):
    """A layer that cannot be described in a file."""

    def __init__(self):
        super().__init__("linear")
        self.factor = lambda x: 2 * x

    def get_config(self):
        raise TypeError("it has a function")

    def forward(self, x, *, training=False):
        return self.factor(x)


def test_layers_of_the_user(model):
    wanted = 2 * model.predict(X, verbose=0)
    model.add(Doubled())
    x = da.from_array(X, chunks=CHUNKS)
    assert same(predict(model, x), wanted)
    name = predict(model, x).name
    model.layers[-1].factor = lambda x: 3 * x
    assert predict(model, x).name != name
    assert same(predict(model, x), wanted / 2 * 3)


class KeepsInput(gru_c.layers.Layer):
    """A layer that stores its input, so that two Python threads cannot share it."""

    def forward(self, x, *, training=False):
        self.x = x
        time.sleep(1e-3)
        return self.x * 1


def test_layers_of_the_user_that_store_something(model):
    wanted = model.predict(X, verbose=0)
    model.add(KeepsInput())
    assert same(predict(model, da.from_array(X, chunks=(1, -1, -1))), wanted)


class Times(Sequential):
    """A model whose predictions depend on an attribute."""

    factor = 1.0

    def predict(self, *arrays, **settings):
        return self.factor * super().predict(*arrays, **settings)


def test_names_tell_the_users_models_from_each_other():
    x = da.from_array(X, chunks=CHUNKS)
    models = [kind([GRU(3, input_shape=(12, 3))], seed=0) for kind in (Sequential, Times, Times)]
    models[2].factor = 3.0
    models.append(Sequential([GRU(3, input_shape=(12, 3))], seed=0))
    forward = models[3].layers[0].forward
    models[3].layers[0].forward = lambda x, **settings: 5 * forward(x, **settings)
    lazy = [predict(model, x) for model in models]
    assert len({array.name for array in lazy}) == 4
    for model, outputs in zip(models, dask.compute(*lazy, scheduler="threads"), strict=True):
        assert outputs.tobytes() == model.predict(X, verbose=0).tobytes()


class Encodes(gru_c.layers.Layer):
    """A layer that returns another model's predictions, computed by Dask."""

    def __init__(self, inner, scheduler):
        super().__init__()
        self.inner, self.scheduler = inner, scheduler

    def forward(self, x, *, training=False):
        lazy = predict(self.inner, da.from_array(x, chunks=(4, -1, -1)))
        return lazy.compute(scheduler=self.scheduler)

    def compute_output_shape(self, shape):
        return (shape[0], 2)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_predictions_within_a_prediction(model, scheduler):
    outer = Sequential([gru_c.Input((12, 3)), Encodes(model, scheduler), Dense(1)], seed=0)
    assert same(predict(outer, da.from_array(X, chunks=CHUNKS)), outer.predict(X, verbose=0))


def test_what_cannot_be_pickled_is_named(model):
    model.layers[0].lock = threading.Lock()
    with pytest.raises(TypeError, match=r"sent to other processes, .*cannot pickle '_thread.lock'"):
        predict(model, da.from_array(X, chunks=CHUNKS))


# ---- without Dask ----


def test_dask_is_imported_when_it_is_used(run_python):
    code = """
import sys
from gru_c import GRU, Sequential
from gru_c.distributed import predict
print([name for name in ("dask", "distributed", "mpi4py") if name in sys.modules])
sys.modules["dask"] = None
try:
    predict(Sequential([GRU(2, input_shape=(3, 1))]), None)
except ImportError as error:
    print(error)
"""
    done = run_python(code)
    wanted = 'this needs dask, which is not installed: pip install "gru_c[dask]"'
    assert done.stdout.splitlines() == ["[]", wanted], done.stderr
