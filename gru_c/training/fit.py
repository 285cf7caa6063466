"""The loop of `Sequential.fit` over epochs and batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import numpy as np

from gru_c.callbacks import CallbackList
from gru_c.common.arrays import Array
from gru_c.common.progress import Progress
from gru_c.data.batch_order import Epoch
from gru_c.data.inputs import Batches, FitData
from gru_c.data.samples import Data
from gru_c.network.network import Network
from gru_c.runtime.blas_threads import blas_held
from gru_c.training.checkpoint import CheckpointFile
from gru_c.training.evaluate import (
    Evaluation,
    batch_location,
    evaluate_batches,
    target_checker,
)
from gru_c.training.fit_settings import FitSettings
from gru_c.training.history import History
from gru_c.training.interrupt import Interrupt
from gru_c.training.processes import Pass, ProcessGroup
from gru_c.training.run import Run, RunEnded
from gru_c.training.snapshot import Snapshot
from gru_c.training.step import first_culprit, fit_step, prepare, weights_are_finite


def fit(
    model: Network,
    data: FitData,
    settings: FitSettings,
    rng: np.random.Generator | None,
    callbacks: CallbackList,
    file: CheckpointFile | None,
    group: ProcessGroup,
) -> History:
    """Train for some epochs; see `Sequential.fit`. Only the first process has the file."""
    saved = group.broadcast(lambda: None if file is None else file.read())
    with group.raise_together():
        prepare(model, data.train.first)
    model.stop_training = False
    model.seed_run(rng)
    group.broadcast_model(model)
    with group.raise_together():
        callbacks.begin(
            model,
            first=group.is_first,
            verbose=settings.verbose,
            epochs=settings.epochs,
            steps=data.train.batch_count(settings.batch_size),
            validation=data.validation is not None,
        )
        callbacks.call("on_train_begin")
    with blas_held(), Interrupt() as interrupt, group.separate_generators(model):
        run = Run(model, callbacks, file, interrupt, settings.initial_epoch, group)
        steps = data.train.batch_count(settings.batch_size)
        params = {"verbose": settings.verbose, "epochs": settings.epochs, "steps": steps}
        run.history.begin(model, params)
        if saved is not None:
            with group.raise_together():
                run.resume(saved)
            data.train.end_epochs(run.epoch - settings.initial_epoch)
        with suppress(RunEnded):
            while run.epoch < settings.epochs and not (run.should_stop() or data.train.ended):
                _fit_epoch(model, data, settings, run)
        return run.finish()


def _fit_epoch(model: Network, data: FitData, settings: FitSettings, run: Run) -> None:
    """Train and validate for one epoch."""
    batches = data.train.batch_count(settings.batch_size)
    title = f"Epoch {run.epoch + 1}/{settings.epochs}"
    with Progress(settings.verbose, title, batches) as progress:
        logs = _train_epoch(model, data.train, settings, run, progress)
        if data.validation is not None and settings.validates(run.epoch):
            logs.update(_validate(model, data.validation, settings, run))
        logs = run.end_epoch(logs)
        progress.finish(logs)
    run.start_next_epoch()
    data.train.end_epochs(1)


def _validate(model: Network, data: Batches, settings: FitSettings, run: Run) -> dict[str, float]:
    """Return the loss and the metrics of the validation, with "val_" before their names."""
    evaluation = Evaluation(data, settings.validation_size, run.non_finite_in_validation)

    def after_batch(samples: int) -> None:
        run.end_validation_if_interrupted()

    results = evaluate_batches(model, evaluation, run.callbacks, after_batch, run.group)
    logs = {f"val_{name}": value for name, value in results.items()}
    run.non_finite_in_validation.warn(logs)
    return logs


class _EpochContext(NamedTuple):
    """The objects that the batches of an epoch share."""

    model: Network
    settings: FitSettings
    run: Run
    snapshot: Snapshot  # restored when a batch fails
    check_targets: Callable[[Data], None]


def _train_epoch(
    model: Network, data: Batches, settings: FitSettings, run: Run, progress: Progress
) -> dict[str, float]:
    """Train on each batch once; return the mean loss and the metrics."""
    snapshot, totals, group = run.begin_epoch(), run.totals, run.group
    rng = model.rng if settings.shuffle else None
    epoch = Epoch(settings.batch_size, rng, settings.bucket, totals.batches)
    batches = data.batches(model, epoch)
    run.restore_generator()
    context = _EpochContext(model, settings, run, snapshot, target_checker(model, data, group))
    explain: Callable[[], str] = str  # names values that are not finite in the last batch
    for batch, samples in snapshot.guarded(batches):
        run.begin_batch()
        location = batch_location(data, samples, totals)
        explain = partial(run.non_finite.culprit, batch, location)
        result = _take_step(context, batch, location)
        if not math.isfinite(result.loss):
            batch_name = f"batch {totals.batches + 1} of epoch {run.epoch + 1}{data.place}"
            problem = f"the loss became {result.loss} at {batch_name}"
            run.abort(snapshot, problem + first_culprit(group, explain()))
        with snapshot.restored_by_errors():  # of a metric
            _record(context, batch, result)
            progress.update(result.samples, run.local_logs)
        if run.end_batch():
            break
    if not totals.batches:
        raise RunEnded
    _require_finite_weights(context, explain)
    with snapshot.restored_by_errors():
        logs = run.logs()
    run.non_finite.warn(logs)
    run.end_training()
    return logs


def _take_step(context: _EpochContext, batch: Data, location: Array | slice | str) -> Pass:
    """Take an optimizer step; any exception restores the model as it was before the epoch."""
    model, settings, run, snapshot, _ = context
    try:
        with run.non_finite.check(batch, location):
            return fit_step(model, batch, settings, run.group)
    except BaseException:  # also a second Ctrl-C, which can come in the middle of a step
        snapshot.restore()
        raise


def _record(context: _EpochContext, batch: Data, result: Pass) -> None:
    """Add the results of a batch to the loss and the metrics, and check its targets."""
    model, run = context.model, context.run
    run.totals.add(result.loss, result.samples)
    if len(batch):
        run.has_local_samples = True
        context.check_targets(batch)
        with run.group.defer_errors():
            model.update_metrics(batch.y, result.outputs, batch.weight, result.mask)


def _require_finite_weights(context: _EpochContext, explain: Callable[[], str]) -> None:
    """End the run if the last step made a weight infinite: no later loss would show it."""
    model, _, run, snapshot, _ = context
    try:
        run.group.raise_deferred()
    except Exception:
        snapshot.restore()
        raise
    if not weights_are_finite(model):
        problem = f"a weight became infinite at the end of epoch {run.epoch + 1}"
        run.abort(snapshot, problem + first_culprit(run.group, explain()))
