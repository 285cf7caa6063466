"""The settings of a call of `Sequential.fit`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.data.samples import check_batch_size
from gru_c.utils.progress import check_verbose

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class FitSettings:
    """How `fit` goes over the data."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    verbose: int
    bptt_steps: int | None = None
    bucket: bool = False

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
    ) -> FitSettings:
        """Check the arguments; `bptt_steps` and `bucket` have been checked."""
        return cls(
            check_batch_size(batch_size),
            _check_epoch("epochs", epochs),
            _check_epoch("initial_epoch", initial_epoch),
            bool(shuffle),
            check_verbose(verbose),
            bptt_steps,
            bucket,
        )

    @property
    def deciding(self) -> dict[str, Any]:
        """What the result depends on, by name."""
        return {name: value for name, value in asdict(self).items() if name != "verbose"}


def _check_epoch(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"{name} must be an integer of at least 0, got {value!r}")
    return int(value)
