"""The loop over batches that predicts."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c import sources, states
from gru_c.arrays import Array
from gru_c.data import Samples, check_batch_size
from gru_c.passes import blas_held
from gru_c.progress import LINE, SILENT, Progress, check_verbose
from gru_c.sequences import SequenceList

if TYPE_CHECKING:
    from gru_c.model import Sequential


def predict(
    model: Sequential,
    x: Any,
    batch_size: int | None,
    verbose: str | int,
    lengths: npt.ArrayLike | None = None,
    bucket: bool = False,
    steps: int | None = None,
) -> Array | list[Array]:
    """Return the outputs for all samples; see `Sequential.predict`."""
    model.require_built("predict")
    arrays = {"batch_size": batch_size, "lengths": lengths, "bucket": bucket}
    source = sources.of_inputs(model, x, steps, arrays)
    if source is None:
        samples = Samples.given_inputs(model, x, lengths)
        size = check_batch_size(batch_size)
        states.require_whole_batches(model, size, len(samples))
        plan = samples.plan(size, bucket=samples.check_bucket(model, bucket))
    batches = len(plan) if source is None else source.batch_count(0)
    mode, several = check_verbose(verbose), batches is None or batches > 1
    if verbose == "auto" and (not several or mode == LINE):
        mode = SILENT
    with (
        blas_held(),
        model.weights_held() if several else nullcontext(),
        Progress(mode, "Predict", batches) as progress,
    ):
        if source is None:
            return _predict(model, samples, plan, progress)
        each = [slice(None)]
        return _joined([_predict(model, batch, each, progress) for batch in source.samples()])


def _joined(parts: list[Array | list[Array]]) -> Array | list[Array]:
    """Return the outputs of batches in one array; a list of samples where they differ in length."""
    shapes = {part.shape[1:] if isinstance(part, np.ndarray) else None for part in parts}
    if len(shapes) == 1 and None not in shapes:
        return np.concatenate(parts)
    return [output for part in parts for output in part]


def _predict(
    model: Sequential, samples: Samples, plan: list[Any], progress: Progress
) -> Array | list[Array]:
    compute = _predict_list if isinstance(samples.x, SequenceList) else _predict_array
    return compute(model, samples, plan, progress)


def _predict_array(
    model: Sequential, samples: Samples, plan: list[Any], progress: Progress
) -> Array:
    """Return the outputs in one array."""
    shape = model.compute_output_shape(samples.x.shape)
    outputs = np.empty([int(length or 0) for length in shape], model.dtype)
    for where in plan:
        batch = samples.batch(model, where)
        found = outputs[where] = model.forward(batch.x, mask=batch.mask)
        progress.update(len(found))
    return outputs


def _predict_list(
    model: Sequential, samples: Samples, plan: list[Any], progress: Progress
) -> Array | list[Array]:
    """Return a list, where each step of a sequence has an output, else one array."""
    found: list[Any] = [None] * len(samples)
    mask = None
    for where in plan:
        batch = samples.batch(model, where)
        outputs, mask = model.run(batch.x, batch.mask)
        numbers = np.arange(len(samples))[where]
        for number, output, length in zip(numbers, outputs, samples.x.lengths[where], strict=True):
            found[number] = output if mask is None else output[:length]
        progress.update(len(batch))
    return np.stack(found) if mask is None else found
