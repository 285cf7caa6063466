"""What each of several Python threads may use of the CPUs while they all compute at once."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gru_c.runtime import threads


class Shares:
    """The threads of this process, parted among the Python threads that are at work.

    Who comes takes an equal part of what the process may use, at least one thread, and waits while
    there is none. Equal among how many: among the most who were here at once since nobody was. (Who
    has gone is most likely back in a moment, with the next chunk: were it forgotten, each would
    find itself alone, take everything, and make the others wait in turn.)

    Who runs code that may ask for a share itself does not wait, and takes nothing from others: it
    would wait for itself.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget who is here."""
        self._change = threading.Condition()
        self._here = 0  # at work or waiting
        self._most_here = 0
        self._taken = 0  # threads

    @contextmanager
    def one(self, waits: bool = True) -> Iterator[int]:
        """While this lasts, calls from this Python thread use its share, which is the value."""
        own, taken = threads.get_num_threads(), 0
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
            share = min(own, max(1, limit // self._most_here))
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

if hasattr(os, "register_at_fork"):  # the others are not in the child
    os.register_at_fork(after_in_child=shares.reset)


def _limit() -> int:
    """Return how many threads may compute at once in this process.

    The nanny that starts a worker's process sets OMP_NUM_THREADS=1 there, which is meant for each
    of the worker's task threads: unless the program calls `set_num_threads`, all of them compute,
    as far as there are CPUs. In a process without a nanny the variable is the program's own. A
    process of a pool, such as those of Dask's scheduler "processes", is one of as many as there are
    CPUs, most likely, and uses one thread where nobody says how many.
    """
    own, workers = threads.get_num_threads(), _workers()
    if threads.were_set():
        return own
    if not any(worker.nanny for worker in workers):
        return 1 if not workers and in_pool() and "OMP_NUM_THREADS" not in os.environ else own
    return max(own, min(task_threads(), threads.usable(len(threads.cpus_of_process()))))


def in_pool() -> bool:
    """Whether this is the Python thread on which a process of a pool does its tasks."""
    if multiprocessing.parent_process() is None or _workers_of_process():
        return False
    return threading.current_thread() is threading.main_thread()


def task_threads() -> int:
    """Return how many tasks the Dask workers of this process run at once; 0 where it is none."""
    return sum(worker.state.nthreads for worker in _workers())


def _workers() -> list[Any]:
    """Return the Dask workers of this process; none if this Python thread does not work for one."""
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
    every = [] if module is None else list(module.Worker._instances)
    return [one for one in every if one.status.name != "closed"]


def share_of_task() -> int | None:
    """Return how many threads a task of a Dask worker may use; None outside of one.

    For tasks that take long, such as training, and so cannot wait for each other.
    """
    tasks = task_threads()
    return max(1, threads.get_num_threads() // tasks) if tasks else None
