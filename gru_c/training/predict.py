"""The loop of `Sequential.predict` over batches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.callbacks import CallbackList
from gru_c.common.array_group import ArrayGroup
from gru_c.common.arrays import Array, is_finite
from gru_c.common.progress import LINE, SILENT, Progress, check_verbose
from gru_c.common.validation import check_flag
from gru_c.common.weights_lock import weights_lock
from gru_c.data import checks, inputs
from gru_c.data.samples import Samples, check_batch_size
from gru_c.data.sequence_list import SequenceList
from gru_c.network.network import Network
from gru_c.runtime.blas_threads import blas_held
from gru_c.training.non_finite import NonFiniteSamples

_CONSEQUENCE = "the predictions for them are meaningless"  # the consequence of NaN or infinities


def predict(
    model: Network,
    x: Any,
    *,
    batch_size: int | None,
    verbose: str | int,
    lengths: npt.ArrayLike | None = None,
    bucket: bool = False,
    steps: int | None = None,
    callbacks: object = None,
) -> Array | list[Array]:
    """Return the outputs for all samples; see `Sequential.predict`."""
    if lengths is None and bucket is False and steps is None and callbacks is None:
        at_once = _predict_at_once(model, x, batch_size, verbose)
        if at_once is not None:
            return at_once
    check_flag("bucket", bucket)
    hooks = CallbackList(callbacks)
    data = inputs.check_inputs(model, x, lengths, steps=steps, batch_size=batch_size, bucket=bucket)
    plan: Sequence[Any] = []
    batches: int | None
    if isinstance(data, Samples):
        size = check_batch_size(inputs.size_for_steps(data, steps, batch_size))
        checks.require_whole_batches(model, size, len(data))
        plan = data.plan(size, bucket=data.check_bucket(model, bucket))
        batches = len(plan)
    else:
        batches = data.batch_count(0)
    checks.build_for(model, data if isinstance(data, Samples) else data.first)
    mode, several = check_verbose(verbose), batches is None or batches > 1
    if verbose == "auto" and (not several or mode == LINE):
        mode = SILENT
    if (
        batches == 1
        and mode == SILENT
        and not hooks.callbacks
        and isinstance(data, Samples)
        and isinstance(data.x, (np.ndarray, ArrayGroup))
    ):
        return _predict_batch(model, data)
    # Another thread that trains the model waits until the last batch of arrays. For batches from
    # elsewhere it does not, because the source itself may wait for it.
    whole = several and isinstance(data, Samples) and not model.holds_weights
    with (
        blas_held(),
        weights_lock.reading(model.layers) if whole else nullcontext(),
        model.weights_held() if several else nullcontext(),
        Progress(mode, "Predict", batches) as progress,
    ):
        hooks.begin(model, verbose=mode, epochs=1, steps=batches)
        hooks.call("on_predict_begin")
        run = _Run(model, progress, hooks)
        if isinstance(data, Samples):
            outputs = run.predict_samples(data, plan)
        else:
            parts = [run.predict_samples(batch, [slice(None)]) for batch in data.checked_batches()]
            outputs = _joined(parts)
        progress.finish({})
        hooks.call("on_predict_end")
    run.non_finite.warn()
    return outputs


def _predict_at_once(model: Network, x: Any, batch_size: object, verbose: object) -> Array | None:
    """Return the outputs for a batch that the core can take as it is; None for any other.

    This serves short calls, which would spend their time on general checks.
    """
    size = 32 if batch_size is None else batch_size
    if type(x) is not np.ndarray or type(size) is not int or type(verbose) not in (str, int):
        return None
    if verbose not in ("auto", 0) or x.ndim != model.input_axes or x.dtype != model.dtype:
        return None
    if not 0 < len(x) <= size:
        return None
    run = model.whole_run()
    return run(x) if run is not None and is_finite(x, run.dtype) else None


def _predict_batch(model: Network, batch: Samples) -> Array:
    """Return the outputs for one batch of arrays, without the cost of a loop."""
    non_finite = NonFiniteSamples(_CONSEQUENCE, model.dtype)
    with blas_held(), non_finite.check(batch):
        outputs, _ = model.run(batch.x, batch.mask)
    non_finite.warn()
    copied: Array = model.copied(outputs)
    return copied


def _joined(parts: list[Any]) -> Any:
    """Return the outputs of batches in one array, or a list of samples if their shapes differ."""
    if any(isinstance(part, ArrayGroup) for part in parts):
        return ArrayGroup(map(np.concatenate, zip(*parts, strict=True)))
    shapes = {part.shape[1:] if isinstance(part, np.ndarray) else None for part in parts}
    if len(shapes) == 1 and None not in shapes:
        return np.concatenate(parts)
    return [output for part in parts for output in part]


class _Run:
    """A run of a model over batches, with its progress and callbacks."""

    def __init__(self, model: Network, progress: Progress, hooks: CallbackList) -> None:
        self.model = model
        self.progress = progress
        self.hooks = hooks
        self.number = 0  # of the next batch
        self.non_finite = NonFiniteSamples(_CONSEQUENCE, model.dtype)

    def predict_samples(self, samples: Samples, plan: Sequence[Any]) -> Array | list[Array]:
        """Return the outputs of samples; the plan has the indices of each batch."""
        if isinstance(samples.x, SequenceList):
            return self._predict_sequences(samples, plan)
        outputs: Array = self.model.empty_outputs(samples.x.shape)
        for where in plan:
            outputs[where], _ = self._predict_batch(samples.batch(self.model, where), where)
        return outputs

    def _predict_sequences(self, samples: Samples, plan: Sequence[Any]) -> Array | list[Array]:
        """Return a list if each time step of a sequence has an output, otherwise an array."""
        results: list[Any] = [None] * len(samples)
        mask = None
        for where in plan:
            outputs, mask = self._predict_batch(samples.batch(self.model, where), where)
            numbers = np.arange(len(samples))[where]
            lengths = samples.x.lengths[where]
            for number, output, length in zip(numbers, outputs, lengths, strict=True):
                results[number] = output if mask is None else output[:length]
        return np.stack(results) if mask is None else results

    def _predict_batch(self, batch: Samples, where: Array | slice) -> tuple[Array, Array | None]:
        """Return the outputs of a batch, and the mask of their time steps that count."""
        context = self.non_finite.check(batch, where)
        self.hooks.call("on_predict_batch_begin", self.number)
        with context:
            outputs, mask = self.model.run(batch.x, batch.mask)
        self.hooks.call("on_predict_batch_end", self.number, logs={"outputs": outputs})
        self.number += 1
        self.progress.update(len(outputs))
        return outputs, mask
