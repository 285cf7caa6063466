"""Both directions of a layer: one after the other, or side by side on the threads."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gru_c.runtime.openmp import unbind_thread
from gru_c.runtime.threads import _of_python_threads, use_threads


def side_by_side(run: Callable[[int], Any]) -> list[Any]:
    """Return [run(0), run(1)], the second from another thread; an exception of either is raised.

    If the other thread has not begun when run(0) is over, because the machine is busy, the caller
    does not wait for it and does run(1) itself.
    """
    results: list[Any] = [None, None]
    errors: list[BaseException] = []
    claim, working = threading.Lock(), threading.Lock()
    working.acquire()
    threads = _of_python_threads.get(threading.get_ident())

    def other() -> None:
        if claim.acquire(blocking=False):
            try:
                unbind_thread()
                with use_threads(threads):
                    results[1] = run(1)
            except BaseException as error:
                errors.append(error)
            finally:
                working.release()

    with suppress(RuntimeError):  # the system allows no more threads
        _thread.start_new_thread(other, ())  # Thread.start would wait until it runs
    try:
        results[0] = run(0)
    finally:
        late = claim.acquire(blocking=False)
        if not late:
            working.acquire()
    if late:
        results[1] = run(1)
    if errors:
        raise errors[0]
    return results


# A batch of so many rows, or a time step of so many multiply-adds, keeps two threads busy (as
# src_c/packed/plan.c divides it): the directions run one after the other, each on all threads.
ROWS_OF_TWO_THREADS = 16
STEP_OF_TWO_THREADS = 100e3
# From so many multiply-adds of both directions on, a second Python thread pays: its start takes
# 0.1 ms.
SIDE_BY_SIDE_WORK = 50e6


def run_both(
    run: Callable[[int, int | None], Any], B: int, T: int, units: int, weights: int, threads: int
) -> list[Any]:
    """Return [run(0, n), run(1, n)], side by side where that pays.

    Parameters
    ----------
    run : callable
        Takes the number of the direction and the number of threads; None stands for all.
    B, T, units, weights : int
        Size of the pass: rows, time steps, units of the larger direction, weights of both.
    threads : int
        Number of threads for both directions.
    """
    if threads < 2 or not _leaves_threads_idle(B, T, units, weights):
        return [run(0, None), run(1, None)]
    shares = threads - threads // 2, threads // 2
    return side_by_side(lambda i: run(i, shares[i]))


def _leaves_threads_idle(B: int, T: int, units: int, weights: int) -> bool:
    """Return True if one direction keeps only one thread busy, for long enough to start another."""
    one_thread = B < ROWS_OF_TWO_THREADS and 3.0 * B * units**2 < STEP_OF_TWO_THREADS
    return one_thread and float(B) * T * weights >= SIDE_BY_SIDE_WORK
