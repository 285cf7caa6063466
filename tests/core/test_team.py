"""The packed engine's own threads: many of them, callers at once, forks, signals."""

import sys
import threading

import numpy as np
import pytest
from tools import assert_all_same_bits, random_arguments, random_gradients

from gru_c import _core, gru_backward, gru_forward

only_on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="forks a process with threads, and counts them in /proc"
)
# One sequence and 300 units: a gang. 40 sequences: slices, in stretches of some steps.
SHAPES = [(1, 20, 5, 300), (40, 20, 8, 33), (70, 65, 9, 40), (2100, 8, 3, 20)]


def both_passes(sizes, threads, seed=0):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes, dtype=np.float32, seed=seed)
    pair = random_gradients(B, T, H, dtype=np.float32)
    result = gru_forward(**arguments, training=True, num_threads=threads, engine="packed")
    return result, gru_backward(result.tape, *pair)


def assert_same(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        assert_all_same_bits(one, other)


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
def test_more_threads_than_cores(sizes):
    expected = both_passes(sizes, 1)
    for threads in (8, 64, 3, 16):
        for _ in range(5):
            assert_same(both_passes(sizes, threads), expected)


def test_many_small_calls_in_a_row():
    """The jobs are just large enough for two threads, so that workers fall asleep and wake."""
    arguments = random_arguments(16, 10, 8, 32, dtype=np.float32)
    expected = gru_forward(**arguments, num_threads=1, engine="packed").output.tobytes()
    for i in range(5000):
        result = gru_forward(**arguments, num_threads=2 + i % 3, engine="packed")
        assert result.output.tobytes() == expected


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
def test_python_threads_that_call_at_once(sizes):
    expected = [both_passes(sizes, 1, seed) for seed in range(3)]
    results = [[] for _ in expected]
    barrier = threading.Barrier(3)

    def work(seed):
        barrier.wait(60)
        results[seed] += [both_passes(sizes, 2 + i % 3, seed) for i in range(15)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for seed, passes in enumerate(results):
        assert len(passes) == 15
        for result in passes:
            assert_same(result, expected[seed])


COMMON = """
import os, signal, sys, threading
import numpy as np
from gru_c import gru_backward, gru_forward

rng = np.random.default_rng(0)
def weights(I, H):
    return rng.normal(size=(I, 3 * H)) / 3, rng.normal(size=(H, 3 * H)) / H**0.5
PROBLEMS = [(rng.normal(size=(1, 20, 5)), *weights(5, 300)),
            (rng.normal(size=(40, 20, 8)), *weights(8, 33))]
def passes(threads=3):
    bits = b""
    for problem in PROBLEMS:
        result = gru_forward(*problem, training=True, engine="packed", num_threads=threads)
        gradients = gru_backward(result.tape, result.output)
        bits += result.output.tobytes() + b"".join(g.tobytes() for g in gradients if g is not None)
    return bits
def os_threads():
    return len(os.listdir("/proc/self/task"))
expected = passes(1)
"""


@only_on_linux
@pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")
def test_a_forked_child_starts_a_new_team(run_python):
    code = """
assert passes() == expected
assert os_threads() >= 3
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)  # ends a child that hangs
        assert os_threads() == 1
        for _ in range(5):
            assert passes() == expected
        assert os_threads() == 3
        os._exit(0)
    assert passes() == expected
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""
    done = run_python(COMMON + code)
    assert done.returncode == 0, done.stderr


@only_on_linux
def test_a_child_forked_while_the_team_works(run_python):
    """The child does not take over the job that another thread was working on."""
    code = """
leave = threading.Event()
PROBLEMS[:] = [(rng.normal(size=(4096, 10, 8)), *weights(8, 33))]  # many tasks, for many threads
expected = passes(1)
def work():
    while not leave.is_set():
        gru_forward(*PROBLEMS[0], engine="packed", num_threads=3)
passes()
thread = threading.Thread(target=work)
thread.start()
try:
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            signal.alarm(60)
            os._exit(0 if passes(32) == expected else 1)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == 0, code
finally:
    leave.set()
    thread.join(60)
assert passes() == expected
"""
    done = run_python(COMMON + code)
    assert done.returncode == 0, done.stderr


@only_on_linux
def test_workers_survive_an_interrupt_of_fit(run_python):
    """Python's threads handle signals; the team continues to work after each of them."""
    code = """
from gru_c import GRU, Dense, Sequential
assert passes() == expected
model = Sequential([GRU(48), Dense(1)])
model.compile(optimizer="adam", loss="mse")
x, y = rng.normal(size=(64, 30, 8)), rng.normal(size=(64, 1))
model.fit(x, y, epochs=1, verbose=0)
before = os_threads()
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have had it ignored
interrupted = 0
for delay in (0.05, 0.1, 0.15, 0.2):
    threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        interrupted += model.fit(x, y, epochs=10**9, verbose=0).interrupted
    except KeyboardInterrupt:  # not the first one within two seconds
        interrupted += 1
    assert passes() == expected
assert interrupted == 4
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(60)
assert os_threads() == before
"""
    done = run_python(COMMON + code)
    assert done.returncode == 0, done.stderr
