"""A lock that lets predictions read weights together, and lets them change only in between.

A change of several weights, such as an optimizer step, is a writer; a prediction that reads the
weights of layers one after the other is a reader. So a prediction in one thread, while another
trains the model, sees the weights before or after a change, never some of both.
"""

from __future__ import annotations

import os
import threading


class WeightsLock:
    """Any number of readers, or one writer.

    A thread may read while it reads or writes, and write while it writes. A thread that reads and
    begins to write does not wait for other readers, which could wait for it.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()  # of the attributes below; held for moments
        self._changed = threading.Condition(self._mutex)
        self._readers = 0
        self._writer: int | None = None  # its thread
        self._depth = 0  # of the writer
        self._waiting = 0  # threads that want to write
        self._sleeping = 0  # threads that wait for a change of all this
        self._local = threading.local()  # depth: how often this thread reads

    def begin_reading(self) -> None:
        """Wait until no other thread writes or waits for that."""
        depth = getattr(self._local, "depth", 0)
        if not depth and self._writer != threading.get_ident():
            with self._mutex:
                while self._writer is not None or self._waiting:
                    self._sleep()
                self._readers += 1
            self._local.counted = True
        self._local.depth = depth + 1

    def end_reading(self) -> None:
        """End the part that the last `begin_reading` of this thread began."""
        self._local.depth -= 1
        if not self._local.depth and getattr(self._local, "counted", False):
            self._local.counted = False
            with self._mutex:
                self._readers -= 1
                self._wake()

    def __enter__(self) -> None:
        """Begin to write, once no other thread reads or writes."""
        thread = threading.get_ident()
        if self._writer != thread:
            reads = getattr(self._local, "depth", 0) > 0
            with self._mutex:
                self._waiting += 1
                try:
                    while self._writer is not None or (self._readers and not reads):
                        self._sleep()
                    self._writer = thread
                finally:
                    self._waiting -= 1
                    if self._writer != thread:  # an exception: readers have waited in vain
                        self._wake()
        self._depth += 1

    def __exit__(self, *exception: object) -> None:
        """End to write."""
        self._depth -= 1
        if not self._depth:
            with self._mutex:
                self._writer = None
                self._wake()

    def _sleep(self) -> None:
        """Wait for a change; the caller holds the mutex."""
        self._sleeping += 1
        try:
            self._changed.wait()
        finally:
            self._sleeping -= 1

    def _wake(self) -> None:
        """Wake the threads that sleep; the caller holds the mutex."""
        if self._sleeping:  # to ask takes less time than to notify nobody
            self._changed.notify_all()


weights_lock = WeightsLock()


def _after_fork_in_child() -> None:
    """Forget the threads of the parent, which do not exist here."""
    weights_lock.__init__()  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
