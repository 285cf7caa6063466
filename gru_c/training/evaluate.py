"""The loop of `Sequential.evaluate`."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gru_c.callbacks import CallbackList
from gru_c.common.array_group import ArrayGroup
from gru_c.common.arrays import Array
from gru_c.common.progress import SILENT, Progress, check_verbose
from gru_c.data.batch_order import Epoch
from gru_c.data.inputs import Batches
from gru_c.data.samples import Data
from gru_c.metrics import reset_all
from gru_c.network.network import Network
from gru_c.runtime.blas_threads import blas_held
from gru_c.training.loss_warnings import doubts_of
from gru_c.training.non_finite import NonFiniteSamples
from gru_c.training.processes import BatchLosses, ProcessGroup, results
from gru_c.training.run import Totals


def count_values(outputs: Any, mask: Array | None) -> int:
    """Return the number of values over which a loss takes its mean."""
    if isinstance(outputs, ArrayGroup):
        return len(outputs)
    if mask is None:
        shape: tuple[int, ...] = outputs.shape[:-1]
        return math.prod(shape)
    features: tuple[int, ...] = outputs.shape[2:-1]
    return int(np.count_nonzero(mask)) * math.prod(features)


def mask_argument(mask: Array | None) -> dict[str, Any]:
    """Return the mask as a keyword argument; {} for None, since a user's loss may not take it."""
    return {} if mask is None else {"mask": mask}


def batch_location(data: Batches, samples: Array | None, totals: Totals) -> Array | slice | str:
    """Return the numbers of a batch's samples, or words that name the batch."""
    if samples is not None:
        return samples
    return data.place or slice(totals.samples, None)


def target_checker(model: Network, data: Batches, group: ProcessGroup) -> Callable[[Data], None]:
    """Return a function that warns of doubtful targets in a batch.

    It does nothing where all targets have been checked before the loop.
    """
    checked = isinstance(data, Data) and data.sample is None
    if checked or not group.is_first:
        return lambda batch: None
    return partial(doubts_of(model).check, model)


def evaluate(
    model: Network,
    data: Batches,
    batch_size: int,
    verbose: str | int,
    callbacks: CallbackList,
    group: ProcessGroup,
) -> dict[str, float]:
    """Return the mean loss and the metrics; see `Sequential.evaluate`."""
    batches = data.batch_count(batch_size)
    mode = check_verbose(verbose if group.is_first else SILENT)
    group.check_weights_equal(model)
    with group.raise_together():
        callbacks.begin(model, first=group.is_first, verbose=mode, epochs=1, steps=batches)
    non_finite = NonFiniteSamples("they are part of the loss and the metrics", model.dtype)
    with Progress(mode, "Evaluate", batches) as progress:
        evaluation = Evaluation(data, batch_size, non_finite)
        logs = evaluate_batches(model, evaluation, callbacks, progress.update, group)
        progress.finish(logs)
    non_finite.warn(logs)
    return logs


class Evaluation(NamedTuple):
    """The data of an evaluation, and the record of the values that are not finite in them."""

    data: Batches
    batch_size: int
    non_finite: NonFiniteSamples


def evaluate_batches(
    model: Network,
    evaluation: Evaluation,
    callbacks: CallbackList,
    after_batch: Callable[[int], None],
    group: ProcessGroup,
) -> dict[str, float]:
    """Return the mean loss and the metrics over the samples of all processes.

    Callbacks get those of this process's samples after each batch.
    """
    assert model.loss is not None
    data, batch_size, non_finite = evaluation
    totals = Totals()
    losses: BatchLosses = []
    check_targets = target_checker(model, data, group)
    # Summed over layers, because a model that shares them with another has no `Parameters`.
    penalty = sum(layer.penalty() for layer in model.layers) if model.trainable else 0

    def local_logs() -> dict[str, float]:
        return {"loss": totals.mean_loss + penalty, **results(model.metrics)}

    with group.raise_together(), blas_held(), model.weights_held():
        reset_all(model.metrics)
        callbacks.call("on_test_begin")
        for number, (batch, samples) in enumerate(data.batches(model, Epoch(batch_size))):
            if not len(batch):  # all samples belong to other processes
                losses.append((0.0, 0, 0))
                continue
            callbacks.call("on_test_batch_begin", number)
            check_targets(batch)
            with non_finite.check(batch, batch_location(data, samples, totals)):
                outputs, mask = model.run(batch.x, batch.mask)
            loss = model.loss(batch.y, outputs, batch.weight, **mask_argument(mask))
            loss *= model.loss_weight
            loss += model.activity_penalty()
            totals.add(loss, len(batch))
            losses.append((loss, count_values(outputs, mask), len(batch)))
            model.update_metrics(batch.y, outputs, batch.weight, mask)
            callbacks.call("on_test_batch_end", number, logs=local_logs)
            after_batch(len(batch))
    logs = {"loss": group.mean_loss(losses) + penalty, **group.merge_metrics(model.metrics)}
    with group.raise_together():
        callbacks.call("on_test_end", logs=logs)
    return logs
