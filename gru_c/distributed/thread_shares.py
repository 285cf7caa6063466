"""Equal shares of the CPUs for the Python threads that compute at the same time."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gru_c.runtime import threads
from gru_c.runtime.openmp import cpus_of_process


class Shares:
    """The threads of this process, divided among the Python threads that are at work.

    A Python thread takes an equal share of the threads that the process may use, at least one, and
    waits while none is free. The share is that among the largest number of Python threads that have
    been here at once since there were none. (A thread that leaves is likely to come back in a
    moment, with the next chunk. If it were forgotten, each thread would seem to be alone, take
    everything, and make the others wait in turn.)

    A Python thread whose code may ask for a share itself does not wait and takes nothing from the
    others, because it might wait for itself.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the Python threads that are at work."""
        self._change = threading.Condition()
        self._here = 0  # Python threads at work or waiting
        self._most_here = 0
        self._taken = 0  # threads in all shares

    @contextmanager
    def take(self, waits: bool = True) -> Iterator[int]:
        """Let calls from this Python thread use its share of the threads; yield that number."""
        most, taken = threads.get_num_threads(), 0
        with self._change:
            self._here += 1
            self._most_here = max(self._most_here, self._here)
            try:
                if waits:
                    self._change.wait_for(lambda: self._taken < _limit())
            except BaseException:  # Ctrl-C
                self._leave(0)
                raise
            limit = _limit()
            share = min(most, max(1, limit // self._most_here))
            if waits:
                share = taken = min(share, limit - self._taken)
            self._taken += taken
        try:
            with threads.use_threads(share):
                yield share
        finally:
            with self._change:
                self._leave(taken)

    def _leave(self, taken: int) -> None:
        self._taken -= taken
        self._here -= 1
        if not self._here:
            self._most_here = 0
        self._change.notify_all()


shares = Shares()

if hasattr(os, "register_at_fork"):  # the other Python threads are not in the child
    os.register_at_fork(after_in_child=shares.reset)


def _limit() -> int:
    """Return the number of threads that may compute at the same time in this process.

    The nanny that starts a Dask worker's process sets OMP_NUM_THREADS=1 there, for each of the
    worker's task threads. Unless the program calls `set_num_threads`, all of these compute at once,
    up to the number of CPUs. In a process without a nanny the program itself set the variable. A
    pool, such as that of Dask's scheduler "processes", most likely has as many processes as there
    are CPUs, so each uses one thread unless OMP_NUM_THREADS is set.
    """
    chosen, workers = threads.get_num_threads(), _workers()
    if threads.were_set():
        return chosen
    if not any(worker.nanny for worker in workers):
        return 1 if not workers and in_pool() and "OMP_NUM_THREADS" not in os.environ else chosen
    return max(chosen, min(task_threads(), threads.usable(len(cpus_of_process()))))


def in_pool() -> bool:
    """Return True on the Python thread on which a process of a pool does its tasks."""
    if multiprocessing.parent_process() is None or _workers_of_process():
        return False
    return threading.current_thread() is threading.main_thread()


def task_threads() -> int:
    """Return the number of tasks that Dask workers of this process run at once; 0 without any."""
    return sum(worker.state.nthreads for worker in _workers())


def _workers() -> list[Any]:
    """Return the Dask workers of this process if this Python thread runs a task of one."""
    module = sys.modules.get("distributed.worker")
    if module is None:
        return []
    try:
        module.get_worker()
    except ValueError:
        return []
    return _workers_of_process()


def _workers_of_process() -> list[Any]:
    """Return the Dask workers of this process."""
    module = sys.modules.get("distributed.worker")
    workers = [] if module is None else list(module.Worker._instances)
    return [worker for worker in workers if worker.status.name != "closed"]


def share_of_task() -> int | None:
    """Return the number of threads that a task of a Dask worker may use; None outside a task.

    This is for tasks that take long, such as training, and cannot wait for each other.
    """
    tasks = task_threads()
    return max(1, threads.get_num_threads() // tasks) if tasks else None
