"""`use_threads`: a number of threads for the calls of one Python thread."""

import sys
import threading

import numpy as np
import pytest

import gru_c
from gru_c import _core
from gru_c.runtime import threads
from gru_c.runtime.threads import use_threads

only_with_threads = pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")
only_with_fork = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere forking a process with threads is not supported"
)


def in_another_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
def test_use_threads_is_for_this_python_thread():
    gru_c.set_num_threads(3)
    with use_threads(2):
        with use_threads(5):
            assert gru_c.get_num_threads() == threads.team_threads() == 5
        with use_threads(None):
            assert gru_c.get_num_threads() == 2
        gru_c.set_num_threads(4)
        assert gru_c.get_num_threads() == 2
        assert in_another_thread(gru_c.get_num_threads) == 4
    assert gru_c.get_num_threads() == 4
    assert not threads._of_python_threads


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
def test_use_threads_ends_with_an_exception_and_refuses():
    gru_c.set_num_threads(3)
    with pytest.raises(KeyError), use_threads(2):
        raise KeyError
    for bad, error in ((0, ValueError), ("2", TypeError)):
        with pytest.raises(error, match="number of threads"), use_threads(bad):
            pass
    assert gru_c.get_num_threads() == 3


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
def test_layers_and_optimizers_take_what_use_threads_says(monkeypatch):
    taken = {}
    for name in ("forward", "backward", "matmul", "adam"):
        call = getattr(_core, name)

        def spy(*a, name=name, call=call):
            taken[name] = a[-1].threads if name == "adam" else a[-1]
            return call(*a)

        monkeypatch.setattr(_core, name, spy)
    gru_c.set_num_threads(3)
    model = gru_c.Sequential([gru_c.GRU(4, input_shape=(5, 2)), gru_c.Dense(1)], seed=0)
    model.compile("adam", "mse")
    with use_threads(2):
        model.train_on_batch(np.zeros((6, 5, 2)), np.zeros(6))
    assert taken == {"forward": 2, "backward": 2, "matmul": 2, "adam": 2}


@only_with_threads
@only_with_fork
def test_a_child_keeps_the_threads_of_the_thread_that_forked(run_python):
    code = """
import os, threading
from gru_c.runtime import threads
begun, done = threading.Event(), threading.Event()
def hold():
    with threads.use_threads(2):
        begun.set(); done.wait(60)
thread = threading.Thread(target=hold)
thread.start()
begun.wait(60)
with threads.use_threads(3):
    if (pid := os.fork()) == 0:
        print(list(threads._of_python_threads.values()), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
done.set()
"""
    done = run_python(code, PYTHONWARNINGS="ignore")
    assert done.stdout == "[3]\n", done.stderr
