"""The kind of the user's data, decided once: array, list, array in a file, or batch source."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import as_real
from gru_c.common.validation import check_integer
from gru_c.data import checks
from gru_c.data.array_file import StoredArray, is_stored
from gru_c.data.batch_order import WHOLE, Epoch, Fraction
from gru_c.data.batch_source import BatchSource, is_list_of_batches, is_source
from gru_c.data.samples import (
    Data,
    Description,
    Samples,
    add_descriptions,
    check_batch_size,
    require_loss,
    require_samples,
)
from gru_c.data.sequence_list import is_list, split_pair
from gru_c.network.network import Network


class Batches(Protocol):
    """The interface over which the loops iterate: `Data`, `BatchSource`, or a process's shard."""

    @property
    def first(self) -> Any:
        """Samples whose shapes and dtypes are those of all samples."""

    @property
    def ended(self) -> bool:
        """True if the last epoch had fewer batches than asked for."""

    @property
    def place(self) -> str:
        """Words that name the last batch, for messages; "" if its number is enough."""

    def describe(self) -> Description:
        """Return the facts that are compared when a run is resumed."""

    def batch_count(self, batch_size: int) -> int | None:
        """Return the number of batches of an epoch; None while it is unknown."""

    def batches(self, model: Network, epoch: Epoch) -> Iterator[tuple[Data, Any]]:
        """Return the batches of an epoch with the numbers of their samples, if these are known."""

    def end_epochs(self, count: int) -> None:
        """Tell the data that this number of epochs has ended."""


# ---- the kind of x ------------------------------------------------------------------------------

Kind = Literal["array", "sequences", "file", "source"]


def classify(
    model: Network,
    x: Any,
    lengths: npt.ArrayLike | None,
    *,
    batch: bool = False,
    tuples: bool = False,
) -> tuple[Kind, Any, npt.ArrayLike | None]:
    """Return the kind of x for a model, then x and lengths, separated if x is a pair of both.

    If `batch` is true, x is one batch: it is not a source, and is read if it is in a file. If
    `tuples` is true, a list of tuples is a source of batches.
    """
    if not (tuples and is_list_of_batches(x)) and model.takes_as_inputs(x):
        return "array", x, lengths
    values, lengths = split_pair(x, lengths)
    if not batch and is_stored(values):
        return "file", values, lengths
    if is_list(values):
        return "sequences", values, lengths
    if not batch and values is x and (is_source(x) or (tuples and is_list_of_batches(x))):
        return "source", x, lengths
    return "array", values, lengths


_SAMPLES: dict[Kind, Callable[[Network, Any, npt.ArrayLike | None], Samples]] = {
    "array": Samples.from_array,
    "sequences": Samples.from_sequences,
    "file": Samples.from_file,
}


# ---- inputs, for predict ------------------------------------------------------------------------


def check_batch_inputs(model: Network, x: Any, lengths: npt.ArrayLike | None) -> Samples:
    """Return x, which is one batch, as samples; x may be the pair ``(x, lengths)``."""
    kind, x, lengths = classify(model, x, lengths, batch=True)
    return _SAMPLES[kind](model, x, lengths)


def check_inputs(
    model: Network,
    x: Any,
    lengths: npt.ArrayLike | None = None,
    *,
    steps: Any = None,
    batch_size: int | None = None,
    bucket: bool = False,
) -> Samples | BatchSource:
    """Return x as samples, or as a source of batches of inputs.

    `steps` is for a source only, `lengths`, `batch_size` and `bucket` are for arrays only.
    """
    kind, values, row_lengths = classify(model, x, lengths)
    if kind != "source":
        samples = _SAMPLES[kind](model, values, row_lengths)
        return _first_batches(samples, "steps", steps, batch_size)
    _refuse({"batch_size": batch_size, "lengths": lengths, "bucket": bucket})

    def check(batch: Any) -> Samples:
        batch = batch[0] if isinstance(batch, tuple) and batch else batch
        inputs = check_batch_inputs(model, batch, None)
        _require_states(model, inputs)
        return inputs

    return BatchSource(x, check, check_integer("steps", steps, 1, optional=True))


# ---- inputs with targets, for fit and evaluate --------------------------------------------------


