"""What fit, evaluate and predict are given: samples, checked against a model, and their batches."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from gru_c.arrays import as_real
from gru_c.chain import NO_LAYERS
from gru_c.layers import Embedding
from gru_c.sequences import SequenceList, is_list, split_pair
from gru_c.steps import check_lengths, mask_of

if TYPE_CHECKING:
    from gru_c.model import Sequential

Array = npt.NDArray[Any]
Self = TypeVar("Self", bound="Samples")


@dataclass(frozen=True)
class Samples:
    """Inputs that have been checked against a model.

    Attributes
    ----------
    x : ndarray of shape (n, ...), or SequenceList
        A batch has an array in any case.
    lengths : ndarray of int, shape (n,), or None
        How many time steps of each sample count; None: all.
    """

    x: Any
    lengths: Array | None

    @classmethod
    def inputs(cls, model: Sequential, x: Any, lengths: npt.ArrayLike | None) -> Samples:
        """Check x, an array or a list of sequences, and lengths; x may be the pair of both."""
        x, lengths = split_pair(x, lengths)
        if is_list(x):
            if lengths is not None:
                raise ValueError("lengths go with one array: sequences in a list have their own")
            sequences = _check_list(model, SequenceList.of("x", x))
            return Samples(sequences, sequences.lengths)
        array = model.check_input(x)
        return Samples(array, None if lengths is None else check_lengths(lengths, array.shape))

    def __len__(self) -> int:
        return len(self.x)

    def shape(self, time: int | None) -> tuple[int, ...]:
        """Return the shape of x; of a list padded to `time`, or to the longest one."""
        if isinstance(self.x, SequenceList):
            longest = int(self.x.lengths.max(initial=0)) if time is None else time
            return (len(self.x), longest, *self.x.steps.shape[1:])
        shape: tuple[int, ...] = self.x.shape
        return shape

    @property
    def mask(self) -> Array | None:
        """Which time steps of a batch count; None: all."""
        return None if self.lengths is None else mask_of(self.lengths, self.x.shape[1])

    def take(self: Self, where: slice | Array) -> Self:
        """Return some of the samples."""
        return self._with(lambda values: values[where], (np.ndarray, SequenceList))

    def batch(self: Self, where: slice | Array, time: int | None = None) -> Self:
        """Return some of the samples as arrays: lists padded to `time`, or to the longest one."""
        part = self.take(where)
        if not isinstance(part.x, SequenceList):
            return part
        longest = max(int(part.x.lengths.max()), 1) if time is None else time
        return part._with(lambda values: values.pad(longest), SequenceList)

    def _with(self: Self, change: Any, kinds: Any) -> Self:
        """Return a copy in which all fields of some kinds are changed."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        changed = {name: change(v) for name, v in values.items() if isinstance(v, kinds)}
        return replace(self, **changed)

    def plan(
        self, batch_size: int, rng: np.random.Generator | None = None, *, bucket: bool = False
    ) -> list[Any]:
        """Return which samples each batch takes: in their order, or as `rng` draws them.

        With `bucket`, samples of similar length go together, and it is the batches that are drawn.
        """
        order = None if rng is None else rng.permutation(len(self))
        if bucket and self.lengths is not None:
            order = np.arange(len(self)) if order is None else order
            order = order[np.argsort(self.lengths[order], kind="stable")]
        windows = [slice(i, i + batch_size) for i in range(0, len(self), batch_size)]
        if order is None:
            return windows
        batches = [order[window] for window in windows]
        if bucket and rng is not None:
            batches = [batches[i] for i in rng.permutation(len(batches))]
        return batches

    def check_bucket(self, model: Sequential, bucket: object) -> bool:
        """Return whether to draw by length; ValueError where that cannot be."""
        if bucket and self.lengths is None:
            raise ValueError(
                "bucket=True is for sequences of different length: give lengths, or x as a list"
            )
        if bucket and model.stateful_layers:
            raise ValueError(
                f"bucket=True changes which samples follow each other, and layer "
                f"{model.stateful_layers[0].label!r} is stateful"
            )
        return bool(bucket)


