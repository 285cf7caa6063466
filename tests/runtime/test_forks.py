"""Children forked from a process that has used threads compute, exit, and leave BLAS alone."""

import sys

import pytest

from gru_c import _core

FORK = """
import os, signal, sys, threading
import numpy as np
import gru_c
from gru_c import gru_forward, gru_backward
from gru_c.runtime import threads

rng = np.random.default_rng(0)
x, W, U = rng.normal(size=(80, 30, 8)), rng.normal(size=(8, 96)) / 3, rng.normal(size=(32, 96)) / 6
def passes():
    result = gru_forward(x, W, U, training=True, num_threads=2, engine="{engine}")
    return [result.output, *[g for g in gru_backward(result.tape, result.output) if g is not None]]
{parent}
pid = os.fork()
if pid == 0:
    signal.alarm(60)  # a child that hangs is ended by this signal
    {child}
    sys.exit(0)
_, status = os.waitpid(pid, 0)
print("status", os.waitstatus_to_exitcode(status))
"""
only_with_fork = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere forking a process with threads is not supported"
)


@only_with_fork
@pytest.mark.parametrize("engine", ["packed", "blas"])
@pytest.mark.parametrize("threads_before", [False, True], ids=["fresh", "used"])
def test_a_forked_child_computes_and_exits(run_python, threads_before, engine):
    """A child does not inherit OpenMP's threads; if it asked for them, it would wait forever."""
    parent = "expected = passes()" if threads_before else "expected = None"
    threads = 1 if threads_before and engine == "blas" else 2
    child = "\n    ".join(
        [
            "again = passes()",
            "expected = expected or again",
            "assert all(a.tobytes() == b.tobytes() for a, b in zip(again, expected))",
            f"assert threads.openmp_threads(2) == {threads}",
        ]
    )
    if not _core.HAS_OPENMP:
        child = child.replace("== 2", "== 1")
    done = run_python(FORK.format(engine=engine, parent=parent, child=child))
    assert done.stdout == "status 0\n", done.stderr


@only_with_fork
def test_a_child_forked_during_a_call_gives_blas_its_threads_again(run_python):
    """The child lacks the thread that would do so, and cannot wait for a lock of that thread."""
    parent = """
from threadpoolctl import threadpool_info, threadpool_limits
def counts():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}
passes()
threadpool_limits(2, user_api="blas")
if counts() != {2}:
    print("status 0")
    sys.exit(0)
inside, leave = threading.Event(), threading.Event()
def hold():
    with threads.single_threaded_blas:
        inside.set()
        leave.wait(60)
thread = threading.Thread(target=hold)
thread.start()
inside.wait(60)
assert counts() == {1}
threads.single_threaded_blas._lock.acquire()
"""
    child = "\n    ".join(["passes()", "assert counts() == {2}, counts()", "os._exit(0)"])
    after = "\nthreads.single_threaded_blas._lock.release()\nleave.set()\n"
    done = run_python(FORK.format(engine="blas", parent=parent, child=child) + after)
    assert done.stdout == "status 0\n", done.stderr


@only_with_fork
def test_a_child_forked_inside_leaves_as_it_entered(run_python):
    """A generator may start workers while a model is trained."""
    code = """
import os, sys
from threadpoolctl import threadpool_info, threadpool_limits
from gru_c.runtime.blas_threads import single_threaded_blas
def counts():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}
with single_threaded_blas:
    pass
threadpool_limits(2, user_api="blas")
with single_threaded_blas:
    pid = os.fork()
    with single_threaded_blas:
        pass
    inside = counts()
assert not inside or (inside, counts()) == ({1}, {2}), (inside, counts())
if pid:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
