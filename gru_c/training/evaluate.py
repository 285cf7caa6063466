"""The loop of `Sequential.evaluate`."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gru_c.callbacks import CallbackList
from gru_c.data.batch_order import Epoch
from gru_c.data.inputs import Batches
from gru_c.data.samples import Data
from gru_c.metrics import reset_all
from gru_c.runtime.blas_threads import blas_held
from gru_c.training.doubts import doubts_of
from gru_c.training.missing import Missing
from gru_c.training.processes import Parts, ProcessGroup, results
from gru_c.training.run import Totals
from gru_c.utils.arrays import Array
from gru_c.utils.progress import SILENT, Progress, check_verbose

if TYPE_CHECKING:
    from gru_c.network.network import Network


def count_values(outputs: Array, mask: Array | None) -> int:
    """Return how many values a loss is the mean over."""
    if mask is None:
        return math.prod(outputs.shape[:-1])
    return int(np.count_nonzero(mask)) * math.prod(outputs.shape[2:-1])


def if_any(mask: Array | None) -> dict[str, Any]:
    """Return the mask as an argument: a user's losses and metrics need not know of masks."""
    return {} if mask is None else {"mask": mask}


def place_of(data: Batches, samples: Array | None, totals: Totals) -> Array | slice | str:
    """Return the numbers of a batch's samples, or words that say which batch it is."""
    if samples is not None:
        return samples
    return data.place or slice(totals.samples, None)


def looker(model: Network, data: Batches, group: ProcessGroup) -> Callable[[Data], None]:
    """Return what looks at each batch's targets, where the whole data have not been looked at."""
    whole = isinstance(data, Data) and data.sample is None
    if whole or not group.first:
        return lambda batch: None
    return partial(doubts_of(model).look, model)


def evaluate(
    model: Network,
    data: Batches,
    batch_size: int,
    verbose: str | int,
    callbacks: CallbackList,
    group: ProcessGroup,
) -> dict[str, float]:
    """Mean loss and metrics; see `Sequential.evaluate`."""
    batches = data.batch_count(batch_size)
    mode = check_verbose(verbose if group.first else SILENT)
    group.check_even(model)
    with group.together():
        callbacks.begin(model, first=group.first, verbose=mode, epochs=1, steps=batches)
    missing = Missing("they are part of the loss and the metrics", model.dtype)
    with Progress(mode, "Evaluate", batches) as progress:
        evaluated = Evaluated(data, batch_size, missing)
        logs = evaluate_batches(model, evaluated, callbacks, progress.update, group)
        progress.finish(logs)
    missing.warn(logs)
    return logs


class Evaluated(NamedTuple):
    """What to evaluate, and what notes the values that are missing there."""

    data: Batches
    batch_size: int
    missing: Missing


def evaluate_batches(
    model: Network,
    evaluated: Evaluated,
    callbacks: CallbackList,
    after_batch: Callable[[int], None],
    group: ProcessGroup,
) -> dict[str, float]:
    """Mean loss and metrics over the samples of all; callbacks see this process's after a batch."""
    assert model.loss is not None
    data, batch_size, missing = evaluated
    totals, parts = Totals(), Parts()
    look = looker(model, data, group)
    # Of the layers, as a model that shares them with another has no `Parameters` of its own.
    penalty = sum(layer.penalty() for layer in model.layers) if model.trainable else 0

    def own_logs() -> dict[str, float]:
        return {"loss": totals.mean_loss + penalty, **results(model.metrics)}

    with group.together(), blas_held(), model.weights_held():
        reset_all(model.metrics)
        callbacks.call("on_test_begin")
        for number, (batch, samples) in enumerate(data.batches(model, Epoch(batch_size))):
            if not len(batch):  # this process's part of it
                parts.append((0.0, 0, 0))
                continue
            callbacks.call("on_test_batch_begin", number)
            look(batch)
            with missing.look(batch, place_of(data, samples, totals)):
                outputs, mask = model.run(batch.x, batch.mask)
            loss = model.loss(batch.y, outputs, batch.weight, **if_any(mask))
            totals.add(loss, len(batch))
            parts.append((loss, count_values(outputs, mask), len(batch)))
            for metric in model.metrics:
                metric.update(batch.y, outputs, **if_any(mask))
            callbacks.call("on_test_batch_end", number, logs=own_logs)
            after_batch(len(batch))
    logs = {"loss": group.mean_loss(parts) + penalty, **group.merged(model.metrics)}
    with group.together():
        callbacks.call("on_test_end", logs=logs)
    return logs
