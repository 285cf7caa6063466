"""The settings of a call of `Sequential.fit`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gru_c.common.progress import check_verbose
from gru_c.common.validation import check_integer
from gru_c.data.samples import check_batch_size


@dataclass(frozen=True)
class FitSettings:
    """The arguments of `fit` that set the order and number of batches and epochs."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    verbose: int
    bptt_steps: int | None = None
    bucket: bool = False
    validation_batch_size: int | None = None
    validation_freq: int | tuple[int, ...] = 1

    @classmethod
    def checked(
        cls,
        batch_size: int | None,
        epochs: int,
        initial_epoch: int,
        shuffle: bool,
        verbose: str | int,
        bptt_steps: int | None = None,
        bucket: bool = False,
        validation_batch_size: int | None = None,
        validation_freq: object = 1,
    ) -> FitSettings:
        """Check the arguments; `bptt_steps` and `bucket` must have been checked before."""
        size = check_integer("validation_batch_size", validation_batch_size, 1, optional=True)
        return cls(
            check_batch_size(batch_size),
            check_integer("epochs", epochs),
            check_integer("initial_epoch", initial_epoch),
            bool(shuffle),
            check_verbose(verbose),
            bptt_steps,
            bucket,
            size,
            _check_frequency(validation_freq),
        )

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
        values = {name: value for name, value in asdict(self).items() if name != "verbose"}
        # Left out if they are the defaults, because older files do not have them.
        for name, default in (("validation_batch_size", None), ("validation_freq", 1)):
            if values[name] == default:
                del values[name]
        return values


def _check_frequency(frequency: object) -> int | tuple[int, ...]:
    """Return the number of epochs from one validation to the next, or the epochs to validate."""
    if isinstance(frequency, (list, tuple, range, set, frozenset)):
        epochs = (check_integer("an epoch in validation_freq", item, 1) for item in frequency)
        return tuple(sorted(epochs))
    also = " or a list of epochs, from 1"
    return check_integer("validation_freq", frequency, 1, also=also)
