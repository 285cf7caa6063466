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
        """Check the arguments; `bptt_steps` and `bucket` must have been checked before."""
        return cls(
            check_batch_size(batch_size),
            check_integer("epochs", epochs),
            check_integer("initial_epoch", initial_epoch),
            bool(shuffle),
            check_verbose(verbose),
            bptt_steps,
            bucket,
        )

    @property
    def deciding(self) -> dict[str, Any]:
        """The settings on which the result depends, by name."""
        return {name: value for name, value in asdict(self).items() if name != "verbose"}
