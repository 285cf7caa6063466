"""Which samples each process takes of the batches of all."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.data import checks
from gru_c.data.batch_order import Epoch
from gru_c.data.inputs import Batches
from gru_c.data.samples import Data, Description, add_descriptions, require_samples

if TYPE_CHECKING:
    from gru_c.distributed.mpi_processes import MPIProcesses
    from gru_c.network.network import Network


Batch = tuple[Data, Any]

_LOOKED_AT = 16  # samples, to see whether data are the same


def in_proportion(batch_size: int, counts: list[int]) -> list[int]:
    """Return how many samples of a batch each process gives, that has so many of all.

    In proportion, rounded by the largest remainders, and at least one of each that has any.

    Raises
    ------
    ValueError
        When the batch is too small for that.

    Examples
    --------
    >>> in_proportion(32, [50, 50]), in_proportion(32, [60, 40]), in_proportion(3, [100, 1, 0])
    ([16, 16], [19, 13], [2, 1, 0])
    """
    giving = sum(1 for count in counts if count)
    if batch_size < giving:
        raise ValueError(
            f"batch_size={batch_size} is that of all processes together, and {giving} of them have "
            "samples: it must be at least as large"
        )
    total = sum(counts)
    # One of each, the rest in proportion to what is left: nobody gives more than it has by much.
    spare = batch_size - giving
    exact = [spare * count / total for count in counts]
    found = [int(share) + (1 if count else 0) for share, count in zip(exact, counts, strict=True)]
    by_remainder = sorted(range(len(counts)), key=lambda rank: int(exact[rank]) - exact[rank])
    for rank in by_remainder[: batch_size - sum(found)]:
        found[rank] += 1
    return found


class Feed:
    """What a process takes; the loops go over it as over `Data` or a `BatchSource`.

    Subclasses say what the batches are.

    Attributes
    ----------
    own : Data or BatchSource
        What this process was given.
    ended : bool
        Whether one of the processes had less in the last epoch than was asked for.
    """

    def __init__(self, ranks: MPIProcesses, own: Any, training: bool) -> None:
        self.ranks = ranks
        self.own = own
        self.training = training
        self.ended = False

    @property
    def first(self) -> Any:
        """Samples from which all that goes for the others can be told."""
        return self.own.first

    @property
    def place(self) -> str:
        """Words that say which batch was the last."""
        words: str = self.own.place
        return words

    def end_epochs(self, count: int) -> None:
        """Say that so many epochs have ended."""
        with self.ranks.raise_together():
            self.own.end_epochs(count)
        self.ended = self.ranks.any_process(self.own.ended)

    def empty(self) -> Batch:
        """Return a batch without samples."""
        first = self.own.first
        return first.batch(self.ranks.model, slice(0, 0)), np.arange(0)

    def drawn(self, model: Network, epoch: Epoch) -> Iterator[Batch]:
        """Return one's own batches; an exception is left to the step that all take part in.

        An evaluation has no steps, and is guarded as a whole.
        """
        if not self.training:
            return self.own.batches(model, epoch)  # type: ignore[no-any-return]
        try:
            return self._guarded(self.own.batches(model, epoch))
        except Exception as error:
            return iter([self._instead(error)])

    def _guarded(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:
                batch = self._instead(error)
            if batch is None:
                return
            yield batch

    def _instead(self, error: Exception) -> Batch:
        """Return what goes into the step that raises an exception."""
        self.ranks.problem = error
        return self.empty()


class WholeFeed(Feed):
    """A part of each batch of data that all processes were given."""

    def describe(self) -> Description:
        """Return what is known of the data."""
        found: Description = self.own.describe()
        return found

    def batch_count(self, batch_size: int) -> int | None:
        """Return the number of batches of an epoch."""
        count: int | None = self.own.batch_count(batch_size)
        return count

    def batches(self, model: Network, epoch: Epoch) -> Iterator[Batch]:
        """Return this process's part of each batch, as drawn in all of them alike."""
        own = self.drawn(model, replace(epoch, fraction=self.ranks.batch_fraction))
        if not self.training or isinstance(self.own, Data):
            return own
        return self._ending_together(own)

    def _ending_together(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Go on while all processes have a batch; ValueError where only some have."""
        while True:
            batch = next(batches, None)
            if not self.ranks.any_process(batch is not None):
                return
            with self.ranks.raise_together():
                if batch is None:
                    raise ValueError(
                        "with auto_shard_dataset=True all processes must be given the same data: "
                        "this one's source has fewer batches in an epoch than others"
                    )
            yield batch


class ShardFeed(Feed):
    """Batches of this process's own samples, as many as all have: without samples at the end."""

    def __init__(
        self,
        ranks: MPIProcesses,
        own: Any,
        training: bool,
        known: list[tuple[Any, Description]],
        batch_size: int,
    ) -> None:
        super().__init__(ranks, own, training)
        self._descriptions = [described for _, described in known]
        self._counts = [count for count, _ in known]  # of samples, or of batches
        self._arrays = isinstance(own, Data)
        if self._arrays:
            if not sum(self._counts):
                raise ValueError("x has no samples in any process")
            every = in_proportion(batch_size, self._counts)
            self._size = max(every[ranks.rank], 1)
            pairs = zip(self._counts, every, strict=True)
            self._batches = max(-(-count // size) if size else 0 for count, size in pairs)

    def describe(self) -> Description:
        """Return what is known of the samples of all: lengths are added up."""
        return add_descriptions(self._descriptions)

    def batch_count(self, batch_size: int) -> int | None:
        """Return the number of batches of an epoch."""
        if self._arrays:
            return self._batches
        return None if None in self._counts else max(self._counts)

    def batches(self, model: Network, epoch: Epoch) -> Iterator[Batch]:
        """Return this process's samples in batches, in an order of its own."""
        if epoch.rng is not None:
            key = int(epoch.rng.integers(2**63))
            epoch = replace(epoch, rng=np.random.default_rng([key, self.ranks.rank]))
        if self._arrays:
            epoch = replace(epoch, batch_size=self._size)
        own = self.drawn(model, epoch)
        if not self.training:
            return own
        if self._arrays:
            return self._filled(own, self._batches - epoch.skip)
        return self._while_any(own)

    def _filled(self, batches: Iterator[Batch], count: int) -> Iterator[Batch]:
        for _ in range(count):
            yield next(batches, None) or self.empty()

    def _while_any(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Go on while one of the processes has a batch."""
        while True:
            batch = next(batches, None)
            if not self.ranks.any_process(batch is not None):
                return
            yield self.empty() if batch is None else batch

    @property
    def size_of_batches(self) -> int | None:
        """Of this process's samples; None where batches are of different size."""
        return self._size if self._size * self._batches == len(self.own) else None


def fingerprint(model: Network, own: Batches) -> int:
    """Return a number that data that are not the same are not likely to have in common."""
    first = own.first
    some = np.unique(np.linspace(0, max(len(first) - 1, 0), _LOOKED_AT).astype(np.intp))
    batch = first.batch(model, some[: len(first)])
    found = 0
    for value in (batch.x, batch.y):
        found = zlib.crc32(np.ascontiguousarray(value).tobytes(), found)
    return found


def feed(
    ranks: MPIProcesses,
    own: Batches,
    known: list[tuple[Any, Description]],
    training: bool,
    batch_size: int,
) -> WholeFeed | ShardFeed:
    """Return what a process takes, of its own samples or as its part of those of all.

    `known` are the numbers of samples, or of a source's batches, that the processes were given, and
    what else is known of them.
    """
    if ranks.whole:
        if isinstance(own, Data):
            require_samples(own)
        return WholeFeed(ranks, own, training)
    return ShardFeed(ranks, own, training, known, batch_size)


def check_states(model: Network, feeds: list[WholeFeed | ShardFeed], batch_size: int) -> None:
    """Raise ValueError where a stateful layer would meet batches of different size."""
    arrays = [one for one in feeds if isinstance(one.own, Data)]
    if not model.stateful_layers or not arrays:
        return
    counts = [len(one.own) for one in arrays]
    if isinstance(arrays[0], WholeFeed):
        checks.require_whole_batches(
            model, batch_size, *counts, fraction=arrays[0].ranks.batch_fraction
        )
        return
    sizes = [one.size_of_batches for one in arrays if isinstance(one, ShardFeed)]
    if None in sizes or len(set(sizes)) > 1:
        raise ValueError(
            f"layer {model.stateful_layers[0].label!r} is stateful, so all batches must be of one "
            f"size: this process has {' and '.join(map(str, counts))} samples for its part of "
            f"batch_size={batch_size}"
        )
    checks.require_whole_batches(model, sizes[0] or 1, *counts)
