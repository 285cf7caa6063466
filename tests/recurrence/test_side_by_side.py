"""Both directions side by side: results, exceptions, and the threads of the caller."""

import threading

import pytest

import gru_c
from gru_c import _core
from gru_c.recurrence.side_by_side import run_both, side_by_side
from gru_c.runtime import threads
from gru_c.runtime.threads import use_threads

only_with_threads = pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")


@only_with_threads
def test_work_side_by_side_keeps_the_threads_of_its_caller():
    barrier = threading.Barrier(2, timeout=60)

    def run(_):
        barrier.wait()
        return gru_c.get_num_threads()

    with use_threads(7):
        assert side_by_side(run) == [7, 7]
    assert not threads._of_python_threads


def test_results_are_in_the_order_of_the_directions():
    assert side_by_side(lambda i: 10 + i) == [10, 11]


@pytest.mark.parametrize("failing", [0, 1])
def test_an_exception_of_either_direction_is_raised(failing):
    seen = []

    def run(i):
        seen.append(i)
        if i == failing:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        side_by_side(run)
    assert failing in seen


@pytest.mark.parametrize(
    ("B", "T", "threads", "shares"),
    [
        (1, 10**6, 1, [None, None]),  # there is one thread
        (1, 1, 4, [None, None]),  # too short to start another Python thread
        (64, 10**5, 4, [None, None]),  # many rows keep all threads busy
        (1, 10**6, 4, [2, 2]),
        (1, 10**6, 5, [3, 2]),
    ],
)
def test_directions_run_side_by_side_where_threads_would_be_idle(B, T, threads, shares):
    units, weights = 8, 2 * 8 * 3 * 16
    assert run_both(lambda i, n: (i, n), B, T, units, weights, threads) == list(enumerate(shares))