@dataclass(frozen=True)
class Data(Samples):
    """Samples with targets and weights that have been checked against a loss.

    Attributes
    ----------
    y, weight : ndarray, SequenceList or None
        A value for each sample, or for each of its time steps.
    per_step : bool
        Whether the output has the time steps of the input.
    """

    y: Any
    weight: Any
    per_step: bool

    @classmethod
    def of(
        cls,
        model: Sequential,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Data:
        """Check everything that a loop will need, before anything is changed."""
        if model.optimizer is None or model.loss is None:
            raise ValueError(
                "the model does not know what to minimise: call "
                "compile(optimizer='adam', loss='mse') first"
            )
        if not model.layers:
            raise ValueError(NO_LAYERS)
        inputs = Samples.inputs(model, x, lengths)
        given = inputs.shape(model.fixed_time)
        if len(given) < 2:
            raise ValueError(f"x must have shape (samples, ...), got {given}")
        if len(inputs) == 0:
            raise ValueError(f"x has no samples: its shape is {given}")
        shape = tuple(int(size or 0) for size in model.compute_output_shape(given))
        per_step = len(shape) > 2 and model.passes_mask_on
        if per_step and isinstance(inputs.x, SequenceList):
            by_step = _check_steps(model, inputs.x, y, sample_weight, shape[2:])
            return cls(inputs.x, inputs.lengths, *by_step, per_step)
        targets = as_real("y", y)
        if targets.ndim == 0 or len(targets) != len(inputs):
            raise ValueError(f"x has {len(inputs)} samples, y has shape {targets.shape}")
        mask = inputs.mask if per_step else None
        checked = model.loss.check(targets, shape, sample_weight, mask)
        return cls(inputs.x, inputs.lengths, *checked, per_step)

    def steps(self, first: int, end: int, *, only_x: bool = False) -> Data:
        """Return time steps first .. end of a batch; `only_x`: of the inputs alone."""
        lengths = None if self.lengths is None else np.clip(self.lengths - first, 0, end - first)
        part = replace(self, x=self.x[:, first:end], lengths=lengths)
        if only_x:
            return part
        per_step = self.weight is not None and self.weight.ndim > 1 and self.weight.shape[1] > 1
        weight = self.weight[:, first:end] if per_step else self.weight
        return replace(part, y=self.y[:, first:end], weight=weight)

    def shortened(self) -> Data:
        """Return a batch without the time steps at its end that count in no sample."""
        if self.lengths is None:
            return self
        return self.steps(0, max(int(self.lengths.max()), 1), only_x=not self.per_step)


def _check_list(model: Sequential, sequences: SequenceList) -> SequenceList:
    """Return the sequences as the model takes them; ValueError or TypeError if it does not."""
    if sequences.steps.ndim < 2 and not isinstance(model.layers[0], Embedding):
        raise ValueError("x must be one array or a list of arrays (time, features), got numbers")
    time = model.fixed_time
    if time is None:  # all of them as one long sequence
        checked = model.check_input(sequences.steps[None])[0]
        return replace(sequences, steps=checked)
    longest = int(sequences.lengths.argmax())
    if sequences.lengths[longest] > time:
        raise ValueError(
            f"x[{longest}] has {sequences.lengths[longest]} time steps, the model takes {time}"
        )
    checked = model.check_input(sequences.pad(time))
    return replace(sequences, steps=checked[mask_of(sequences.lengths, time)])


def _check_steps(
    model: Sequential, x: SequenceList, y: Any, sample_weight: Any, output: tuple[int, ...]
) -> tuple[SequenceList, Any]:
    """Check targets, and weights, of each time step of a list of sequences."""
    assert model.loss is not None
    targets = _like("y", y, x)
    weight: Any = None
    by_step = None
    if isinstance(sample_weight, (list, tuple)) and np.ndim(sample_weight[0]):
        weight = _like("sample_weight", sample_weight, x)
        by_step = weight.steps
    elif sample_weight is not None:
        weight = as_real("sample_weight", sample_weight)
        if weight.shape != (len(x),):
            raise ValueError(
                f"sample_weight must have shape ({len(x)},), or be a list of arrays like x, got "
                f"shape {weight.shape}"
            )
        by_step = weight.repeat(x.lengths)
    try:
        steps, _ = model.loss.check(targets.steps, (len(x.steps), *output), by_step)
    except ValueError as error:
        raise ValueError(f"{error} (of the time steps of all sequences in a row)") from None
    return replace(targets, steps=steps), weight


def _like(name: str, values: Any, x: SequenceList) -> SequenceList:
    """Check that there is a value for each time step."""
    if not isinstance(values, (list, tuple)) or len(values) != len(x):
        raise ValueError(
            f"{name} must be a list of {len(x)} arrays, one for each sequence of x, with a value "
            f"for each time step; got {_what(values)}"
        )
    found = SequenceList.of(name, values)
    bad = np.flatnonzero(found.lengths != x.lengths)
    if len(bad):
        i = bad[0]
        raise ValueError(f"x[{i}] has {x.lengths[i]} time steps, {name}[{i}] {found.lengths[i]}")
    return found


def _what(values: Any) -> str:
    if isinstance(values, (list, tuple)):
        return f"{len(values)} of them"
    return f"an array of shape {np.shape(values)}"


@dataclass(frozen=True)
class FitData:
    """Samples to train on, and samples to validate on."""

    train: Data
    validation: Data | None

    @classmethod
    def of(
        cls,
        model: Sequential,
        x: Any,
        y: Any,
        sample_weight: Any,
        validation_split: float,
        validation_data: tuple[Any, ...] | None,
        lengths: npt.ArrayLike | None = None,
    ) -> FitData:
        """Check and split."""
        data = Data.of(model, x, y, sample_weight, lengths)
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise ValueError(
                    "validation_data must be (x, y) or (x, y, sample_weight), got "
                    f"{type(validation_data).__name__}"
                )
            validation_x, validation_y, *weight = validation_data
            return cls(data, Data.of(model, validation_x, validation_y, *(weight or [None])))
        if (
            not isinstance(validation_split, (int, float, np.number))
            or not 0 <= validation_split < 1
        ):
            raise ValueError(f"validation_split must be in [0, 1), got {validation_split!r}")
        if validation_split == 0:
            return cls(data, None)
        kept = math.floor(len(data) * (1 - validation_split))
        if kept in (0, len(data)):
            raise ValueError(
                f"validation_split={validation_split} of {len(data)} samples leaves "
                f"{kept} to train on and {len(data) - kept} to validate on"
            )
        return cls(data.take(slice(0, kept)), data.take(slice(kept, None)))
