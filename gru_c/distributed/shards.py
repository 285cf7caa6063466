"""Shards: the samples of each batch that one process computes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.data import checks
from gru_c.data.batch_order import Epoch
from gru_c.data.inputs import Batches
from gru_c.data.samples import Data, Description, add_descriptions, require_samples
from gru_c.training.processes import ProcessGroup

if TYPE_CHECKING:
    from gru_c.network.network import Network


Batch = tuple[Data, Any]

_COMPARED = 16  # samples in a fingerprint


def in_proportion(batch_size: int, counts: list[int]) -> list[int]:
    """Return the samples of a batch that each process gives, in proportion to its samples.

    Shares are rounded by the largest remainders. A process that has any samples gives at least one.

    Raises
    ------
    ValueError
        When the batch has fewer samples than there are processes with samples.

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
    # Each gives one sample; only the remaining ones are shared in proportion, so that no process
    # has to give many more samples than it has.
    exact = [(batch_size - giving) * count / total for count in counts]
    shares = [int(share) + (1 if count else 0) for share, count in zip(exact, counts, strict=True)]
    by_remainder = sorted(range(len(counts)), key=lambda rank: int(exact[rank]) - exact[rank])
    for rank in by_remainder[: batch_size - sum(shares)]:
        shares[rank] += 1
    return shares


