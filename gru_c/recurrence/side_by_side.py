"""Both directions of a layer: one after the other, or side by side on the threads."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gru_c.runtime.threads import _of_python_threads, use_threads


def side_by_side(run: Callable[[int], Any]) -> list[Any]:
    """Return [run(0), run(1)], the second from another thread; an exception of either is raised.

    A thread that has not begun when run(0) is over, on a machine that is busy otherwise, is not
    waited for: the caller does run(1), too.
    """
    results: list[Any] = [None, None]
    problems: list[BaseException] = []
    claim, working = threading.Lock(), threading.Lock()
    working.acquire()
    threads = _of_python_threads.get(threading.get_ident())

    def other() -> None:
        if claim.acquire(blocking=False):
            try:
                with use_threads(threads):
                    results[1] = run(1)
            except BaseException as problem:
                problems.append(problem)
            finally:
                working.release()

    with suppress(RuntimeError):  # no more threads
        _thread.start_new_thread(other, ())  # threading.Thread would wait until it runs
    try:
        results[0] = run(0)
    finally:
        late = claim.acquire(blocking=False)
        if not late:
            working.acquire()
    if late:
        results[1] = run(1)
    if problems:
        raise problems[0]
    return results


# A batch of so many rows, or a step of so many multiply-adds, keeps two threads busy by itself (as
# src_c/packed/plan.c cuts it): then the directions run one after the other, each on all threads.
ROWS_OF_TWO_THREADS = 16
STEP_OF_TWO_THREADS = 100e3
# Multiply-adds of a pass over both directions from which a second Python thread pays: it takes 0.1
# ms to start.
SIDE_BY_SIDE_WORK = 50e6


def run_both(
    run: Callable[[int, int | None], Any], B: int, T: int, units: int, weights: int, threads: int
) -> list[Any]:
    """Return [run(0, n), run(1, n)], side by side where that pays.

    Parameters
    ----------
    run : callable
        Given the number of the direction, and the threads to run it on; None stands for all.
    B, T, units, weights : int
        Size of the pass: rows, steps, units of the larger direction, and weights of both.
    threads : int
        What there is for both.
    """
    if threads < 2 or not _leaves_threads_idle(B, T, units, weights):
        return [run(0, None), run(1, None)]
    shares = threads - threads // 2, threads // 2
    return side_by_side(lambda i: run(i, shares[i]))


def _leaves_threads_idle(B: int, T: int, units: int, weights: int) -> bool:
    """Whether one direction keeps one thread busy, and long enough to start another."""
    one_thread = B < ROWS_OF_TWO_THREADS and 3.0 * B * units**2 < STEP_OF_TWO_THREADS
    return one_thread and float(B) * T * weights >= SIDE_BY_SIDE_WORK
