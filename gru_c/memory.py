"""The memory of weights: whether they may have changed since something was made of them."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Any

import numpy as np

from gru_c.arrays import Array


class Memory:
    """The memory that weights lie in: whether they may have changed, and what was made of them.

    The package reads weights through arrays that it holds here and cannot write to. Whoever
    changes a weight, in the package or outside, does so through an array that is lent. So nothing
    changes without a new version, or an array that is still lent: that is a reference more to the
    memory, since every view of an array refers to the array that has the memory.

    Parameters
    ----------
    array : ndarray
        With the memory, or a view of it.

    Attributes
    ----------
    version : int
        Another one after each time that an array was lent.
    derived : dict
        What has been made of weights of this version.
    """

    __slots__ = ("_held", "_root", "derived", "version")

    def __init__(self, array: Array) -> None:
        while isinstance(array.base, np.ndarray):
            array = array.base
        self._root = array
        self._held: list[Array] = []
        self.version = 0
        self.derived: dict[Hashable, Any] = {}

    def hold(self, array: Array, *, writeable: bool = False) -> Array:
        """Return a view of an array in this memory that does not count as lent."""
        view = array[...]
        view.flags.writeable = writeable
        self._held.append(view)  # for good: what is held is what is counted
        return view

    def lend(self, held: Array) -> Array:
        """Return a view that the weights may be changed through."""
        self.version += 1
        if self.derived:
            self.derived.clear()
        return held[...]

    def _references(self) -> int:
        return sys.getrefcount(self._root) - len(self._held)

    @property
    def lent(self) -> bool:
        """Whether there is still an array that the weights can be changed through."""
        return self._references() > _REFERENCES


_REFERENCES = Memory(np.empty(1))._references()  # to a memory that nobody has an array of
