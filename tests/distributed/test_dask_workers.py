"""distributed.predict on several Python threads, in several processes, and on a cluster of Dask."""

import gc
import pickle
import sys
import threading
import weakref

import numpy as np
import pytest

from gru_c import GRU, Bidirectional, Dense, Sequential, _core
from gru_c.distributed import dask_predict, predict

da = pytest.importorskip("dask.array")
pytestmark = pytest.mark.skipif(
    _core.auto_engine() != _core.ENGINES["packed"], reason="bits depend on the batch"
)
X = np.random.default_rng(0).standard_normal((53, 12, 3)).astype(np.float32)


@pytest.fixture
def model():
    return Sequential([GRU(6, input_shape=(12, 3)), Dense(2)], seed=0)


# ---- one model for several Python threads ----


def test_a_pickled_model_is_unpickled_once_and_let_go(model, monkeypatch):
    packed = []
    pack = _core.pack
    monkeypatch.setattr(_core, "pack", lambda *a: packed.append(1) or pack(*a))
    pickled = pickle.loads(pickle.dumps(dask_predict.PickledModel.take(model)))
    first = pickled.get_model()
    for _ in range(3):
        assert pickled.get_model() is first
        dask_predict._predict_chunk(X, pickled=pickled, batch_size=8)
    assert len(packed) == 1
    reference = weakref.ref(first)
    del pickled, first
    gc.collect()
    assert reference() is None


def call_at_once(count, function):
    """Return the results of a function that several Python threads call at the same time."""
    barrier, results = threading.Barrier(count, timeout=60), []

    def call():
        barrier.wait()
        results.append(function())

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == count
    return results


def test_python_threads_share_a_model():
    both = Bidirectional(GRU(5, return_sequences=True), input_shape=(None, 3))
    model = Sequential([both, GRU(4)], seed=0)
    pickled = dask_predict.PickledModel.take(model)
    wanted = model.predict(X, verbose=0).tobytes()

    def call():
        chunks = [dask_predict._predict_chunk(X, pickled=pickled, batch_size=5) for _ in range(20)]
        return all(chunk.tobytes() == wanted for chunk in chunks)

    assert all(call_at_once(4, call))


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


# ---- in several processes ----


@pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")
def test_on_processes_of_a_pool_one_thread_each_and_one_model(run_python):
    code = """
import os
import numpy as np, dask.array as da
import gru_c
from gru_c import GRU, Dense, Sequential
from gru_c.distributed import predict

class ShowsThreads(gru_c.layers.Layer):
    def forward(self, x, *, training=False):
        return np.full((len(x), 3), [gru_c.get_num_threads(), os.getpid(), id(self)], float)

    def compute_output_shape(self, shape):
        return (shape[0], 3)

if __name__ == "__main__":
    gru_c.set_num_threads(4)
    layers = [GRU(4, input_shape=(12, 3)), Dense(1), ShowsThreads()]
    model = Sequential(layers, seed=0, dtype="float64")
    x = da.zeros((24, 12, 3), chunks=(2, -1, -1))
    outputs = predict(model, x).compute(scheduler="processes", num_workers=2)
    threads, processes, models = outputs.T
    print(set(threads.tolist()), os.getpid() in processes, len(set(zip(processes, models))) <= 2)
"""
    done = run_python(code, timeout=60, OMP_NUM_THREADS=None)
    assert done.stdout.split("\n")[0] == "{1.0} False True", done.stderr


def compute_on(client, x):
    return client.compute(x).result(timeout=60)


def test_on_processes_each_has_the_model_once(dask_cluster, model):
    client = dask_cluster(processes=True)

    def begin():
        from gru_c import get_num_threads
        from gru_c.distributed import dask_predict

        log, unpickle = [], dask_predict.PickledModel.__init__
        dask_predict.LOG, run = log, dask_predict._predict_chunk.__globals__["Sequential"].predict

        def init(self, *arguments):
            log.append("unpickled")
            unpickle(self, *arguments)

        def spy(self, *arguments, **keywords):
            log.append(get_num_threads())
            return run(self, *arguments, **keywords)

        dask_predict.PickledModel.__init__ = init
        dask_predict.Sequential.predict = spy

    def end():
        from gru_c.distributed import dask_predict

        return dask_predict.LOG

    client.run(begin)
    x = da.from_array(np.tile(X, (2, 1, 1)), chunks=(4, 12, 3))
    wanted = model.predict(np.tile(X, (2, 1, 1)), verbose=0)
    assert compute_on(client, predict(model, x)).tobytes() == wanted.tobytes()
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

    x = da.from_array(X, chunks=(10, 5, 2)).rechunk((10, 12, 3)).map_blocks(chunk, meta=X[:0])
    assert compute_on(client, predict(model, x)).tobytes() == model.predict(X, verbose=0).tobytes()
    assert (tmp_path / "died").exists()
