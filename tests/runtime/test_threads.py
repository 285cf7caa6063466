"""The number of threads, the GIL, and Python's threads."""

import sys
import threading

import numpy as np
import pytest
from tools import assert_all_same_bits, random_arguments, random_gradients

import gru_c
from gru_c import _core, gru_backward, gru_forward
from gru_c.recurrence import passes
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.weights import Gradients, Weights
from gru_c.runtime import threads
from gru_c.runtime.blas_threads import single_threaded_blas

only_with_threads = pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")


# ---- their number -------------------------------------------------------------------------------


@pytest.mark.usefixtures("keep_num_threads")
@pytest.mark.parametrize("n", [1, 3, 32768, np.int64(2)])
def test_set_and_get(n):
    gru_c.set_num_threads(n)
    assert gru_c.get_num_threads() == n
    assert type(gru_c.get_num_threads()) is int


@pytest.mark.usefixtures("keep_num_threads")
def test_a_build_without_threads_says_so(monkeypatch):
    monkeypatch.setattr(threads, "_most_threads", 1)
    for ask in (gru_c.set_num_threads, threads.team_threads):
        with pytest.warns(
            UserWarning, match="this build of gru_c has no threads: it uses 1, not 2"
        ):
            ask(2)
    gru_c.set_num_threads(1)
    assert gru_c.get_num_threads() == 1


def test_the_files_with_limits_are_not_read_at_import(run_python):
    code = """
import pathlib
read = []
text = pathlib.Path.read_text
pathlib.Path.read_text = lambda self, *a, **k: (read.append(str(self)), text(self, *a, **k))[1]
import gru_c
assert not read, read
assert gru_c.get_num_threads() >= 1
"""
    done = run_python(code, OMP_NUM_THREADS=None)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("keep_num_threads")
@pytest.mark.parametrize(
    ("n", "error", "match"),
    [
        (0, ValueError, "from 1 to 32768, got 0"),
        (-3, ValueError, "from 1 to 32768, got -3"),
        (32769, ValueError, "from 1 to 32768, got 32769"),
        (2.0, TypeError, "must be an integer from 1 to 32768, got 2.0"),
        ("2", TypeError, "must be an integer from 1 to 32768, got '2'"),
        (None, TypeError, "must be an integer from 1 to 32768, got None"),
    ],
)
def test_set_refuses(n, error, match):
    gru_c.set_num_threads(2)
    with pytest.raises(error, match=match):
        gru_c.set_num_threads(n)
    assert gru_c.get_num_threads() == 2


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
def test_a_call_takes_the_processs_number_or_its_own(monkeypatch):
    taken = []
    for name in ("forward", "forward_plain"):
        call = getattr(_core, name)
        monkeypatch.setattr(_core, name, lambda *a, c=call: (taken.append(a[-1]), c(*a))[1])
    gru_c.set_num_threads(3)
    arguments = random_arguments(2, 2, 2, 2)
    gru_forward(**arguments, engine="packed")
    gru_forward(**arguments, engine="packed", num_threads=2)
    assert taken == [3, 2]
    gru_forward(**arguments)
    assert set(taken[2:]) == {3}


@only_with_threads
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3", 3),
        ("5,2", 5),
        (" 4 ", 4),
        (None, 7),
        ("", 7),
        ("0", 7),
        ("all", 7),
        ("²", 7),
        ("9" * 12, 2**15),
    ],
)
def test_omp_num_threads(monkeypatch, value, expected):
    """The variable is read as OpenMP reads it; a value that is not a number is ignored."""
    monkeypatch.setattr(threads, "cpu_limit", lambda: 7.9)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: range(64), raising=False)
    if value is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert threads._default_num_threads() == expected


@only_with_threads
def test_omp_num_threads_at_import(run_python):
    done = run_python("import gru_c; print(gru_c.get_num_threads())", OMP_NUM_THREADS="3")
    assert done.stdout == "3\n", done.stderr


@pytest.mark.parametrize(("cpus", "limit", "expected"), [(4, 2.5, 2), (4, 0.5, 1), (2, 8, 2)])
def test_affinity_and_container_limit(monkeypatch, cpus, limit, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "cpu_limit", lambda: limit)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: range(cpus), raising=False)
    assert threads._default_num_threads() == expected


# ---- the GIL and Python's threads ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["forward", "backward"])
def test_other_python_threads_run_during_a_call(name):
    """With such a long switch interval, another thread runs only when the GIL is released."""
    arguments = random_arguments(16, 200, 32, 64, dtype=np.float32)
    x, *weights, state = arguments.values()
    tape = gru_forward(**arguments, training=True).tape
    gradients = [np.empty_like(array) for array in weights]
    options = PassOptions(Cell(), num_threads=1)

    def call():
        if name == "forward":
            passes.run(x, Weights(*weights), state, None, options)
        else:
            tape.backward(None, None, Gradients(*gradients))

    go, progress = threading.Lock(), []
    go.acquire()

    def other():
        with go:
            progress.append(1)

    thread = threading.Thread(target=other)
    interval = sys.getswitchinterval()
    try:
        thread.start()
        with single_threaded_blas:  # entered here, the calls themselves have no other pause
            sys.setswitchinterval(1000)
            go.release()
            before = list(progress)
            for _ in range(1000):
                call()
                if progress:
                    break
            after = list(progress)
    finally:
        sys.setswitchinterval(interval)
    thread.join(60)
    assert (before, after) == ([], [1])


@pytest.mark.usefixtures("engine")
def test_python_threads_share_weights():
    arguments = [random_arguments(20, 60, 8, 33, seed=seed) for seed in range(4)]
    for one in arguments[1:]:
        one.update({name: arguments[0][name] for name in ("kernel", "recurrent_kernel", "bias")})
    pair = random_gradients(20, 60, 33)

    def both_passes(i):
        result = gru_forward(**arguments[i], training=True, num_threads=2)
        return result, gru_backward(result.tape, *pair)

    expected = [both_passes(i) for i in range(4)]
    results = [[] for _ in arguments]
    barrier = threading.Barrier(4)

    def work(i):
        barrier.wait(60)
        results[i] += [both_passes(i) for _ in range(10)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for i in range(4):
        assert len(results[i]) == 10
        for forward, backward in results[i]:
            assert_all_same_bits(forward, expected[i][0])
            assert_all_same_bits(backward, expected[i][1])
