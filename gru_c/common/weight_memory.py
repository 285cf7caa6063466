"""The memory of weights; it shows whether weights may have changed since a given time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from gru_c.common.arrays import Array

T = TypeVar("T")

_versions = count()


class Memory:
    """The memory that contains weights.

    The package reads weights through read-only arrays that are held here (only code that bypasses
    NumPy can write to them, such as ``torch.from_numpy``). A weight can only be changed through an
    array that is lent, inside the package or outside. So a weight changes only after its memory has
    got a new version, and while an array is lent. The reference count of the array that owns the
    memory shows if one is lent, because every view refers to the owner.

    Parameters
    ----------
    array : ndarray
        The owner of the memory, or a view.

    Attributes
    ----------
    version : int
        A number that is new each time an array is lent, and different for all memories.
    derived : dict
        Results derived from the weights, with their versions; empty once an array is lent.
    """

    __slots__ = ("_held", "_owner", "derived", "version")

    def __init__(self, array: Array) -> None:
        while isinstance(array.base, np.ndarray):
            array = array.base
        self._owner = array
        self._held: list[Array] = []
        self.version = next(_versions)
        self.derived: dict[Hashable, tuple[object, Any]] = {}

    def hold(self, array: Array, *, writeable: bool = False) -> Array:
        """Return a view of an array in this memory that does not count as lent.

        A read-only view cannot be made writeable, because its base is read-only memory.
        """
        view = array[...]
        if not writeable:
            view = np.asarray(view.data.toreadonly())
        self._held.append(view)  # never removed, so that the count is right
        return view

    def lend(self, held: Array) -> Array:
        """Return a writeable view of an array that is held here."""
        self.version = next(_versions)
        if self.derived:
            self.derived.clear()
        return held[...]

    def _references(self) -> int:
        return sys.getrefcount(self._owner) - len(self._held)

    def leave(self) -> None:
        """Give the memory a new version, because a weight moves to another one."""
        self.version = next(_versions)

    @property
    def lent(self) -> bool:
        """True if there is an array through which weights can be changed."""
        return self._references() > _REFERENCES


_REFERENCES = Memory(np.empty(1))._references()  # while nothing is lent


class Weight(Protocol):
    """The part of a `Parameter` that is used here."""

    memory: Memory
    array: Array


def versions_of(weights: Sequence[Weight]) -> list[int] | None:
    """Return versions that change before a weight does; None while one may change at any time."""
    memories = {id(weight.memory): weight.memory for weight in weights}.values()
    versions = [memory.version for memory in memories]
    return None if any(memory.lent for memory in memories) else versions


class Watch:
    """A look at weights that tells later if they may have changed.

    Parameters
    ----------
    weights : sequence of Weight
    """

    __slots__ = ("_memories",)

    def __init__(self, weights: Sequence[Weight]) -> None:
        memories = {id(weight.memory): weight.memory for weight in weights}.values()
        self._memories = [(memory, memory.version) for memory in memories]

    @property
    def unchanged(self) -> bool:
        """True if no weight can have changed, or can change now, without a new version."""
        for memory, version in self._memories:  # a loop, because it is faster
            if memory.version != version or memory.lent:
                return False
        return True


def derived(
    weights: Sequence[Weight], key: Hashable, make: Callable[[], T], settings: object = None
) -> T:
    """Return the result of `make`, or that of an earlier call if no weight may have changed since.

    `key` identifies the result, and `settings` are all that it depends on besides the weights and
    the key: a result with other settings takes the place of the earlier one.
    """
    versions = versions_of(weights)  # taken before `make` reads the weights
    results, place = weights[0].memory.derived, (id(weights[0].array), key)
    before, result = results.get(place, (None, None))
    state = None if versions is None else (versions, settings)
    if state is None or before != state:
        result = make()
    if state is not None:
        results[place] = state, result
    return cast(T, result)
