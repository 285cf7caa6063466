"""distributed.predict: the bits of `Sequential.predict`, lazily, on threads and on processes."""

import gc
import pickle
import sys
import threading
import time
import weakref

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


def same(found, wanted):
    found = found.compute(scheduler="threads", num_workers=3)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    return found.tobytes() == wanted.tobytes()


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
    bad = predict(model, da.from_array(x + 5, chunks=(9, 3)))  # known when it is computed
    with pytest.raises(ValueError, match="index"):
        bad.compute(scheduler="sync")


def test_unknown_and_empty_chunks(model):
    x = da.from_array(X, chunks=CHUNKS)
    chosen = X[:, 0, 0] > 0
    outputs = predict(model, x[x[:, 0, 0] > 0])
    assert np.isnan(outputs.shape[0])
    assert outputs.shape[1:] == (2,)
    assert same(outputs, model.predict(X[chosen], verbose=0))
    none = predict(model, x[x[:, 0, 0] > 1e6])
    assert none.compute(scheduler="sync").shape == (0, 2)
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
    for given in (lengths, lengths.tolist(), da.from_array(lengths, chunks=7)):
        assert same(predict(model, x, lengths=given), wanted)
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
def test_lengths_that_are_no_integers(model, lengths):
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
    model.compile("adam", lambda y, found: ((y - found) ** 2).mean())  # cannot be pickled
    outputs = predict(model, da.from_array(X, chunks=(1, -1, -1)))
    graph = dict(outputs.__dask_graph__())
    keys = [key for key in graph if str(key).startswith("gru-c-model-")]
    assert len(keys) == 1
    size = len(dask_predict.Snapshot.take(model).content)
    model.compile("adam", "mse")
    model.fit(X, X[:, 0, :2], verbose=0)
    assert len(dask_predict.Snapshot.take(model).content) < 1.1 * size
    large = Sequential([GRU(200, input_shape=(None, 3))])
    assert large.parameters  # weights and gradients are now in flat vectors
    assert len(dask_predict.Snapshot.take(large).content) < 1.1 * 4 * large.count_params()


class Doubled(gru_c.Activation):
    """A layer that no file can describe."""

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


class Keeps(gru_c.layers.Layer):
    """A layer that no two Python threads can share."""

    def forward(self, x, *, training=False):
        self.x = x
        time.sleep(1e-3)
        return self.x * 1


def test_layers_of_the_user_that_keep_something(model):
    wanted = model.predict(X, verbose=0)
    model.add(Keeps())
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
    lazy = [predict(one, x) for one in models]
    assert len({one.name for one in lazy}) == 4
    for one, found in zip(models, dask.compute(*lazy, scheduler="threads"), strict=True):
        assert found.tobytes() == one.predict(X, verbose=0).tobytes()


class Encodes(gru_c.layers.Layer):
    """Another model's predictions, by Dask."""

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


@pytest.mark.skipif(not _core.HAS_OPENMP, reason="built without OpenMP")
def test_on_processes_of_a_pool_one_thread_each_and_one_model(run_python):
    code = """
import os
import numpy as np, dask.array as da
import gru_c
from gru_c import GRU, Dense, Sequential
from gru_c.distributed import predict

class Tells(gru_c.layers.Layer):
    def forward(self, x, *, training=False):
        return np.full((len(x), 3), [gru_c.get_num_threads(), os.getpid(), id(self)], float)

    def compute_output_shape(self, shape):
        return (shape[0], 3)

if __name__ == "__main__":
    gru_c.set_num_threads(4)
    model = Sequential([GRU(4, input_shape=(12, 3)), Dense(1), Tells()], seed=0, dtype="float64")
    x = da.zeros((24, 12, 3), chunks=(2, -1, -1))
    found = predict(model, x).compute(scheduler="processes", num_workers=2)
    threads, processes, models = found.T
    print(set(threads.tolist()), os.getpid() in processes, len(set(zip(processes, models))) <= 2)
"""
    done = run_python(code, timeout=60, OMP_NUM_THREADS=None)
    assert done.stdout.split("\n")[0] == "{1.0} False True", done.stderr


# ---- one model for several Python threads ----


