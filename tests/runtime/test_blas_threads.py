"""BLAS runs on one thread while the core works, and has its threads again afterwards."""

import threading
from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_info, threadpool_limits
from tools import random_arguments

from gru_c import _core, gru_backward, gru_forward
from gru_c.runtime import blas_threads as blas_module
from gru_c.runtime.blas_threads import single_threaded_blas


def blas_threads():
    """Thread counts of the BLAS libraries that are loaded."""
    return {
        library["filepath"]: library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }


@pytest.fixture
def two_blas_threads():
    """BLAS on two threads outside of the package's calls; skips where threadpoolctl knows none."""
    with single_threaded_blas:  # SciPy's is loaded by now
        pass
    with threadpool_limits(2, user_api="blas"):
        counts = blas_threads()
        if set(counts.values()) != {2}:
            pytest.skip("no BLAS whose threads threadpoolctl can set")
        yield counts
        assert blas_threads() == counts


@pytest.mark.parametrize("name", ["forward", "backward"])
def test_blas_has_one_thread_in_a_call(monkeypatch, two_blas_threads, name):
    seen = []
    original = getattr(_core, name)
    monkeypatch.setattr(_core, name, lambda *a: (seen.append(blas_threads()), original(*a)))
    result = gru_forward(**random_arguments(2, 3, 2, 4), training=True, engine="blas")
    gru_backward(result.tape)
    assert [set(counts.values()) for counts in seen] == [{1}]
    assert blas_threads() == two_blas_threads


def test_blas_has_its_threads_again_after_an_exception(two_blas_threads):
    def fail():
        with single_threaded_blas:
            assert set(blas_threads().values()) == {1}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert blas_threads() == two_blas_threads


def test_blas_has_its_threads_again_after_the_outermost(two_blas_threads):
    with single_threaded_blas:
        with single_threaded_blas:
            assert set(blas_threads().values()) == {1}
        assert set(blas_threads().values()) == {1}
    assert blas_threads() == two_blas_threads


def test_blas_has_its_threads_again_after_the_last_of_two_that_overlap(two_blas_threads):
    """The first to enter leaves first; its thread counts return only after the second leaves."""
    entered, leave = threading.Event(), threading.Event()

    def first():
        with single_threaded_blas:
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(60)
    with single_threaded_blas:
        leave.set()
        thread.join(60)
        assert not thread.is_alive()
        assert set(blas_threads().values()) == {1}
    assert blas_threads() == two_blas_threads


class FakeLibraries:
    """A stand-in for ThreadpoolController; `counts` has one holder of `n` for each layer."""

    def __init__(self, counts):
        self.counts = counts
        self.lib_controllers = [SimpleNamespace(threading_layer=layer) for layer in counts]

    def select(self, threading_layer):
        layers = [threading_layer] if isinstance(threading_layer, str) else threading_layer
        return FakeLibraries({layer: n for layer, n in self.counts.items() if layer in layers})

    def limit(self, limits):
        before = {layer: count.n for layer, count in self.counts.items()}

        def set_to(numbers):
            for layer, count in self.counts.items():
                count.n = numbers[layer]

        set_to(dict.fromkeys(before, limits))
        return SimpleNamespace(restore_original_limits=lambda: set_to(before))


class CountOfThread(threading.local):
    n = 4


def test_openmp_blas_has_a_count_for_each_python_thread():
    pool, own = SimpleNamespace(n=4), CountOfThread()
    hold = blas_module._SingleThreadedBlas()
    hold._hold(FakeLibraries({"pthreads": pool, "openmp": own}))
    entered, leave, seen = threading.Event(), threading.Event(), []

    def first():
        with hold:
            seen.append((pool.n, own.n))
            entered.set()
            leave.wait(60)
        seen.append((pool.n, own.n))

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(60)
    assert own.n == 4
    with hold:
        assert (pool.n, own.n) == (1, 1)
        leave.set()
        thread.join(60)
        assert (pool.n, own.n) == (1, 1)
    assert seen == [(1, 1), (1, 4)]
    assert (pool.n, own.n) == (4, 4)
