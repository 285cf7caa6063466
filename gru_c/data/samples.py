"""Arrays that fit, evaluate and predict are given: checked against a model, and their batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from gru_c.data.array_file import StoredArray, is_stored
from gru_c.data.batch_order import WHOLE, Epoch, Fraction, cut
from gru_c.data.sequence_list import SequenceList, is_list, split_pair
from gru_c.layers import Embedding
from gru_c.network.building import NO_LAYERS
from gru_c.recurrence.step_order import check_lengths, mask_of
from gru_c.utils.arrays import Array, as_real
from gru_c.utils.validation import check_flag, check_integer, check_real

if TYPE_CHECKING:
    from gru_c.losses import Loss
    from gru_c.network.network import Network


Self = TypeVar("Self", bound="Samples")

Description = dict[str, dict[str, Any]]
DEFAULT_BATCH_SIZE = 32


@dataclass(frozen=True)
class Samples:
    """Inputs that have been checked against a model.

    Attributes
    ----------
    x : ndarray of shape (n, ...), SequenceList or StoredArray
        A batch has an array in any case. Of a stored array only the shape has been checked: its
        batches are checked one by one, as they are read.
    lengths : ndarray of int, shape (n,), or None
        How many time steps of each sample count; None: all.
    """

    x: Any
    lengths: Array | None

    @classmethod
    def inputs(cls, model: Network, x: Any, lengths: npt.ArrayLike | None) -> Samples:
        """Check x, an array or a list of sequences, and lengths; x may be the pair of both."""
        x, lengths = split_pair(x, lengths)
        if is_list(x):
            if lengths is not None:
                raise ValueError("lengths go with one array: sequences in a list have their own")
            sequences = _check_list(model, SequenceList.checked("x", x))
            return Samples(sequences, sequences.lengths)
        array = model.check_input(x)
        return Samples(array, None if lengths is None else check_lengths(lengths, array.shape))

    @classmethod
    def given_inputs(cls, model: Network, x: Any, lengths: npt.ArrayLike | None) -> Samples:
        """As `inputs`, but an array in a file is left there."""
        x, lengths = split_pair(x, lengths)
        if not is_stored(x):
            return Samples.inputs(model, x, lengths)
        stored = StoredArray.wrap(x)
        model.check_input(np.empty((0, *stored.shape[1:]), x.dtype))
        checked = None if lengths is None else check_lengths(lengths, stored.shape)
        return Samples(stored, checked)

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
        return self._with(lambda values: values[where], (np.ndarray, SequenceList, StoredArray))

    def batch(self: Self, model: Network, where: slice | Array, longest: int | None = None) -> Self:
        """Return some samples as arrays: stored ones read and checked, lists padded.

        A list is padded to the time of the model, to `longest`, or to the longest one.
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

    def part_of_batch(self: Self, model: Network, where: slice | Array, part: Fraction) -> Self:
        """Return a part of some samples; with the time steps that all of them would have."""
        if part == WHOLE:
            return self.batch(model, where)
        longest = None if self.lengths is None else _longest(self.lengths[where])
        return self.batch(model, cut(where, len(self), part), longest)

    def _read(self: Self, model: Network) -> Any:
        """Return what is stored as arrays; an exception names the sample that does not fit."""
        try:
            return self._checked(model)
        except (ValueError, TypeError):
            for i, number in enumerate(self.x.samples):
                try:
                    self.take(slice(i, i + 1))._checked(model)
                except (ValueError, TypeError) as error:
                    raise type(error)(f"sample {number} of x, taken alone: {error}") from None
            raise

    def _checked(self: Self, model: Network) -> Any:
        """Read and check."""
        return Samples.inputs(model, self.x.read(), self.lengths)

    def _with(self: Self, change: Any, kinds: Any) -> Self:
        """Return a copy in which all fields of some kinds are changed."""
        changed = {n: change(v) if isinstance(v, kinds) else v for n, v in vars(self).items()}
        return type(self)(**changed)

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

    def check_bucket(self, model: Network, bucket: object) -> bool:
        """Return whether to draw by length; ValueError where that cannot be."""
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
        Whether the output has the time steps of the input.
    sample : Data or None
        Of data in files, the first sample, as arrays.
    """

    y: Any
    weight: Any
    per_step: bool
    sample: Data | None = None

    @classmethod
    def checked(
        cls,
        model: Network,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Data:
        """Check everything that a loop will need, before anything is changed."""
        loss = require_loss(model)
        inputs = Samples.inputs(model, x, lengths)
        given = inputs.shape(model.fixed_time)
        model.require_samples_axis(given)
        shape = tuple(int(size or 0) for size in model.compute_output_shape(given))
        per_step = len(shape) > 2 and model.passes_mask_on
        if per_step and isinstance(inputs.x, SequenceList):
            by_step = _check_steps(model, inputs.x, y, sample_weight, shape[2:])
            return cls(inputs.x, inputs.lengths, *by_step, per_step)
        targets = as_real("y", y)
        _require_count("y", targets, len(inputs))
        mask = inputs.mask if per_step else None
        checked = loss.check(targets, shape, sample_weight, mask)
        return cls(inputs.x, inputs.lengths, *checked, per_step=per_step)

    @classmethod
    def given(
        cls,
        model: Network,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Data:
        """As `of`, but arrays in files are left there, where x is one of them."""
        x, lengths = split_pair(x, lengths)
        if not is_stored(x):
            return cls.checked(model, x, y, sample_weight, lengths)
        require_loss(model)
        inputs = Samples.given_inputs(model, x, lengths)
        targets = StoredArray.wrap(y) if is_stored(y) else as_real("y", y)
        _require_count("y", targets, len(inputs))
        weight = None if sample_weight is None else as_real("sample_weight", sample_weight)
        if weight is not None:
            _require_count("sample_weight", weight, len(inputs))
        data = cls(inputs.x, inputs.lengths, targets, weight, False)
        first = data.batch(model, slice(0, 1))  # checks what goes for all of them
        return replace(data, per_step=first.per_step, sample=first)

    def _checked(self, model: Network) -> Data:
        """Read and check."""
        y = self.y.read() if isinstance(self.y, StoredArray) else self.y
        return Data.checked(model, self.x.read(), y, self.weight, self.lengths)

    # ---- what the loops go over; a `Source` has the same ----

    ended = False  # whether there was less than was asked for
    place = ""  # of the last batch, where its number does not say it

    def described(self) -> Description:
        """Return dtypes and shapes, to tell these data from others."""
        found = {name: _described(value) for name, value in vars(self).items()}
        return {name: facts for name, facts in found.items() if facts}

    @property
    def first(self) -> Data:
        """Samples from which all that goes for the others can be told."""
        return self

    def end_epochs(self, count: int) -> None:
        """Nothing: arrays need not know."""

    def batch_count(self, batch_size: int) -> int:
        """Return the number of batches of an epoch."""
        return -(-len(self) // batch_size)

    def batches(self, model: Network, epoch: Epoch) -> Iterator[tuple[Data, Array]]:
        """Return the batches of an epoch, and the numbers of their samples.

        Their order is drawn at once.
        """
        plan = self.plan(epoch.batch_size, epoch.rng, bucket=epoch.bucket)[epoch.done :]
        return (self._numbered(model, where, epoch) for where in plan)

    def _numbered(self, model: Network, where: slice | Array, epoch: Epoch) -> tuple[Data, Array]:
        batch = self.part_of_batch(model, where, epoch.part)
        if epoch.bucket and model.fixed_time is None:
            assert self.lengths is not None
            batch = batch.shortened(_longest(self.lengths[where]))
        where = cut(where, len(self), epoch.part)
        if not isinstance(where, np.ndarray):
            where = np.arange(*where.indices(len(self)))
        return batch, where

    def steps(self, first: int, end: int, *, only_x: bool = False) -> Data:
        """Return time steps first .. end of a batch; `only_x`: of the inputs alone."""
        lengths = None if self.lengths is None else np.clip(self.lengths - first, 0, end - first)
        part = replace(self, x=self.x[:, first:end], lengths=lengths)
        if only_x:
            return part
        per_step = self.weight is not None and self.weight.ndim > 1 and self.weight.shape[1] > 1
        weight = self.weight[:, first:end] if per_step else self.weight
        return replace(part, y=self.y[:, first:end], weight=weight)

    def split(self, share: float) -> tuple[Data, Data | None]:
        """Return what to train on, and the last samples, of this share, to validate on."""
        share = check_real("validation_split", share, "[0, 1)")
        if share == 0:
            return self, None
        kept = math.floor(len(self) * (1 - share))
        if kept in (0, len(self)):
            raise ValueError(
                f"validation_split={share} of {len(self)} samples leaves {kept} to train on and "
                f"{len(self) - kept} to validate on"
            )
        return self.take(slice(0, kept)), self.take(slice(kept, None))

    def shortened(self, longest: int) -> Data:
        """Return a batch without the time steps at its end that count in no sample."""
        return self.steps(0, longest, only_x=not self.per_step)


def _longest(lengths: Array) -> int:
    """Return how many time steps a batch has: at least one."""
    return max(int(lengths.max(initial=1)), 1)


def _described(value: Any) -> dict[str, Any]:
    """Return dtype, length, and other axes of an array; of a list, how many sequences, too."""
    if isinstance(value, SequenceList):
        return {**_described(value.steps), "sequences": len(value)}
    if not isinstance(value, (np.ndarray, StoredArray)):
        return {}
    return {"dtype": str(value.dtype), "length": len(value), "axes": list(value.shape[1:])}


_ADDED = {"length", "sequences", "batches"}  # of what is described


def added(descriptions: Iterable[Description]) -> Description:
    """Return the description of the samples of several data together."""
    found: Description = {}
    for one in descriptions:
        for name, facts in one.items():
            if name not in found:
                found[name] = dict(facts)
                continue
            for key in found[name].keys() & _ADDED.intersection(facts):
                both = found[name][key], facts[key]
                found[name][key] = None if None in both else sum(both)
    return found


def require_samples(data: Data) -> None:
    """Raise ValueError for data without samples."""
    if not len(data):
        raise ValueError(f"x has no samples: its shape is {data.shape(None)}")


def check_batch_size(batch_size: int | None) -> int:
    """Return the batch size as an int >= 1, or an exception that says what it was."""
    return DEFAULT_BATCH_SIZE if batch_size is None else check_integer("batch_size", batch_size, 1)


def require_loss(model: Network) -> Loss:
    """Return the loss; ValueError unless the model has layers and knows what to minimise."""
    if model.loss is None:
        raise ValueError(
            "the model does not know what to minimise: call "
            "compile(optimizer='adam', loss='mse') first"
        )
    if not model.layers:
        raise ValueError(NO_LAYERS)
    return model.loss


def require_optimizer(model: Network) -> None:
    """Raise ValueError unless the model can be trained: it has a loss and an optimizer."""
    require_loss(model)
    if model.optimizer is None:
        raise ValueError(
            "the model has a loss but no optimizer: call compile(optimizer='adam', loss=...) first"
        )


def _require_count(name: str, values: Any, count: int) -> None:
    """Raise ValueError unless there is a value for each sample."""
    if values.ndim == 0 or len(values) != count:
        raise ValueError(f"x has {count} samples, {name} has shape {values.shape}")


def _check_list(model: Network, sequences: SequenceList) -> SequenceList:
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
    model: Network, x: SequenceList, y: Any, sample_weight: Any, output: tuple[int, ...]
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
    found = SequenceList.checked(name, values)
    bad = np.flatnonzero(found.lengths != x.lengths)
    if len(bad):
        i = bad[0]
        raise ValueError(f"x[{i}] has {x.lengths[i]} time steps, {name}[{i}] {found.lengths[i]}")
    return found


def _what(values: Any) -> str:
    if isinstance(values, (list, tuple)):
        return f"{len(values)} of them"
    return f"an array of shape {np.shape(values)}"
