"""The arguments of `Sequential.fit`, and their checks."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy.typing as npt

from gru_c.callbacks import BackupAndRestore, CallbackList
from gru_c.callbacks.backup import backup_of
from gru_c.common.progress import check_verbose
from gru_c.common.validation import check_flags, check_integer, make_rng
from gru_c.data import checks, inputs
from gru_c.data.class_weight import check_class_weight, weigh_classes
from gru_c.data.samples import DEFAULT_BATCH_SIZE, Data, check_batch_size, require_optimizer
from gru_c.network.network import Network
from gru_c.training import fit, fit_settings
from gru_c.training.checkpoint import CheckpointFile
from gru_c.training.history import History
from gru_c.training.loss_warnings import doubts_of
from gru_c.training.processes import Distribution, ProcessGroup, start_group
from gru_c.training.run_identity import describe_run, describe_training


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """Arguments of a call of `Sequential.fit` that are checked together; see there."""

    x: Any
    y: Any
    sample_weight: Any
    lengths: npt.ArrayLike | None
    class_weight: Any
    validation_split: float
    validation_data: Any
    validation_batch_size: int | None
    validation_freq: object
    batch_size: int | None
    epochs: int
    initial_epoch: int
    steps_per_epoch: int | None
    validation_steps: int | None
    shuffle: bool
    bucket: bool
    verbose: str | int
    bptt_steps: int | None
    checkpoint: str | os.PathLike[str] | None
    checkpoint_interval: float | None
    resume: bool
    seed: int | None

    def run(self, model: Network, callbacks: object, distribution: Distribution | None) -> History:
        """Check the arguments and train the model."""
        group = start_group(distribution)
        with group.session():
            with group.raise_together():
                hooks = CallbackList(callbacks)
                backup = backup_of(hooks.callbacks)
                request = self if backup is None else self._backed_up(backup, group.is_first)
                data, settings = request.checked(model, group)
                rng = None if self.seed is None else make_rng(self.seed)
            arguments = {**settings.deciding, "seed": self.seed}
            if self.class_weight is not None:
                arguments["class_weight"] = {str(k): v for k, v in self.class_weight.items()}
            describe_call = partial(describe_training, model, hooks, arguments)
            data = group.shard(model, data, settings.batch_size, True, describe_call)
            with group.raise_together():
                file = None
                if request.checkpoint is not None and group.is_first:
                    file = CheckpointFile(
                        request.checkpoint,
                        request.checkpoint_interval,
                        request.resume,
                        describe_run(model, data, hooks, arguments),
                        backup,
                    )
            return fit.fit(model, data, settings, rng, hooks, file, group)

    def _backed_up(self, backup: BackupAndRestore, is_first: bool) -> FitRequest:
        """Return the request with the file of a callback; ValueError if it has a file already."""
        if self.checkpoint is not None or self.checkpoint_interval is not None or self.resume:
            raise ValueError(
                "checkpoint= and BackupAndRestore both write the run to a file: give one of them"
            )
        if is_first:
            backup.path.parent.mkdir(parents=True, exist_ok=True)
        return replace(self, checkpoint=backup.path, resume=True)

    def checked(
        self, model: Network, group: ProcessGroup
    ) -> tuple[inputs.FitData, fit_settings.FitSettings]:
        """Return the data and the settings; ValueError or TypeError if an argument is wrong."""
        check_flags(bucket=self.bucket, shuffle=self.shuffle, resume=self.resume)
        require_optimizer(model)
        class_weight = check_class_weight(self.class_weight, self.sample_weight)
        data = self._data(model, group)
        if class_weight is not None:
            data = replace(data, train=weigh_classes(model, data.train, class_weight))
        settings = self._settings(model, data, self.verbose if group.is_first else 0)
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
            self.validation_batch_size,
            self.batch_size,
        )

    def _settings(
        self, model: Network, data: inputs.FitData, verbose: str | int
    ) -> fit_settings.FitSettings:
        first: Data = data.train.first
        return fit_settings.FitSettings(
            bptt_steps=checks.check_bptt_steps(model, first, self.bptt_steps),
            bucket=first.check_bucket(model, self.bucket),
            validation_batch_size=check_integer(
                "validation_batch_size", self._validation_size(data), 1, optional=True
            ),
            batch_size=check_batch_size(
                inputs.epoch_size(data.train, self.steps_per_epoch, self.batch_size)
            ),
            epochs=check_integer("epochs", self.epochs),
            initial_epoch=check_integer("initial_epoch", self.initial_epoch),
            shuffle=bool(self.shuffle),
            verbose=check_verbose(verbose),
            validation_freq=fit_settings.check_validation_freq(self.validation_freq),
        )

    def _validation_size(self, data: inputs.FitData) -> int | None:
        """Return the samples per batch of the validation; None: as many as in the training."""
        size = self.validation_batch_size
        if size is None and self.batch_size is None and self.steps_per_epoch is not None:
            size = DEFAULT_BATCH_SIZE  # not that of the training, as in Keras
        if self.validation_steps is not None and data.validation is not None:
            wanted = self.validation_batch_size or self.batch_size
            size = inputs.size_for_steps(data.validation, self.validation_steps, wanted) or size
        return size
