"""Python threads that compute at the same time share the threads of the process."""

import sys
import threading

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Sequential, _core
from gru_c.distributed import predict
from gru_c.distributed.thread_shares import Shares, _limit
from gru_c.runtime import threads

only_with_threads = pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")
X = np.random.default_rng(0).standard_normal((53, 12, 3)).astype(np.float32)


@pytest.fixture
def model():
    return Sequential([GRU(6, input_shape=(12, 3)), Dense(2)], seed=0)


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_threads_of_all_chunks_stay_within_what_is_set(model, monkeypatch, most, workers):
    gru_c.set_num_threads(most)
    lock, now, peak, shares = threading.Lock(), [0], [0], []
    run = Sequential.run

    def spy(self, *arguments):
        share = gru_c.get_num_threads()
        with lock:
            now[0] += share
            peak[0] = max(peak[0], now[0])
            shares.append(share)
        try:
            return run(self, *arguments)
        finally:
            with lock:
                now[0] -= share

    monkeypatch.setattr(Sequential, "run", spy)
    da = pytest.importorskip("dask.array")
    x = da.from_array(np.tile(X, (4, 1, 1)), chunks=(4, -1, -1))
    predict(model, x).compute(scheduler="threads", num_workers=workers)
    assert peak[0] <= most
    assert min(shares) >= 1
    if workers == 1:
        assert set(shares) == {most}
    assert gru_c.get_num_threads() == most
    assert not threads._of_python_threads


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
def test_shares_are_equal_once_the_others_have_come():
    gru_c.set_num_threads(4)
    shares, of_other = Shares(), []
    waiting, done = threading.Event(), threading.Event()

    def other():
        waiting.set()
        with shares.take() as share:
            of_other.append(share)
            done.wait(60)

    with shares.take() as alone:
        thread = threading.Thread(target=other)
        thread.start()
        waiting.wait(60)
        while shares._here < 2:
            pass
        assert not of_other  # the first thread has taken all
    while not of_other:
        pass
    with shares.take() as second:
        assert (alone, of_other, second) == (4, [2], 2)
    done.set()
    thread.join(60)
    with shares.take() as last:
        assert last == 4
    with shares.take(waits=False) as without_waiting, shares.take() as share:
        assert (without_waiting, share) == (4, 2)  # the first one took nothing, but counts
    with pytest.raises(KeyError), shares.take():
        raise KeyError
    assert (shares._here, shares._taken) == (0, 0)


@only_with_threads
@pytest.mark.skipif(sys.platform != "linux", reason="forks beside threads are for Linux")
def test_a_forked_child_does_not_wait_for_threads_of_its_parent(run_python):
    code = """
import os, threading
from gru_c.distributed.thread_shares import shares
here, done = threading.Event(), threading.Event()
def hold():
    with shares.take():
        here.set(); done.wait(60)
thread = threading.Thread(target=hold)
thread.start()
here.wait(60)
if (pid := os.fork()) == 0:
    with shares.take() as share:
        print(share, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
done.set()
"""
    done = run_python(code, timeout=30, OMP_NUM_THREADS="3", PYTHONWARNINGS="ignore")
    assert done.stdout == "3\n", done.stderr


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
def test_on_the_threads_of_a_worker_in_this_process(dask_cluster, model, monkeypatch):
    da = pytest.importorskip("dask.array")
    client = dask_cluster(processes=False)
    used = []
    run = Sequential.run
    monkeypatch.setattr(
        Sequential, "run", lambda *a: used.append(gru_c.get_num_threads()) or run(*a)
    )
    monkeypatch.setattr(threads, "_num_threads", 1)  # as OMP_NUM_THREADS says
    monkeypatch.setattr(threads, "usable", lambda cpus: 8)
    worker = client.cluster.workers[0]
    without, nanny = worker.nanny, "inproc://a-nanny"
    for were_set, by, limit in ((True, nanny, 1), (False, nanny, 2), (False, without, 1)):
        monkeypatch.setattr(threads, "_were_set", were_set)
        monkeypatch.setattr(worker, "nanny", by)
        assert client.submit(_limit, pure=False).result(timeout=60) == limit
    assert _limit() == 1  # outside of a worker
    lazy = predict(model, da.from_array(X, chunks=(10, 5, 2)))
    outputs = client.compute(lazy).result(timeout=60)
    np.testing.assert_allclose(outputs, model.predict(X, verbose=0), rtol=1e-5)
    assert set(used) == {1}