class Shard:
    """The data of one process; the training loops go over it as over `Data` or a `BatchSource`.

    Subclasses define `describe`, `batch_count` and `batches`.

    Attributes
    ----------
    data : Data or BatchSource
        The data that this process was given.
    group : ProcessGroup
    training : bool
        True in `fit`, where every batch is part of an optimizer step of all processes; False for
        data that are only evaluated.
    ended : bool
        True if any process had fewer batches in the last epoch than were asked for.
    """

    def __init__(self, group: ProcessGroup, model: Network, data: Batches, training: bool) -> None:
        self.group = group
        self.data = data
        self.training = training
        self.ended = False
        self._model = model

    @property
    def first(self) -> Any:
        """Samples that stand for all others where shapes and dtypes are checked."""
        return self.data.first

    @property
    def place(self) -> str:
        """Words that name the source of the last batch."""
        return self.data.place

    def end_epochs(self, count: int) -> None:
        """Tell the data that `count` epochs have ended, and set `ended`."""
        with self.group.raise_together():
            self.data.end_epochs(count)
        self.ended = self.group.any_process(self.data.ended)

    def empty(self) -> Batch:
        """Return a batch without samples."""
        return self.data.first.batch(self._model, slice(0, 0)), np.arange(0)

    def draw(self, model: Network, epoch: Epoch) -> Iterator[Batch]:
        """Return the batches of this process's data.

        In training an exception is raised by the step that follows, in which all processes take
        part. An evaluation has no steps; its caller handles exceptions.
        """
        if not self.training:
            return self.data.batches(model, epoch)
        try:
            return self._postpone_errors(self.data.batches(model, epoch))
        except Exception as error:
            return iter([self._postpone(error)])

    def _postpone_errors(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:
                batch = self._postpone(error)
            if batch is None:
                return
            yield batch

    def _postpone(self, error: Exception) -> Batch:
        """Leave an exception to the next step; return the batch that leads to that step."""
        with self.group.defer_errors():
            raise error
        return self.empty()


class CommonShard(Shard):
    """The part of each batch that this process computes, where all were given the same data."""

    def __init__(self, group: ProcessGroup, model: Network, data: Batches, training: bool) -> None:
        super().__init__(group, model, data, training)
        if isinstance(data, Data):
            require_samples(data)

    def describe(self) -> Description:
        """Return the description of the data."""
        return self.data.describe()

    def batch_count(self, batch_size: int) -> int | None:
        """Return the number of batches in an epoch; None if it is not known."""
        return self.data.batch_count(batch_size)

    def batches(self, model: Network, epoch: Epoch) -> Iterator[Batch]:
        """Return this process's part of each batch; all processes draw the same batches."""
        parts = self.draw(model, replace(epoch, fraction=self.group.batch_fraction))
        if not self.training or isinstance(self.data, Data):
            return parts
        return self._end_together(parts)

    def _end_together(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield batches until no process has any; ValueError where only some have one."""
        while True:
            batch = next(batches, None)
            if not self.group.any_process(batch is not None):
                return
            with self.group.raise_together():
                if batch is None:
                    raise ValueError(
                        "with auto_shard_dataset=True all processes must be given the same data: "
                        "this one's source has fewer batches in an epoch than others"
                    )
            yield batch


class PrivateShard(Shard):
    """Batches of samples that only this process was given.

    All processes have the same number of batches in an epoch; the last ones may be without samples.

    Parameters
    ----------
    known : sequence of tuple
        For each process the number of its samples (of its batches if it was given a source; None
        if not known), and their description.
    """

    def __init__(
        self,
        group: ProcessGroup,
        model: Network,
        data: Batches,
        training: bool,
        known: Sequence[tuple[Any, Description]],
        batch_size: int,
    ) -> None:
        super().__init__(group, model, data, training)
        self._descriptions = [described for _, described in known]
        self._counts = [count for count, _ in known]
        self._arrays = isinstance(data, Data)
        if self._arrays:
            if not sum(self._counts):
                raise ValueError("x has no samples in any process")
            sizes = in_proportion(batch_size, self._counts)
            self._size = max(sizes[group.rank], 1)
            pairs = zip(self._counts, sizes, strict=True)
            self._batches = max(-(-count // size) if size else 0 for count, size in pairs)

    def describe(self) -> Description:
        """Return the description of the samples of all processes, their numbers added up."""
        return add_descriptions(self._descriptions)

    def batch_count(self, batch_size: int) -> int | None:
        """Return the number of batches in an epoch; None if it is not known."""
        if self._arrays:
            return self._batches
        return None if None in self._counts else max(self._counts)

    def batches(self, model: Network, epoch: Epoch) -> Iterator[Batch]:
        """Return this process's samples in batches, each process in a random order of its own."""
        if epoch.rng is not None:
            key = int(epoch.rng.integers(2**63))
            epoch = replace(epoch, rng=np.random.default_rng([key, self.group.rank]))
        if self._arrays:
            epoch = replace(epoch, batch_size=self._size)
        batches = self.draw(model, epoch)
        if not self.training:
            return batches
        if self._arrays:
            return self._fill_up(batches, self._batches - epoch.skip)
        return self._while_any(batches)

    def _fill_up(self, batches: Iterator[Batch], count: int) -> Iterator[Batch]:
        """Yield `count` batches; the last ones are empty if there are too few."""
        for _ in range(count):
            yield next(batches, None) or self.empty()

    def _while_any(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield batches while any process has one, empty ones once this process has none."""
        while True:
            batch = next(batches, None)
            if not self.group.any_process(batch is not None):
                return
            yield self.empty() if batch is None else batch

    @property
    def uniform_size(self) -> int | None:
        """The number of samples in each batch of this process; None if the batches differ."""
        assert isinstance(self.data, Data)
        return self._size if self._size * self._batches == len(self.data) else None


def fingerprint(model: Network, data: Batches) -> int:
    """Return a checksum of a few samples, to find out whether processes have the same data."""
    first = data.first
    rows = np.unique(np.linspace(0, max(len(first) - 1, 0), _COMPARED).astype(np.intp))
    batch = first.batch(model, rows[: len(first)])
    checksum = 0
    for value in (batch.x, batch.y):
        checksum = zlib.crc32(np.ascontiguousarray(value).tobytes(), checksum)
    return checksum


def weights_checksum(model: Network) -> int:
    """Return a checksum of all weights."""
    checksum = 0
    for layer in model.layers:
        for item in layer.parameters:
            checksum = zlib.crc32(np.ascontiguousarray(item.array).data.cast("B"), checksum)
    return checksum


def check_states(model: Network, shards: Sequence[Shard], batch_size: int) -> None:
    """Raise ValueError where a stateful layer would meet batches of different sizes."""
    counts = [len(shard.data) for shard in shards if isinstance(shard.data, Data)]
    if not model.stateful_layers or not counts:
        return
    private = [
        shard.uniform_size
        for shard in shards
        if isinstance(shard, PrivateShard) and isinstance(shard.data, Data)
    ]
    if not private:
        checks.require_whole_batches(
            model, batch_size, *counts, fraction=shards[0].group.batch_fraction
        )
        return
    if None in private or len(set(private)) > 1:
        raise ValueError(
            f"layer {model.stateful_layers[0].label!r} is stateful, so all batches must be of one "
            f"size: this process has {' and '.join(map(str, counts))} samples for its part of "
            f"batch_size={batch_size}"
        )
    checks.require_whole_batches(model, private[0] or 1, *counts)
