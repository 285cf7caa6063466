"""Batches that an object gives: an iterable, a generator, or one with `__getitem__`."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Set
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.data.array_file import is_stored
from gru_c.data.batch_order import Epoch
from gru_c.data.samples import Data, Description
from gru_c.utils.warnings import warn

if TYPE_CHECKING:
    from gru_c.network.network import Network


_DATA = (np.ndarray, list, tuple, str, bytes, bytearray, memoryview, array, Mapping, Set)


def is_source(x: object) -> bool:
    """Say whether x gives batches, rather than being data."""
    if isinstance(x, _DATA) or hasattr(x, "__array__") or is_stored(x):
        return False
    return hasattr(x, "__iter__") or _by_number(x)


def _is_list_of_batches(x: object) -> bool:
    return isinstance(x, list) and bool(x) and all(isinstance(batch, tuple) for batch in x)


def _by_number(x: object) -> bool:
    return hasattr(x, "__len__") and hasattr(x, "__getitem__")


class Source:
    """An object that gives batches, as the loops go over them.

    Parameters
    ----------
    given : object
        What `is_source` is true for, or a list of batches.
    check : callable
        Makes `Samples` or `Data` of a batch as it was given, or raises ValueError or TypeError.
    steps : int, optional
        Batches of an epoch; by default all.
    goes_on : bool
        With `steps`: an epoch begins where the last one ended, and the source anew at its end.

    Attributes
    ----------
    ended : bool
        Whether the last epoch had fewer batches than was asked for.
    """

    def __init__(
        self,
        given: Any,
        check: Callable[[Any], Any],
        steps: int | None = None,
        goes_on: bool = False,
    ) -> None:
        self.given = given
        self.steps = steps
        self.ended = False
        self.by_number = _by_number(given)
        self.once = not self.by_number and hasattr(given, "__next__")
        self._check = check
        self._goes_on = self.once or (goes_on and steps is not None)
        self._items: Iterator[tuple[str, Any]] | None = None  # of the epoch that has begun
        self._name = ""  # of the last batch
        self._whole: int | None = None  # batches that an epoch was found to have
        self.first = self._look()

    def _look(self) -> Any:
        """Return the first batch, before an epoch begins, and without losing it."""
        items = self._begin()
        item = next(items, None)
        if item is None:
            raise ValueError("the source of batches gave none")
        if not self.by_number:
            self._items = chain([item], items)
        return self._checked(item)

    def _begin(
        self, rng: np.random.Generator | None = None, done: int = 0
    ) -> Iterator[tuple[str, Any]]:
        """Return the batches with their names; by number as `rng` draws, but the first ones."""
        if not self.by_number:
            return ((f"batch {n} of the source", one) for n, one in enumerate(self.given, start=1))
        count = len(self.given)
        order = list(range(count)) if rng is None else rng.permutation(count).tolist()
        return ((f"batch [{n}] of the source", self.given[n]) for n in order[done:])

    def end_epochs(self, count: int) -> None:
        """Say of so many epochs that they have ended to a source that asks, as Keras does."""
        for _ in range(count):
            getattr(self.given, "on_epoch_end", lambda: None)()

    def _checked(self, item: tuple[str, Any]) -> Any:
        self._name, batch = item
        try:
            return self._check(batch)
        except (ValueError, TypeError, RuntimeError) as error:  # PyTorch's, of some tensors
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{self._name}: {error}") from error

    def described(self) -> Description:
        """Return what kind of source it is, and how many batches it has."""
        kind = type(self.given).__qualname__
        return {"source": {"kind": kind, "batches": self.batch_count(0)}}

    @property
    def place(self) -> str:
        """Words that say which batch was the last."""
        return f" ({self._name})" if self.by_number else ""

    def batch_count(self, batch_size: int) -> int | None:
        """Return the number of batches of an epoch; None while it is not known."""
        if self.steps is not None:
            return self.steps
        try:
            return len(self.given)
        except TypeError:  # there is no length, or none that is known
            return self._whole

    def samples(self, rng: np.random.Generator | None = None, done: int = 0) -> Iterator[Any]:
        """Return the batches of an epoch, checked; by number but the first ones.

        Their order is drawn at once.
        """
        if self._items is None:
            self._items = self._begin(rng, done)
        return self._epoch(rng, done)

    def _epoch(self, rng: np.random.Generator | None, taken: int) -> Iterator[Any]:
        for item in islice(self._read(rng), self.steps):
            yield self._checked(item)
            taken += 1
        if not self._goes_on:
            self._items = None
        self._whole = taken
        self.ended = taken < (self.steps or 1)
        if self.ended:
            wanted = "" if self.steps is None else f", where {self.steps} were asked for"
            warn(
                f"the source of batches ended after {taken} of an epoch{wanted}; a generator must "
                "give those of all epochs"
            )

    def _read(self, rng: np.random.Generator | None) -> Iterator[tuple[str, Any]]:
        """Yield batches from where the source is, to its end or without one."""
        fresh = False
        while True:
            items = self._items = self._items or self._begin(rng)
            found = False
            for item in items:
                found = True
                yield item
            if self.once:
                return
            self._items = None
            if not self._goes_on or (fresh and not found):
                return
            fresh = True

    def batches(self, model: Network, epoch: Epoch) -> Iterator[tuple[Data, None]]:
        """Return the batches of an epoch as those of `Data`; their samples have no numbers.

        Size and bucket are the source's own matter.
        """
        samples = self.samples(epoch.rng, epoch.done)
        return ((one.part_of_batch(model, slice(0, len(one)), epoch.part), None) for one in samples)
