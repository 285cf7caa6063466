"""The arguments of `Sequential.fit`, and their checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from gru_c.common.validation import check_flags
from gru_c.data import checks, inputs
from gru_c.data.samples import Data, require_optimizer
from gru_c.network.network import Network
from gru_c.training import fit_settings
from gru_c.training.doubts import doubts_of
from gru_c.training.processes import ProcessGroup


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """Arguments of a call of `Sequential.fit` that are checked together; see there."""

    x: Any
    y: Any
    sample_weight: Any
    lengths: npt.ArrayLike | None
    validation_split: float
    validation_data: Any
    batch_size: int | None
    epochs: int
    initial_epoch: int
    steps_per_epoch: int | None
    validation_steps: int | None
    shuffle: bool
    bucket: bool
    verbose: str | int
    bptt_steps: int | None
    checkpoint: object
    checkpoint_interval: float | None
    resume: bool

    def checked(
        self, model: Network, group: ProcessGroup
    ) -> tuple[inputs.FitData, fit_settings.FitSettings]:
        """Return the data and the settings; ValueError or TypeError if an argument is wrong."""
        check_flags(bucket=self.bucket, shuffle=self.shuffle, resume=self.resume)
        require_optimizer(model)
        data = self._data(model, group)
        settings = self._settings(model, data.train.first, self.verbose if group.is_first else 0)
        data.require_epochs(settings.epochs - settings.initial_epoch)
        if self.checkpoint is not None:
            data.require_repeatable()
        elif self.resume or self.checkpoint_interval is not None:
            raise ValueError("resume and checkpoint_interval need a file: give checkpoint=path")
        if group.is_first:
            for batches in data.parts:
                doubts_of(model).check(model, batches.first)
        return data, settings

    def _data(self, model: Network, group: ProcessGroup) -> inputs.FitData:
        data = inputs.UserData(
            self.x, self.y, self.sample_weight, self.lengths, self.batch_size, self.bucket
        )
        options = inputs.SourceOptions(
            "steps_per_epoch",
            self.steps_per_epoch,
            bptt_steps=self.bptt_steps,
            continues=True,
            fraction=group.batch_fraction,
        )
        return inputs.FitData.checked(
            model,
            inputs.check_pairs(model, data, options),
            self.validation_split,
            self.validation_data,
            self.validation_steps,
            group.batch_fraction,
        )

    def _settings(
        self, model: Network, first: Data, verbose: str | int
    ) -> fit_settings.FitSettings:
        return fit_settings.FitSettings.checked(
            self.batch_size,
            self.epochs,
            self.initial_epoch,
            self.shuffle,
            verbose,
            checks.check_bptt_steps(model, first, self.bptt_steps),
            first.check_bucket(model, self.bucket),
        )