SamplesOrData = TypeVar("SamplesOrData", Samples, Data)


class UserData(NamedTuple):
    """The data arguments of `fit` or `evaluate`; all but x are for arrays only."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    lengths: npt.ArrayLike | None = None
    batch_size: int | None = None
    bucket: bool = False


class SourceOptions(NamedTuple):
    """The way in which batches are taken from a source.

    Attributes
    ----------
    steps_name, steps
        The user's argument for the batches of an epoch, and its name.
    bptt_steps : object
        The user's argument of `fit`, which each batch must allow.
    continues : bool
        See `BatchSource`.
    fraction : tuple of int
        The fraction that will be taken of each batch.
    """

    steps_name: str
    steps: Any
    bptt_steps: Any = None
    continues: bool = False
    fraction: Fraction = WHOLE


def check_batch_pairs(
    model: Network,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    lengths: npt.ArrayLike | None = None,
) -> Data:
    """Return x and y, which are one batch, as samples with targets."""
    require_loss(model)
    kind, x, lengths = classify(model, x, lengths, batch=True)
    return Data.with_targets(model, _SAMPLES[kind](model, x, lengths), y, sample_weight)


def check_pairs(model: Network, data: UserData, options: SourceOptions) -> Data | BatchSource:
    """Return x and y as samples with targets, or x as a source of batches of both."""
    kind, x, lengths = classify(model, data.x, data.lengths, tuples=data.y is None)
    if kind == "source":
        _refuse({name: value for name, value in data._asdict().items() if name != "x"})
        return _source_of_pairs(model, x, options)
    require_loss(model)
    inputs = _SAMPLES[kind](model, x, lengths)
    if kind == "file":
        y = StoredArray.wrap(data.y) if is_stored(data.y) else as_real("y", data.y)
        pairs = Data.with_stored_inputs(model, inputs, y, data.sample_weight)
    else:
        pairs = Data.with_targets(model, inputs, data.y, data.sample_weight)
    if options.continues:  # `epoch_size` checks the number
        return pairs
    return _first_batches(pairs, options.steps_name, options.steps, data.batch_size)


def _first_batches(
    samples: SamplesOrData, name: str, steps: Any, batch_size: int | None
) -> SamplesOrData:
    """Return the samples of so many batches, the first ones; all samples without a number.

    Without `batch_size` all samples are cut into so many batches, see `size_for_steps`.
    """
    if steps is None:
        return samples
    number = check_integer(name, steps, 1)
    return (
        samples
        if batch_size is None
        else samples.take(slice(number * check_batch_size(batch_size)))
    )


def size_for_steps(data: Any, steps: int | None, batch_size: int | None) -> int | None:
    """Return the user's batch size, or that which cuts arrays into so many batches, as in Keras."""
    if steps is None or batch_size is not None or isinstance(data, BatchSource):
        return batch_size
    return max(1, math.ceil(len(data) / steps))


def epoch_size(data: Any, steps: Any, batch_size: int | None) -> int | None:
    """Return the batch size of training with ``steps_per_epoch=steps``.

    Raises
    ------
    ValueError, TypeError
        If an epoch on arrays has another number of batches.
    """
    number = check_integer("steps_per_epoch", steps, 1, optional=True)
    size = size_for_steps(data, number, batch_size)
    if number is None or isinstance(data, BatchSource):
        return size
    count = math.ceil(len(data) / check_batch_size(size))
    if count != number:
        raise ValueError(
            f"steps_per_epoch={number}, but {len(data)} samples in batches of {size} are {count} "
            "batches, all of which are used in every epoch: leave it out, or give a source of "
            "batches, of which an epoch takes as many as you say"
        )
    return size


def _source_of_pairs(model: Network, source: Any, options: SourceOptions) -> BatchSource:
    require_loss(model)

    def check(batch: Any) -> Data:
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise TypeError(
                f"a batch must be (x, y) or (x, y, sample_weight), got {type(batch).__name__}"
                + (f" of {len(batch)}" if isinstance(batch, (tuple, list)) else "")
            )
        data = check_batch_pairs(model, *batch)
        require_samples(data)
        _require_states(model, data, options.fraction)
        checks.check_bptt_steps(model, data, options.bptt_steps)
        return data

    steps = check_integer(options.steps_name, options.steps, 1, optional=True)
    return BatchSource(source, check, steps, options.continues)


