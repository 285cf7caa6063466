"""The loop of `Sequential.fit` over epochs and batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gru_c.callbacks import CallbackList
from gru_c.data.batch_order import Epoch
from gru_c.data.inputs import Batches, FitData
from gru_c.runtime.blas_threads import blas_held
from gru_c.training.checkpoint import RunFile
from gru_c.training.evaluate import (
    Evaluated,
    evaluate_batches,
    if_any,
    looker,
    place_of,
)
from gru_c.training.history import History
from gru_c.training.interrupt import Interrupt
from gru_c.training.processes import ProcessGroup
from gru_c.training.run import Run, RunEnded
from gru_c.utils.progress import Progress

if TYPE_CHECKING:
    from gru_c.network.network import Network
from gru_c.training.fit_settings import FitSettings
from gru_c.training.step import _culprit_of_all, _fit_step, _prepare, _weights_are_finite

# ---- epochs -------------------------------------------------------------------------------------


def fit(
    model: Network,
    data: FitData,
    settings: FitSettings,
    rng: np.random.Generator | None,
    callbacks: CallbackList,
    file: RunFile | None,
    group: ProcessGroup,
) -> History:
    """Train for some epochs; see `Sequential.fit`. Only the first process has the file."""
    found = group.first_of(lambda: None if file is None else file.read())
    with group.together():
        _prepare(model, data.train.first)
    model.stop_training = False
    model.seed_run(rng)
    group.even_out(model)
    with group.together():
        callbacks.begin(
            model,
            first=group.first,
            verbose=settings.verbose,
            epochs=settings.epochs,
            steps=data.train.batch_count(settings.batch_size),
            validation=data.validation is not None,
        )
        callbacks.call("on_train_begin")
    with blas_held(), Interrupt() as interrupt, group.drawing(model):
        run = Run(model, callbacks, file, interrupt, settings.initial_epoch, group)
        if found is not None:
            with group.together():
                run.take_up(found)
            data.train.end_epochs(run.epoch - settings.initial_epoch)
        with suppress(RunEnded):
            while run.epoch < settings.epochs and not (run.stops() or data.train.ended):
                _fit_epoch(model, data, settings, run)
        return run.finish()


def _fit_epoch(model: Network, data: FitData, settings: FitSettings, run: Run) -> None:
    """Train and validate once."""
    batches = data.train.batch_count(settings.batch_size)
    title = f"Epoch {run.epoch + 1}/{settings.epochs}"

    with Progress(settings.verbose, title, batches) as progress:
        logs = _epoch(model, data.train, settings, run, progress)
        if data.validation is not None:
            missing = run.missing_in_validation
            validated = Evaluated(data.validation, settings.batch_size, missing)

            def after_batch(samples: int) -> None:
                run.end_validation_if_interrupted()

            found = evaluate_batches(model, validated, run.callbacks, after_batch, run.group)
            results_there = {f"val_{name}": value for name, value in found.items()}
            missing.warn(results_there)
            logs.update(results_there)
        logs = run.end_epoch(logs)
        progress.finish(logs)
    run.go_on()
    data.train.end_epochs(1)


def _epoch(
    model: Network, data: Batches, settings: FitSettings, run: Run, progress: Progress
) -> dict[str, float]:
    """Go once over the data; mean loss and metrics."""
    before, totals, group = run.begin_epoch(), run.totals, run.group
    rng = model.rng if settings.shuffle else None
    epoch = Epoch(settings.batch_size, rng, settings.bucket, totals.batches)
    batches = data.batches(model, epoch)
    run.ordered()
    words: Callable[[], str] = str
    look = looker(model, data, group)
    for batch, samples in before.guarded(batches):
        run.begin_batch()
        where = place_of(data, samples, totals)
        words = partial(run.missing.culprit, batch, where)
        try:
            with run.missing.look(batch, where):
                result = _fit_step(model, batch, settings, group)
        except BaseException:  # a second Ctrl-C, say, which may have come in the middle of a step
            before.restore()
            raise
        if not math.isfinite(result.loss):
            place = f"batch {totals.batches + 1} of epoch {run.epoch + 1}{data.place}"
            named = _culprit_of_all(group, words())
            run.give_up(before, f"the loss became {result.loss} at {place}{named}")
        totals.add(result.loss, result.samples)
        if len(batch):
            run.seen = True
            look(batch)
            with group.later():
                for metric in model.metrics:
                    metric.update(batch.y, result.outputs, **if_any(result.mask))
        progress.update(result.samples, run.own_logs)
        if run.end_batch():
            break
    if not totals.batches:
        raise RunEnded
    try:
        group.settle()
    except Exception:
        before.restore()
        raise
    if not _weights_are_finite(model):  # the last step's harm shows in no loss
        problem = f"a weight became infinite at the end of epoch {run.epoch + 1}"
        run.give_up(before, problem + _culprit_of_all(group, words()))
    logs = run.logs()
    run.missing.warn(logs)
    run.end_training()
    return logs
