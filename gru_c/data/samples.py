"""Samples that were checked against a model, and the batches of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gru_c.common.array_group import ArrayGroup
from gru_c.common.arrays import Array, as_real
from gru_c.common.validation import check_flag, check_integer, check_real
from gru_c.data.array_file import StoredArray
from gru_c.data.batch_order import WHOLE, BatchPlan, Epoch, Fraction, take_fraction
from gru_c.data.sequence_checks import check_sequences, check_step_targets
from gru_c.data.sequence_list import SequenceList
from gru_c.losses import Loss, OutputLosses
from gru_c.network.building import NO_LAYERS
from gru_c.network.network import Network
from gru_c.recurrence.step_order import check_lengths, mask_of

Self = TypeVar("Self", bound="Samples")

Description = dict[str, dict[str, Any]]
DEFAULT_BATCH_SIZE = 32


@dataclass(frozen=True)
class Samples:
    """Inputs that have been checked against a model.

    Attributes
    ----------
    x : ndarray of shape (n, ...), SequenceList or StoredArray
        Always an array in a batch. Only the shape of a stored array has been checked: its batches
        are checked one by one, when they are read.
    lengths : ndarray of int, shape (n,), or None
        The number of time steps that count in each sample; None if all count.
    """

    x: Any
    lengths: Array | None

    @classmethod
    def from_array(cls, model: Network, x: Any, lengths: npt.ArrayLike | None) -> Samples:
        """Check an array and the lengths of its sequences."""
        array = model.check_input(x)
        if lengths is not None and model.several:
            raise ValueError(
                "lengths= is for a model with one input and one output: begin with Masking or "
                "Embedding(mask_zero=True), which say for each input which time steps count"
            )
        return Samples(array, None if lengths is None else check_lengths(lengths, array.shape))

    @classmethod
    def from_sequences(cls, model: Network, x: Any, lengths: npt.ArrayLike | None) -> Samples:
        """Check a list of sequences; ValueError if lengths are given, too."""
        if lengths is not None:
            raise ValueError("lengths go with one array: sequences in a list have their own")
        sequences = check_sequences(model, SequenceList.checked("x", x))
        return Samples(sequences, sequences.lengths)

    @classmethod
    def from_file(cls, model: Network, x: Any, lengths: npt.ArrayLike | None) -> Samples:
        """Check the shape of an array in a file and the lengths of its sequences."""
        stored = StoredArray.wrap(x)
        model.check_input(np.empty((0, *stored.shape[1:]), x.dtype))
        checked = None if lengths is None else check_lengths(lengths, stored.shape)
        return Samples(stored, checked)

    def __len__(self) -> int:
        return len(self.x)

    def shape(self, time: int | None) -> tuple[int, ...]:
        """Return the shape of x; a list is padded to `time`, or else to its longest sequence."""
        if isinstance(self.x, SequenceList):
            longest = int(self.x.lengths.max(initial=0)) if time is None else time
            return (len(self.x), longest, *self.x.steps.shape[1:])
        shape: tuple[int, ...] = self.x.shape
        return shape

    @property
    def mask(self) -> Array | None:
        """Mask of the time steps that count in a batch; None if all count."""
        return None if self.lengths is None else mask_of(self.lengths, self.x.shape[1])

    def take(self: Self, where: slice | Array) -> Self:
        """Return some of the samples."""
        kinds = (np.ndarray, SequenceList, StoredArray, ArrayGroup)
        return self._with(partial(_rows, where), kinds)

    def batch(self: Self, model: Network, where: slice | Array, longest: int | None = None) -> Self:
        """Return some samples as arrays: stored samples are read and checked, lists are padded.

        A list is padded to the time steps of the model, to `longest`, or to its longest sequence.
        """
        whole = not isinstance(where, np.ndarray) and where.indices(len(self))[:2] == (0, len(self))
        part = self if whole else self.take(where)
        if isinstance(part.x, StoredArray):
            read: Self = part._read(model)
            return read
        if not isinstance(part.x, SequenceList):
            return part
        padded = model.fixed_time or longest or _longest(part.x.lengths)
        return part._with(lambda values: values.pad(padded), SequenceList)

    def fraction_of_batch(
        self: Self, model: Network, where: slice | Array, fraction: Fraction
    ) -> Self:
        """Return a fraction of a batch, with as many time steps as the whole batch would have."""
        if fraction == WHOLE:
            return self.batch(model, where)
        longest = None if self.lengths is None else _longest(self.lengths[where])
        return self.batch(model, take_fraction(where, len(self), fraction), longest)

    def _read(self: Self, model: Network) -> Any:
        """Read and check stored samples; an exception names the first sample that does not fit."""
        try:
            return self._read_checked(model)
        except (ValueError, TypeError):
            for i, number in enumerate(self.x.samples):
                try:
                    self.take(slice(i, i + 1))._read_checked(model)
                except (ValueError, TypeError) as error:
                    raise type(error)(f"sample {number} of x, taken alone: {error}") from None
            raise

    def _read_checked(self: Self, model: Network) -> Any:
        """Read and check all samples."""
        return Samples.from_array(model, self.x.read(), self.lengths)

    def _with(self: Self, change: Any, kinds: Any) -> Self:
        """Return a copy in which `change` was applied to the fields of some types."""
        copy = object.__new__(type(self))  # the constructor of a frozen class takes longer
        for name, value in vars(self).items():
            copy.__dict__[name] = change(value) if isinstance(value, kinds) else value
        return copy

    def plan(
        self, batch_size: int, rng: np.random.Generator | None = None, *, bucket: bool = False
    ) -> BatchPlan:
        """Return the indices of each batch's samples: in their order, or as `rng` draws them.

        With `bucket` a batch has samples of similar length, and `rng` draws the order of batches.
        """
        order = None if rng is None else rng.permutation(len(self))
        if bucket and self.lengths is not None:
            order = np.arange(len(self)) if order is None else order
            order = order[np.argsort(self.lengths[order], kind="stable")]
        plan = BatchPlan.of(len(self), batch_size, order)
        if bucket and rng is not None and order is not None:
            plan = replace(plan, numbers=rng.permutation(len(plan)))
        return plan

    def check_bucket(self, model: Network, bucket: object) -> bool:
        """Return `bucket` as a bool; ValueError if batches by length are not possible."""
        bucket = check_flag("bucket", bucket)
        if bucket and self.lengths is None:
            raise ValueError(
                "bucket=True is for sequences of different length: give lengths, or x as a list"
            )
        if bucket and model.stateful_layers:
            raise ValueError(
                f"bucket=True changes which samples follow each other, and layer "
                f"{model.stateful_layers[0].label!r} is stateful"
            )
        return bucket


@dataclass(frozen=True)
class Data(Samples):
    """Samples with targets and weights that have been checked against a loss.

    Attributes
    ----------
    y, weight : ndarray, SequenceList or None
        A value for each sample, or for each of its time steps.
    per_step : bool
        True if the output has the time steps of the input.
    sample : Data or None
        The first sample, as arrays, if the data are in files.
    """

    y: Any
    weight: Any
    per_step: bool
    sample: Data | None = None

    @classmethod
    def with_targets(cls, model: Network, inputs: Samples, y: Any, sample_weight: Any) -> Data:
        """Check the targets and weights of samples in memory against the model's loss."""
        assert model.loss is not None
        input_shape = inputs.shape(model.fixed_time)
        model.require_samples_axis(input_shape)
        shape = model.shape_of_output(input_shape)
        if isinstance(model.loss, OutputLosses):
            targets = model.check_targets(y, sample_weight, shape, len(inputs))
            return cls(inputs.x, None, *targets, per_step=False)
        if isinstance(y, (list, tuple, Mapping)):
            y = model.only_target(y)
        per_step = len(shape) > 2 and model.passes_mask_on
        if per_step and isinstance(inputs.x, SequenceList):
            by_step = check_step_targets(model, inputs.x, y, sample_weight, shape[2:])
            return cls(inputs.x, inputs.lengths, *by_step, per_step)
        targets = as_real("y", y)
        _require_count("y", targets, len(inputs))
        mask = inputs.mask if per_step else None
        checked = model.loss.check(targets, shape, sample_weight, mask)
        return cls(inputs.x, inputs.lengths, *checked, per_step=per_step)

    @classmethod
    def with_stored_inputs(
        cls, model: Network, inputs: Samples, y: Array | StoredArray, sample_weight: Any
    ) -> Data:
        """Check the number of targets and weights of samples in a file, and the first sample."""
        _require_count("y", y, len(inputs))
        weight = None if sample_weight is None else as_real("sample_weight", sample_weight)
        if weight is not None:
            _require_count("sample_weight", weight, len(inputs))
        data = cls(inputs.x, inputs.lengths, y, weight, False)
        first = data.batch(model, slice(0, 1))  # checks the properties that all samples share
        return replace(data, per_step=first.per_step, sample=first)

    def _read_checked(self, model: Network) -> Data:
        """Read and check all samples."""
        y = self.y.read() if isinstance(self.y, StoredArray) else self.y
        inputs = Samples.from_array(model, self.x.read(), self.lengths)
        return Data.with_targets(model, inputs, y, self.weight)

    # ---- the methods of `inputs.Batches`, which a `BatchSource` has, too ----

    ended = False
    place = ""

    def describe(self) -> Description:
        """Return dtypes and shapes, which are compared when a run is resumed."""
        description = {}
        for name, value in vars(self).items():
            if isinstance(value, ArrayGroup):
                for i, part in enumerate(value):
                    description[f"{name}[{i}]"] = _describe_array(part)
            else:
                description[name] = _describe_array(value)
        return {name: facts for name, facts in description.items() if facts}

    @property
    def first(self) -> Data:
        """Samples whose shapes and dtypes are those of all samples."""
        return self

    def end_epochs(self, count: int) -> None:
        """Do nothing; a batch source calls ``on_epoch_end``."""

    def batch_count(self, batch_size: int) -> int:
        """Return the number of batches of an epoch."""
        return -(-len(self) // batch_size)

    def batches(self, model: Network, epoch: Epoch) -> Iterator[tuple[Data, Array]]:
        """Return the batches of an epoch with the numbers of their samples; draws their order."""
        plan = self.plan(epoch.batch_size, epoch.rng, bucket=epoch.bucket)[epoch.skip :]
        return (self._numbered(model, where, epoch) for where in plan)

    def _numbered(self, model: Network, where: slice | Array, epoch: Epoch) -> tuple[Data, Array]:
        batch = self.fraction_of_batch(model, where, epoch.fraction)
        if epoch.bucket and model.fixed_time is None:
            assert self.lengths is not None
            batch = batch.shortened(_longest(self.lengths[where]))
        where = take_fraction(where, len(self), epoch.fraction)
        if not isinstance(where, np.ndarray):
            where = np.arange(*where.indices(len(self)))
        return batch, where

    def steps(self, first: int, end: int, *, only_x: bool = False) -> Data:
        """Return the time steps first:end of a batch; with `only_x` the targets stay whole."""
        lengths = None if self.lengths is None else np.clip(self.lengths - first, 0, end - first)
        part = replace(self, x=self.x[:, first:end], lengths=lengths)
        if only_x:
            return part
        per_step = self.weight is not None and self.weight.ndim > 1 and self.weight.shape[1] > 1
        weight = self.weight[:, first:end] if per_step else self.weight
        return replace(part, y=self.y[:, first:end], weight=weight)

    def split(self, share: float) -> tuple[Data, Data | None]:
        """Return the samples to train on, and the last ones, a share of all, to validate on."""
        share = check_real("validation_split", share, "[0, 1)")
        if share == 0:
            return self, None
        count = math.floor(len(self) * (1 - share))
        if count in (0, len(self)):
            raise ValueError(
                f"validation_split={share} of {len(self)} samples leaves {count} to train on and "
                f"{len(self) - count} to validate on"
            )
        return self.take(slice(0, count)), self.take(slice(count, None))

    def shortened(self, longest: int) -> Data:
        """Return a batch without the time steps behind `longest`, which count in no sample."""
        return self.steps(0, longest, only_x=not self.per_step)


def _rows(where: slice | Array, values: Any) -> Any:
    """Return some rows of an array or list."""
    if type(where) is type(values) is np.ndarray:
        return values.take(where, axis=0)  # half the time of an index
    return values[where]


def _longest(lengths: Array) -> int:
    """Return the number of time steps of a batch: at least one."""
    return max(int(lengths.max(initial=1)), 1)


def _describe_array(value: Any) -> dict[str, Any]:
    """Return dtype, length and other axes of an array; for a list the number of sequences, too."""
    if isinstance(value, SequenceList):
        return {**_describe_array(value.steps), "sequences": len(value)}
    if not isinstance(value, (np.ndarray, StoredArray)):
        return {}
    return {"dtype": str(value.dtype), "length": len(value), "axes": list(value.shape[1:])}


_COUNTS = {"length", "sequences", "batches"}  # keys of a description that are added up


def add_descriptions(descriptions: Iterable[Description]) -> Description:
    """Return one description of all samples: counts are added, other facts are the first's."""
    total: Description = {}
    for description in descriptions:
        for name, facts in description.items():
            if name not in total:
                total[name] = dict(facts)
                continue
            for key in total[name].keys() & _COUNTS.intersection(facts):
                counts = total[name][key], facts[key]
                total[name][key] = None if None in counts else sum(counts)
    return total


def require_samples(data: Data) -> None:
    """Raise ValueError for data without samples."""
    if not len(data):
        raise ValueError(f"x has no samples: its shape is {data.shape(None)}")


def check_batch_size(batch_size: int | None) -> int:
    """Return the batch size as an int; raise an exception unless it is at least 1."""
    return DEFAULT_BATCH_SIZE if batch_size is None else check_integer("batch_size", batch_size, 1)


def require_loss(model: Network) -> Loss:
    """Return the loss; ValueError if the model has no layers or was not compiled with a loss."""
    if model.loss is None:
        raise ValueError(
            "the model does not know what to minimise: call "
            "compile(optimizer='adam', loss='mse') first"
        )
    if not model.layers:
        raise ValueError(NO_LAYERS)
    return model.loss


def require_optimizer(model: Network) -> None:
    """Raise ValueError unless the model was compiled with a loss and an optimizer."""
    require_loss(model)
    if model.optimizer is None:
        raise ValueError(
            "the model has a loss but no optimizer: call compile(optimizer='adam', loss=...) first"
        )


def _require_count(name: str, values: Any, count: int) -> None:
    """Raise ValueError unless there is a value for each sample."""
    if values.ndim == 0 or len(values) != count:
        raise ValueError(f"x has {count} samples, {name} has shape {values.shape}")
