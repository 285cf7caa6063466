"""The memory of weights: whether they may have changed since something was made of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from gru_c.utils.arrays import Array

T = TypeVar("T")

_versions = count()


class Memory:
    """What weights lie in.

    The package reads weights through arrays that it holds here and cannot write to (only what goes
    past NumPy can, such as ``torch.from_numpy`` of a read-only array). Whoever changes a weight, in
    the package or outside, does so through an array that is lent. So a weight changes only after
    its memory got a new version, and while an array is lent. That is seen by the references to the
    array that owns the memory: every view of it has one.

    Parameters
    ----------
    array : ndarray
        The owner, or a view.

    Attributes
    ----------
    version : int
        A new one each time that an array is lent; no two memories have the same.
    derived : dict
        What has been made of the weights, with their versions; empty once an array is lent.
    """

    __slots__ = ("_held", "_owner", "derived", "version")

    def __init__(self, array: Array) -> None:
        while isinstance(array.base, np.ndarray):
            array = array.base
        self._owner = array
        self._held: list[Array] = []
        self.version = next(_versions)
        self.derived: dict[Hashable, tuple[list[int], Any]] = {}

    def hold(self, array: Array, *, writeable: bool = False) -> Array:
        """Return a view of an array in this memory that does not count as lent.

        One that is not writeable cannot be made so: its base is read-only memory.
        """
        view = array[...]
        if not writeable:
            view = np.asarray(view.data.toreadonly())
        self._held.append(view)  # for good, so that the count is right
        return view

    def lend(self, held: Array) -> Array:
        """Return a view of a writeable array that is held here."""
        self.version = next(_versions)
        if self.derived:
            self.derived.clear()
        return held[...]

    def _references(self) -> int:
        return sys.getrefcount(self._owner) - len(self._held)

    @property
    def lent(self) -> bool:
        """Whether there is an array that weights can be changed through."""
        return self._references() > _REFERENCES


_REFERENCES = Memory(np.empty(1))._references()  # where nothing is lent


class Weight(Protocol):
    """The parts of a `Parameter` that are read here."""

    memory: Memory
    array: Array


def versions_of(weights: Sequence[Weight]) -> list[int] | None:
    """Return what stays the same as long as no weight changes; None while one can at any time."""
    memories = {id(weight.memory): weight.memory for weight in weights}.values()
    versions = [memory.version for memory in memories]
    return None if any(memory.lent for memory in memories) else versions


def derived(weights: Sequence[Weight], key: Hashable, make: Callable[[], T]) -> T:
    """Return what is made of a layer's weights: by an earlier call, unless they may have changed.

    `key` says what it is, and all that it depends on beside the weights.
    """
    versions = versions_of(weights)  # before they are read
    kept, place = weights[0].memory.derived, (id(weights[0].array), key)
    before, result = kept.get(place, (None, None))
    if versions is None or before != versions:
        result = make()
    if versions is not None:
        kept[place] = versions, result
    return cast(T, result)
