"""The settings of a call of `Sequential.fit`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gru_c.common.validation import check_integer


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """The checked arguments of `fit` that set the order and number of batches and epochs."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    verbose: int
    bptt_steps: int | None = None
    bucket: bool = False
    validation_batch_size: int | None = None
    validation_freq: int | tuple[int, ...] = 1

    @property
    def validation_size(self) -> int:
        """Samples per batch of the validation."""
        return self.validation_batch_size or self.batch_size

    def validates(self, epoch: int) -> bool:
        """Return True if a validation follows an epoch, which is numbered from 0."""
        if isinstance(self.validation_freq, int):
            return (epoch + 1) % self.validation_freq == 0
        return epoch + 1 in self.validation_freq

    @property
    def deciding(self) -> dict[str, Any]:
        """The settings on which the result depends, by name."""
        values = {name: value for name, value in vars(self).items() if name != "verbose"}
        # Left out if they are the defaults, because older files do not have them.
        for name, default in (("validation_batch_size", None), ("validation_freq", 1)):
            if values[name] == default:
                del values[name]
        return values


def check_validation_freq(frequency: object) -> int | tuple[int, ...]:
    """Return the number of epochs from one validation to the next, or the epochs to validate."""
    if isinstance(frequency, (list, tuple, range, set, frozenset)):
        epochs = (check_integer("an epoch in validation_freq", item, 1) for item in frequency)
        return tuple(sorted(epochs))
    also = " or a list of epochs, from 1"
    return check_integer("validation_freq", frequency, 1, also=also)
