"""Batch sources: objects that give batches, by iteration or with `__getitem__`."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Set
from itertools import chain, islice
from typing import Any

import numpy as np

from gru_c.common.warnings import warn
from gru_c.data.batch_order import Epoch
from gru_c.data.samples import Data, Description
from gru_c.network.network import Network

_DATA = (np.ndarray, list, tuple, str, bytes, bytearray, memoryview, array, Mapping, Set)


def is_source(x: object) -> bool:
    """Return True if x gives batches, False if it is data; x must not be an array in a file."""
    if isinstance(x, _DATA) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or _is_indexable(x)


def is_list_of_batches(x: object) -> bool:
    """Return True for a list of tuples."""
    return isinstance(x, list) and bool(x) and all(isinstance(batch, tuple) for batch in x)


def _is_indexable(x: object) -> bool:
    return hasattr(x, "__len__") and hasattr(x, "__getitem__")


class BatchSource:
    """The batches of a user's object, as the loops of fit, evaluate and predict take them.

    Parameters
    ----------
    source : object
        An object for which `is_source` returns True, or a list of batches.
    check : callable
        Turns the user's batch into `Samples` or `Data`; raises ValueError or TypeError.
    steps : int, optional
        Batches of an epoch; by default all.
    continues : bool
        With `steps`: True begins each epoch where the last one ended, and starts the source again
        at its end. False begins each epoch at the first batch.

    Attributes
    ----------
    ended : bool
        True if the last epoch had fewer batches than asked for.
    indexable : bool
        True if batches are taken by number.
    single_pass : bool
        True for an iterator, such as a generator, which cannot start again.
    first : Samples or Data
        The first batch.
    """

    def __init__(
        self,
        source: Any,
        check: Callable[[Any], Any],
        steps: int | None = None,
        continues: bool = False,
    ) -> None:
        self.source = source
        self.steps = steps
        self.ended = False
        self.indexable = _is_indexable(source)
        self.single_pass = not self.indexable and hasattr(source, "__next__")
        self._check = check
        self._continues = self.single_pass or (continues and steps is not None)
        self._items: Iterator[tuple[str, Any]] | None = None  # batches of the current epoch
        self._name = ""  # of the last batch
        self._epoch_length: int | None = None  # counted in the last epoch
        self.first = self._read_first()

    def change_batches(self, change: Callable[[Any], Any]) -> None:
        """Let a function change all batches after they were checked; it may raise ValueError."""
        check = self._check
        self._check = lambda batch: change(check(batch))
        self.first = change(self.first)

    def _read_first(self) -> Any:
        """Return the first batch; the first epoch gives it again."""
        items = self._named_batches()
        item = next(items, None)
        if item is None:
            raise ValueError("the source of batches gave no batch")
        if not self.indexable:
            self._items = chain([item], items)
        return self._checked(item)

    def _named_batches(
        self, rng: np.random.Generator | None = None, skip: int = 0
    ) -> Iterator[tuple[str, Any]]:
        """Return the batches with their names.

        An indexable source is read in the order that `rng` draws, without the first `skip` batches.
        """
        if not self.indexable:
            return (
                (f"batch {n} of the source", batch) for n, batch in enumerate(self.source, start=1)
            )
        count = len(self.source)
        order = list(range(count)) if rng is None else rng.permutation(count).tolist()
        return ((f"batch [{n}] of the source", self.source[n]) for n in order[skip:])

    def end_epochs(self, count: int) -> None:
        """Call the source's ``on_epoch_end`` once per epoch, if it has one, as Keras does."""
        for _ in range(count):
            getattr(self.source, "on_epoch_end", lambda: None)()

    def _checked(self, item: tuple[str, Any]) -> Any:
        self._name, batch = item
        try:
            return self._check(batch)
        except (ValueError, TypeError, RuntimeError) as error:  # PyTorch raises it for some tensors
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{self._name}: {error}") from error

    def describe(self) -> Description:
        """Return the class of the source and its number of batches."""
        kind = type(self.source).__qualname__
        return {"source": {"kind": kind, "batches": self.batch_count(0)}}

    @property
    def place(self) -> str:
        """Words that name the last batch, for messages; "" if the batches come in their order."""
        return f" ({self._name})" if self.indexable else ""

    def batch_count(self, batch_size: int) -> int | None:
        """Return the number of batches of an epoch; None while it is unknown."""
        if self.steps is not None:
            return self.steps
        try:
            return len(self.source)
        except TypeError:  # no length, or an unknown one
            return self._epoch_length

    def checked_batches(
        self, rng: np.random.Generator | None = None, skip: int = 0
    ) -> Iterator[Any]:
        """Return the checked batches of an epoch, in an order that is drawn at once.

        Of an indexable source the first `skip` batches are left out.
        """
        getattr(self.source, "on_epoch_begin", lambda: None)()
        if self._items is None:
            self._items = self._named_batches(rng, skip)
        return self._epoch(rng, skip)

    def _epoch(self, rng: np.random.Generator | None, taken: int) -> Iterator[Any]:
        for item in islice(self._read(rng), self.steps):
            yield self._checked(item)
            taken += 1
        if not self._continues:
            self._items = None
        self._epoch_length = taken
        self.ended = taken < (self.steps or 1)
        if self.ended:
            wanted = "" if self.steps is None else f", where {self.steps} were asked for"
            warn(
                f"the source of batches ended after {taken} of an epoch{wanted}; a generator must "
                "give those of all epochs"
            )

    def _read(self, rng: np.random.Generator | None) -> Iterator[tuple[str, Any]]:
        """Yield batches from the current position; a source that continues starts again."""
        restarted = False
        while True:
            items = self._items = self._items or self._named_batches(rng)
            empty = True
            for item in items:
                empty = False
                yield item
            if self.single_pass:
                return
            self._items = None
            if not self._continues or (restarted and empty):
                return
            restarted = True

    def batches(self, model: Network, epoch: Epoch) -> Iterator[tuple[Data, None]]:
        """Return the batches of an epoch, as `Data.batches` does; their samples have no numbers.

        The source decides the size of its batches, and which samples they hold.
        """
        batches = self.checked_batches(epoch.rng, epoch.skip)
        return (
            (batch.fraction_of_batch(model, slice(0, len(batch)), epoch.fraction), None)
            for batch in batches
        )
