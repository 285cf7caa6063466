"""The kind of an input (arrays, lists, arrays in a file, a source of batches), decided once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from gru_c.data import checks
from gru_c.data.batch_order import WHOLE, Epoch, Fraction
from gru_c.data.samples import Data, Description, Samples, added, require_loss, require_samples

if TYPE_CHECKING:
    from gru_c.network.network import Network
from gru_c.data.batch_source import Source, _is_list_of_batches, is_source
from gru_c.utils.validation import check_integer


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
    def batches(self, model: Network, epoch: Epoch) -> Iterator[tuple[Data, Any]]: ...  # noqa: D102


# ---- what fit, evaluate and predict are given ---------------------------------------------------


def of_inputs(model: Network, x: Any, steps: Any, others: Mapping[str, Any]) -> Source | None:
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

    return Source(x, check, check_integer("steps", steps, 1, optional=True))


def of_pairs(
    model: Network,
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
        data = Data.checked(model, *batch)
        require_samples(data)
        _require_state(model, data, part)
        checks.check_bptt_steps(model, data, bptt_steps)
        return data

    name, count = steps
    return Source(x, check, check_integer(name, count, 1, optional=True), goes_on)


def _require_state(model: Network, samples: Samples, part: Fraction = WHOLE) -> None:
    """Raise ValueError where a stateful layer holds the states of a batch of another size."""
    checks.require_whole_batches(model, len(samples), len(samples), part=part)


def _refuse_steps(name: str, steps: Any) -> None:
    if steps is not None:
        raise ValueError(
            f"{name} is for a source of batches: arrays are cut into batches of batch_size"
        )


def _refuse(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for an argument that was given; those of numbers and bools are 0 if not."""
    for name, value in arguments.items():
        if value is not None and (not np.isscalar(value) or value):
            raise ValueError(f"{name} goes with arrays; a source says itself what its batches are")


@dataclass(frozen=True)
class FitData:
    """What to train on, and what to validate on."""

    train: Batches
    validation: Batches | None
    split: float = 0.0  # share of the samples given that are the validation's

    @classmethod
    def checked(
        cls,
        model: Network,
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