def _require_states(model: Network, samples: Samples, fraction: Fraction = WHOLE) -> None:
    """Raise ValueError if a stateful layer holds the states of a batch of another size."""
    checks.require_whole_batches(model, len(samples), len(samples), fraction=fraction)


def _refuse_steps(name: str, steps: Any) -> None:
    if steps is not None:
        raise ValueError(
            f"{name} is for a source of batches: arrays are cut into batches of batch_size"
        )


def _refuse(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError if an argument is neither None nor, as a number or bool, zero."""
    for name, value in arguments.items():
        if value is not None and (not np.isscalar(value) or value):
            raise ValueError(f"{name} goes with arrays; a source determines its batches itself")


# ---- training and validation --------------------------------------------------------------------


@dataclass(frozen=True)
class FitData:
    """The data to train on and to validate on.

    Attributes
    ----------
    train : Batches
    validation : Batches or None
    split : float
        The share of the user's samples that was split off for the validation.
    """

    train: Batches
    validation: Batches | None
    split: float = 0.0

    @classmethod
    def checked(
        cls,
        model: Network,
        train: Data | BatchSource,
        validation_split: float,
        validation_data: Any,
        validation_steps: int | None = None,
        fraction: Fraction = WHOLE,
        validation_batch_size: int | None = None,
        batch_size: int | None = None,
    ) -> FitData:
        """Check the validation data, or split them off; `fraction` will be taken of each batch."""
        if validation_data is None:
            _refuse_steps("validation_steps", validation_steps)
            if validation_batch_size is not None and not validation_split:
                raise ValueError("validation_batch_size needs validation_data or validation_split")
            if isinstance(train, BatchSource):
                _refuse({"validation_split": validation_split})
                return cls(train, None)
            return cls(*train.split(validation_split), split=validation_split)
        options = SourceOptions("validation_steps", validation_steps, fraction=fraction)
        is_pair = isinstance(validation_data, tuple)
        if not is_pair and classify(model, validation_data, None, tuples=True)[0] == "source":
            _refuse({"validation_batch_size": validation_batch_size})
            return cls(train, _source_of_pairs(model, validation_data, options))
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError(
                "validation_data must be (x, y), (x, y, sample_weight) or a source of such "
                f"batches, got {type(validation_data).__name__}"
            )
        pairs = UserData(*validation_data)._replace(batch_size=validation_batch_size or batch_size)
        return cls(train, check_pairs(model, pairs, options))

    @property
    def parts(self) -> list[Batches]:
        """The data to train on, and those to validate on if there are any."""
        return [self.train] if self.validation is None else [self.train, self.validation]

    def describe(self) -> dict[str, Any]:
        """Return the facts about the user's data that are compared when a run is resumed.

        A validation that was split off is described with the training data, because processes
        round the split differently.
        """
        parts = [part.describe() for part in self.parts]
        if self.split:
            return {"data": add_descriptions(parts), "validation": self.split}
        return {"data": parts[0], "validation": parts[1] if len(parts) > 1 else None}

    def require_epochs(self, epochs: int) -> None:
        """Raise ValueError for a generator that is used in several epochs of unknown length."""
        names = ("steps_per_epoch", "validation_steps")
        for part, name in zip(self.parts, names, strict=False):
            if not isinstance(part, BatchSource) or not part.single_pass:
                continue
            if epochs > 1 and part.steps is None:
                raise ValueError(
                    f"a generator gives its batches only once: say with {name} how many of them "
                    f"are one of the {epochs} epochs"
                )

    def require_repeatable(self) -> None:
        """Raise ValueError unless a run on these data can be resumed at any batch."""
        train, validation = self.train, self.validation
        if isinstance(train, BatchSource) and (not train.indexable or train.steps is not None):
            raise ValueError(
                "checkpoint= is for arrays, and for a source with __len__ and __getitem__ without "
                "steps_per_epoch: others cannot be begun in the middle"
            )
        if isinstance(validation, BatchSource) and validation.single_pass:
            raise ValueError(
                "checkpoint= is not for a validation on a generator, which cannot start again"
            )
