"""A lock that lets predictions read weights together, and lets them change only in between.

A change of several weights, such as an optimizer step, is a writer; a prediction that reads the
weights of layers one after the other is a reader. So a prediction in one thread, while another
trains the model, sees the weights before or after a change, never some of both.

Only parts of the program that use the same weights wait for each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol


class HasParameters(Protocol):
    """A layer, for this module."""

    @property
    def parameters(self) -> Sequence[object]:
        """The weights."""


class _Part:
    """A part of a thread's work that reads or writes the weights of layers: a context."""

    __slots__ = ("_holders", "_ids", "_lock", "thread", "writes")

    def __init__(self, lock: WeightsLock, holders: Iterable[HasParameters], writes: bool) -> None:
        self._lock = lock
        self._holders = holders
        self._ids: frozenset[int] | None = None
        self.thread = threading.get_ident()
        self.writes = writes

    def _weights(self) -> frozenset[int]:
        """Return the identities of the weights; found when they are asked for first."""
        if self._ids is None:
            self._ids = frozenset(id(item) for it in self._holders for item in it.parameters)
        return self._ids

    def meets(self, parts: Iterable[_Part]) -> bool:
        """Return True if a part of another thread uses some of the same weights."""
        return any(
            part.thread != self.thread and not self._weights().isdisjoint(part._weights())
            for part in parts
        )

    def __enter__(self) -> None:
        try:
            self._lock._begin(self)
        except BaseException:  # a KeyboardInterrupt
            self._lock._end(self)
            raise

    def __exit__(self, *exception: object) -> None:
        self._lock._end(self)


class WeightsLock:
    """Any number of readers of a weight, or one writer.

    No thread waits for one that waits for it: a thread that writes already waits for nobody, and
    one that reads already only for those that write now.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._sleeping = 0  # threads that wait for a change
        self._parts: list[_Part] = []  # that are running
        self._waiting: list[_Part] = []  # that want to write

    def reading(self, holders: Iterable[HasParameters]) -> _Part:
        """Return a context in which no other thread writes the weights of these layers."""
        return _Part(self, holders, False)

    def writing(self, holders: Iterable[HasParameters]) -> _Part:
        """Return a context in which no other thread reads or writes the weights of these layers."""
        return _Part(self, holders, True)

    def _begin(self, part: _Part) -> None:
        with self._lock:
            if self._parts or self._waiting:
                if part.writes:
                    self._waiting.append(part)
                while self._must_wait(part):
                    self._sleep()
                if part.writes:
                    self._waiting.remove(part)
            self._parts.append(part)

    def _must_wait(self, part: _Part) -> bool:
        around = [other for other in self._parts if other.thread == part.thread]
        if any(other.writes for other in around):
            return False
        if around:
            return part.meets(other for other in self._parts if other.writes)
        if part.writes:
            return part.meets(self._parts)
        return part.meets(self._waiting) or part.meets(
            other for other in self._parts if other.writes
        )

    def _end(self, part: _Part) -> None:
        """End a part that runs or waits."""
        with self._lock:
            for parts in (self._parts, self._waiting):
                if part in parts:
                    parts.remove(part)
            if self._sleeping:  # to ask takes less time than to notify nobody
                self._changed.notify_all()

    def _sleep(self) -> None:
        self._sleeping += 1
        try:
            self._changed.wait()
        finally:
            self._sleeping -= 1

    def after_fork(self) -> None:
        """Forget the threads of the parent process, but for the one that goes on here."""
        thread = threading.get_ident()
        self._lock, self._sleeping = threading.RLock(), 0
        self._changed = threading.Condition(self._lock)
        self._parts = [part for part in self._parts if part.thread == thread]
        self._waiting = []


weights_lock = WeightsLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=weights_lock.after_fork)