def test_a_snapshot_unpickles_its_model_once_and_lets_it_go(model, monkeypatch):
    packed = []
    pack = _core.pack
    monkeypatch.setattr(_core, "pack", lambda *a: packed.append(1) or pack(*a))
    snapshot = pickle.loads(pickle.dumps(dask_predict.Snapshot.take(model)))
    first = snapshot.model()
    for _ in range(3):
        assert snapshot.model() is first
        dask_predict._predict_chunk(X, snapshot=snapshot, batch_size=8)
    assert len(packed) == 1
    there = weakref.ref(first)
    del snapshot, first
    gc.collect()
    assert there() is None


def at_once(count, function):
    """Results of a function that several Python threads call at once."""
    barrier, found = threading.Barrier(count, timeout=60), []

    def call():
        barrier.wait()
        found.append(function())

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == count
    return found


def test_python_threads_share_a_model():
    model = MODELS["bidirectional"]()
    snapshot = dask_predict.Snapshot.take(model)
    wanted = model.predict(X, verbose=0).tobytes()

    def call():
        chunks = [
            dask_predict._predict_chunk(X, snapshot=snapshot, batch_size=5) for _ in range(20)
        ]
        return all(chunk.tobytes() == wanted for chunk in chunks)

    assert all(at_once(4, call))


# ---- larger than memory ----


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says how much memory was used at most")
def test_memory_does_not_grow_with_the_data(run_python):
    code = """
import re
import numpy as np, dask, dask.array as da
from gru_c import GRU, Sequential
from gru_c.distributed import predict

def chunk(block_info):
    shape = block_info[None]["chunk-shape"]
    return np.full(shape, block_info[None]["chunk-location"][0], np.float32)

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]) / 1024

x = da.map_blocks(chunk, chunks=((2000,) * 64, (32,), (64,)), dtype=np.float32,
                  meta=np.empty((0, 0, 0), np.float32))
model = Sequential([GRU(2, input_shape=(32, 64))], seed=0)
outputs = predict(model, x)
outputs[:4000].compute(num_workers=2)
before = peak()
total = outputs.sum().compute(num_workers=2)
print(x.nbytes / 2**20, peak() - before, np.isfinite(total))
"""
    done = run_python(code, timeout=60)
    assert done.returncode == 0, done.stderr
    size, growth, finite = done.stdout.split()
    assert float(size) == 1000
    assert float(growth) < 150
    assert finite == "True"


# ---- on a cluster ----


def on(client, x):
    return client.compute(x).result(timeout=60)


def test_on_processes_each_has_the_model_once(dask_cluster, model):
    client = dask_cluster(processes=True)

    def begin():
        from gru_c import get_num_threads
        from gru_c.distributed import dask_predict

        log, unpickle = [], dask_predict.Snapshot.__init__
        dask_predict.LOG, run = log, dask_predict._predict_chunk.__globals__["Sequential"].run

        def init(self, *arguments):
            log.append("unpickled")
            unpickle(self, *arguments)

        def spy(self, *arguments):
            log.append(get_num_threads())
            return run(self, *arguments)

        dask_predict.Snapshot.__init__ = init
        dask_predict.Sequential.run = spy

    def end():
        from gru_c.distributed import dask_predict

        return dask_predict.LOG

    client.run(begin)
    x = da.from_array(np.tile(X, (2, 1, 1)), chunks=(4, 12, 3))
    wanted = model.predict(np.tile(X, (2, 1, 1)), verbose=0)
    assert on(client, predict(model, x)).tobytes() == wanted.tobytes()
    logs = client.run(end).values()
    assert sum(len(log) - log.count("unpickled") for log in logs) == 27  # chunks
    for log in logs:
        assert log.count("unpickled") <= 1
        assert set(log) <= {"unpickled", 1}  # as many threads as tasks


def test_a_worker_that_dies_in_the_middle(dask_cluster, model, tmp_path):
    client = dask_cluster(processes=True)
    died = str(tmp_path / "died")

    def chunk(block, block_info):
        import os

        if block_info[0]["chunk-location"][0] == 3 and not os.path.exists(died):
            open(died, "x").close()
            os._exit(1)
        return block

    x = da.from_array(X, chunks=CHUNKS).rechunk((10, 12, 3)).map_blocks(chunk, meta=X[:0])
    assert on(client, predict(model, x)).tobytes() == model.predict(X, verbose=0).tobytes()
    assert (tmp_path / "died").exists()


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
