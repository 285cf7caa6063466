"""One optimizer step: forward, loss, backward, update."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.warnings import warn
from gru_c.common.weights_lock import weights_lock
from gru_c.data import checks
from gru_c.data.samples import Data, require_samples
from gru_c.layers import Layer
from gru_c.metrics import reset_all
from gru_c.network import layer_states
from gru_c.network.network import Network
from gru_c.optimizers import may_overflow
from gru_c.runtime.blas_threads import blas_held
from gru_c.training import truncated_bptt
from gru_c.training.evaluate import count_values, mask_argument
from gru_c.training.fit_settings import FitSettings
from gru_c.training.non_finite import NO_CULPRIT, NonFiniteSamples, culprit
from gru_c.training.processes import Pass, ProcessGroup, SingleProcess, results
from gru_c.training.run import TRAINED
from gru_c.training.snapshot import Snapshot


def _train_step(model: Network, batch: Data, group: ProcessGroup) -> Pass:
    """Take one optimizer step on the weights of trainable layers.

    Nothing is changed if the loss is not finite; the caller must report it.
    """
    assert model.optimizer is not None
    with _statistics_changed(model):
        result = _gradients(model, batch, group)
        if math.isfinite(result.loss) and model.trainable:
            with group.defer_errors():  # a schedule or constraint may be a user's code
                model.optimizer.step(model.parameters)
            group.synchronize_weights(model)
    return result


def _statistics_changed(model: Network) -> AbstractContextManager[object]:
    """Return a context for a step of the model.

    If the forward pass changes moving statistics, other threads predict before or after the step.
    """
    if not model.parameters.statistics:
        return nullcontext()
    return weights_lock.writing(model.layers)


def _gradients(model: Network, batch: Data, group: ProcessGroup) -> Pass:
    """Run a batch forward and, if the loss is finite, backward, penalties included."""
    parameters = model.parameters
    result = group.compute_gradients(parameters, partial(_pass, model, batch))
    if parameters.regularized and model.trainable:
        result = result._replace(loss=result.loss + parameters.penalty())
        if math.isfinite(result.loss):
            parameters.add_penalty_gradient()
    return result


def _pass(
    model: Network, batch: Data, summed: bool, after_layer: Callable[[Layer], None] | None
) -> Pass:
    """Return the result of `_run_pass`, which may end between forward and backward."""
    try:
        return _run_pass(model, batch, summed, after_layer)
    finally:
        model.end_pass()


def _run_pass(
    model: Network, batch: Data, summed: bool, after_layer: Callable[[Layer], None] | None
) -> Pass:
    """Run a batch forward, and backward if the loss is finite; see `MakePass`.

    A batch without samples is not run, because losses of users may not support one.
    """
    assert model.loss is not None
    if not len(batch):
        shape = model.compute_output_shape(batch.x.shape)
        return Pass(0.0, 0, 0, np.empty([size or 0 for size in shape], model.dtype), None)
    paired = model.head_is_paired
    through = not paired if isinstance(paired, bool) else [not it for it in paired]
    outputs, mask = model.run_in_training(batch.x, batch.mask)
    loss, d_outputs = model.loss.value_and_gradient(
        batch.y, outputs, batch.weight, logits=paired, **mask_argument(mask)
    )
    values = count_values(outputs, mask)
    if model.loss_weight != 1:
        loss, d_outputs = loss * model.loss_weight, d_outputs * model.loss_weight
    loss += _activity_penalty(model, summed, mask)
    if math.isfinite(loss):
        if summed:
            d_outputs *= d_outputs.dtype.type(values)
        model.backward(
            d_outputs,
            through_activation=through,
            keep_tape=False,
            after_layer=after_layer,
            activity_scale=values if summed else 1.0,
        )
    return Pass(loss, values, len(batch), outputs, mask)


def _activity_penalty(model: Network, summed: bool, mask: Array | None) -> float:
    """Return the penalties of the layers' outputs in the last run.

    Processes weight their losses by the numbers of values, which with masks are not proportional
    to the numbers of samples.
    """
    penalty = model.activity_penalty()
    if penalty and summed and mask is not None:
        raise ValueError("several processes cannot train with activity_regularizer= and a mask")
    return penalty


def prepare(model: Network, data: Data) -> None:
    """Build the model and the optimizer if they are not built yet."""
    assert model.optimizer is not None
    checks.build_for(model, data)
    if model.metrics:
        model.require_numbers(model.compute_output_shape(data.shape(model.fixed_time)))
    model.require_gradients()
    model.optimizer.build(model.parameters)
    if not model.trainable_weights and not model.parameters.statistics:
        _warn_of_nothing_trained(model)


def _warn_of_nothing_trained(model: Network) -> None:
    """Warn that training will change nothing, with the reason."""
    trainable = [repr(layer.name) for layer in model.layers if layer.trainable_weights]
    reason = "it has no weights" if not model.parameters.items else "all its layers are frozen"
    if trainable:  # only the model is frozen
        reason = (
            f"model.trainable is False, which overrides that of layer {', '.join(trainable)}: "
            "set model.trainable = True, then freeze the other layers"
        )
    warn(f"training will change nothing: {reason}")


def train_on_batch(model: Network, data: Data) -> dict[str, float]:
    """Take one optimizer step and return the loss and metrics of the batch."""
    require_samples(data)
    checks.require_whole_batches(model, len(data), len(data))
    prepare(model, data)
    batch = data.batch(model, slice(None))
    non_finite = NonFiniteSamples(TRAINED, model.dtype, targets=bool(model.metrics))
    with blas_held(), non_finite.check(batch), _statistics_changed(model):
        logs = _checked_step(model, batch)
    non_finite.warn(logs)
    return logs


def _checked_step(model: Network, batch: Data) -> dict[str, float]:
    """Take one step and return the loss and metrics, which are computed before weights change.

    If a loss or metric raises an exception, or anything becomes infinite, which is a
    FloatingPointError, the model is as it was before.
    """
    assert model.optimizer is not None
    before = layer_states.save_states(model)
    statistics = layer_states.save_statistics(model)
    logs: dict[str, float] = {}
    try:
        result = _gradients(model, batch, SingleProcess())
        problem = "" if math.isfinite(result.loss) else f"the loss is {result.loss}"
        if not problem:
            reset_all(model.metrics)
            model.update_metrics(batch.y, result.outputs, batch.weight, result.mask)
            logs = {"loss": result.loss, **results(model.metrics)}
    except BaseException:
        layer_states.restore_states(before)
        layer_states.restore_statistics(statistics)
        raise
    if not problem and model.trainable:
        risky = may_overflow(model.optimizer, model.parameters)
        snapshot = Snapshot(model, "before this step") if risky else None
        model.optimizer.step(model.parameters)
        if snapshot is not None and not weights_are_finite(model):
            snapshot.restore()
            problem = "a weight became infinite"
    if problem:
        layer_states.restore_states(before)
        layer_states.restore_statistics(statistics)
        words = culprit(batch, None, model.dtype)
        raise FloatingPointError(f"{problem}{words}; nothing was changed")
    return logs


def weights_are_finite(model: Network) -> bool:
    """Return True if all weights that training changes are finite.

    They are checked one by one, because the gaps between them in the flat vector may hold NaN:
    Adam with epsilon 0 writes it there.
    """
    items = [*model.trainable_weights, *model.parameters.statistics]
    return all(np.isfinite(item.array).all() for item in items)


def first_culprit(group: ProcessGroup, local_words: str) -> str:
    """Return the words of the first process that found a value that is not finite.

    `local_words` are those of this process.
    """
    named = [
        words if group.size == 1 else f" of rank {rank}{words}"
        for rank, words in enumerate(group.gather(local_words))
        if words != NO_CULPRIT
    ]
    return named[0] if named else NO_CULPRIT


def fit_step(model: Network, batch: Data, settings: FitSettings, group: ProcessGroup) -> Pass:
    """Train on a batch of `fit`: one optimizer step, or several with truncated backpropagation."""
    if settings.bptt_steps is None:
        return _train_step(model, batch, group)
    train_step = partial(_train_step, group=group)
    return truncated_bptt.step(model, batch, settings.bptt_steps, train_step)


def as_result(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Return loss and metrics in the form in which Keras returns them: number, list or dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
