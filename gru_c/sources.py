"""Batches from a user's object instead of arrays, checked one by one as they come.

What is a source and what is data:

- Arrays are data: those of NumPy, and whatever has ``__array__``, or a dtype, a shape and slices,
  such as tensors, data frames and datasets of h5py. So are numbers, strings, dicts and sets.
- Lists and tuples are data, in NumPy's sense or as lists of sequences. Only a list of tuples
  ``(x, y)`` is one of batches, where there is no y besides it.
- An object with ``__len__`` and ``__getitem__`` gives batches by number; any other iterable gives
  them in its order, anew in each epoch; an iterator, such as a generator, only once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from gru_c import states, truncated
from gru_c._warnings import warn
from gru_c.batches import WHOLE, Epoch, Fraction
from gru_c.data import (
    Data,
    Description,
    Samples,
    added,
    require_loss,
    require_samples,
)
from gru_c.layers.base import check_count
from gru_c.stored import is_stored

if TYPE_CHECKING:
    from gru_c.model import Sequential

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

    def batches(self, model: Sequential, epoch: Epoch) -> Iterator[tuple[Data, None]]:
        """Return the batches of an epoch as those of `Data`; their samples have no numbers.

        Size and bucket are the source's own matter.
        """
        samples = self.samples(epoch.rng, epoch.done)
        return ((one.part_of_batch(model, slice(0, len(one)), epoch.part), None) for one in samples)


class Batches(Protocol):
    """What the loops go over: `Data`, `Source`, or a process's part of one.

    Attributes
    ----------
    first : Data
        Samples from which all that goes for the others can be told.
    ended : bool
        Whether there was less in the last epoch than was asked for.
    place : str
        Of the last batch, where its number does not say it.
    """

    @property
    def ended(self) -> bool: ...  # noqa: D102
    @property
    def first(self) -> Any: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102
    def described(self) -> Description: ...  # noqa: D102
    def end_epochs(self, count: int) -> None: ...  # noqa: D102
    def batch_count(self, batch_size: int) -> int | None: ...  # noqa: D102
    def batches(self, model: Sequential, epoch: Epoch) -> Iterator[tuple[Data, Any]]: ...  # noqa: D102


# ---- what fit, evaluate and predict are given ---------------------------------------------------


def of_inputs(model: Sequential, x: Any, steps: Any, others: Mapping[str, Any]) -> Source | None:
    """Return x as a source for `predict`; None where it is data."""
    if not is_source(x):
        _refuse_steps("steps", steps)
        return None
    _refuse(others)

    def check(batch: Any) -> Samples:
        batch = batch[0] if isinstance(batch, tuple) and batch else batch
        inputs = Samples.inputs(model, batch, None)
        _require_state(model, inputs)
        return inputs

    return Source(x, check, _check_steps("steps", steps))


def of_pairs(
    model: Sequential,
    x: Any,
    y: Any,
    sample_weight: Any,
    lengths: npt.ArrayLike | None,
    steps: tuple[str, Any],
    others: Mapping[str, Any],
    *,
    bptt_steps: int | None = None,
    goes_on: bool = False,
    part: Fraction = WHOLE,
) -> Data | Source:
    """Return x and y as samples, or x as a source of batches of both.

    `steps` is the name of an argument and its value, `others` are arguments for arrays only; `part`
    is what will be taken of each batch.
    """
    if not (is_source(x) or (y is None and _is_list_of_batches(x))):
        _refuse_steps(*steps)
        return Data.given(model, x, y, sample_weight, lengths)
    _refuse({"y": y, "sample_weight": sample_weight, "lengths": lengths, **others})
    require_loss(model)

    def check(batch: Any) -> Data:
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise TypeError(
                f"a batch must be (x, y) or (x, y, sample_weight), got {type(batch).__name__}"
                + (f" of {len(batch)}" if isinstance(batch, (tuple, list)) else "")
            )
        data = Data.of(model, *batch)
        require_samples(data)
        _require_state(model, data, part)
        truncated.check_bptt_steps(model, data, bptt_steps)
        return data

    return Source(x, check, _check_steps(*steps), goes_on)


def _require_state(model: Sequential, samples: Samples, part: Fraction = WHOLE) -> None:
    """Raise ValueError where a stateful layer holds the states of a batch of another size."""
    states.require_whole_batches(model, len(samples), len(samples), part=part)


def _check_steps(name: str, steps: Any) -> int | None:
    return None if steps is None else check_count(name, steps)


def _refuse_steps(name: str, steps: Any) -> None:
    if steps is not None:
        raise ValueError(
            f"{name} is for a source of batches: arrays are cut into batches of batch_size"
        )


def _refuse(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for an argument that was given; those of numbers and bools are 0 if not."""
    for name, value in arguments.items():
        if value is not None and (not isinstance(value, (int, float)) or value):
            raise ValueError(f"{name} goes with arrays; a source says itself what its batches are")


@dataclass(frozen=True)
class FitData:
    """What to train on, and what to validate on."""

    train: Batches
    validation: Batches | None
    split: float = 0.0  # share of the samples given that are the validation's

    @classmethod
    def of(
        cls,
        model: Sequential,
        train: Data | Source,
        validation_split: float,
        validation_data: Any,
        validation_steps: int | None = None,
        part: Fraction = WHOLE,
    ) -> FitData:
        """Check what to validate on, and split; `part` is what will be taken of each batch."""
        if validation_data is None:
            _refuse_steps("validation_steps", validation_steps)
            if isinstance(train, Source):
                _refuse({"validation_split": validation_split})
                return cls(train, None)
            return cls(*train.split(validation_split), split=validation_split)
        given: Any = (validation_data, None)
        if not (is_source(validation_data) or _is_list_of_batches(validation_data)):
            given = validation_data
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ValueError(
                "validation_data must be (x, y), (x, y, sample_weight) or a source of such "
                f"batches, got {type(validation_data).__name__}"
            )
        x, y, weight = (*given, None)[:3]
        steps = ("validation_steps", validation_steps)
        return cls(train, of_pairs(model, x, y, weight, None, steps, {}, part=part))

    @property
    def parts(self) -> list[Batches]:
        """Both, or the one that there is."""
        return [self.train] if self.validation is None else [self.train, self.validation]

    def described(self) -> dict[str, Any]:
        """Return what tells these data from others: what was given, as processes round splits."""
        parts = [part.described() for part in self.parts]
        if self.split:
            return {"data": added(parts), "validation": self.split}
        return {"data": parts[0], "validation": parts[1] if len(parts) > 1 else None}

    def require_epochs(self, epochs: int) -> None:
        """Raise ValueError for a generator that would have to say where an epoch ends."""
        names = ("steps_per_epoch", "validation_steps")
        for part, name in zip(self.parts, names, strict=False):
            if epochs > 1 and isinstance(part, Source) and part.once and part.steps is None:
                raise ValueError(
                    f"a generator gives its batches only once: say with {name} how many of them "
                    f"are one of the {epochs} epochs"
                )

    def require_repeatable(self) -> None:
        """Raise ValueError unless a run on these can be gone on with from any batch."""
        train, validation = self.train, self.validation
        if isinstance(train, Source) and (not train.by_number or train.steps is not None):
            raise ValueError(
                "checkpoint= is for arrays, and for a source with __len__ and __getitem__ without "
                "steps_per_epoch: others cannot be begun in the middle"
            )
        if isinstance(validation, Source) and validation.once:
            raise ValueError(
                "checkpoint= is not for a validation on a generator, which cannot be begun anew"
            )
