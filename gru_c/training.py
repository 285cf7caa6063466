"""The loop over batches that trains."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c import states, truncated
from gru_c._warnings import warn
from gru_c.batches import Epoch
from gru_c.callbacks import CallbackList
from gru_c.data import Data, check_batch_size, require_samples
from gru_c.evaluating import Evaluated, count_values, evaluate_batches, if_any, looker, place_of
from gru_c.history import History
from gru_c.interrupts import Interrupt
from gru_c.layers import Layer
from gru_c.metrics import reset_all
from gru_c.missing import NO_CULPRIT, Missing, culprit
from gru_c.optimizers import may_overflow
from gru_c.passes import blas_held
from gru_c.progress import Progress, check_verbose
from gru_c.replicas import Alone, Pass, results
from gru_c.run_file import RunFile
from gru_c.run_state import Snapshot
from gru_c.runs import TRAINED, Run, RunEnded
from gru_c.sources import Batches, FitData

if TYPE_CHECKING:
    from gru_c.model import Sequential

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class FitSettings:
    """How `fit` goes over the data."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    verbose: int
    bptt_steps: int | None = None
    bucket: bool = False

    @classmethod
    def of(
        cls,
        batch_size: int | None,
        epochs: int,
        initial_epoch: int,
        shuffle: bool,
        verbose: str | int,
        bptt_steps: int | None = None,
        bucket: bool = False,
    ) -> FitSettings:
        """Check the arguments; `bptt_steps` and `bucket` have been checked."""
        return cls(
            check_batch_size(batch_size),
            _check_epoch("epochs", epochs),
            _check_epoch("initial_epoch", initial_epoch),
            bool(shuffle),
            check_verbose(verbose),
            bptt_steps,
            bucket,
        )

    @property
    def deciding(self) -> dict[str, Any]:
        """What the result depends on, by name."""
        return {name: value for name, value in asdict(self).items() if name != "verbose"}


def _check_epoch(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"{name} must be an integer of at least 0, got {value!r}")
    return int(value)


# ---- one batch ----------------------------------------------------------------------------------


def _train_step(model: Sequential, batch: Data, replicas: Alone) -> Pass:
    """Take one optimizer step, on the weights of layers that are trainable.

    When the loss is not finite, nothing is changed; it is for the caller to say so.
    """
    assert model.optimizer is not None
    result = _gradients(model, batch, replicas)
    if math.isfinite(result.loss) and model.trainable:
        with replicas.later():  # a schedule or a constraint may be the user's
            model.optimizer.step(model.parameters)
        replicas.stepped(model)
    return result


def _gradients(model: Sequential, batch: Data, replicas: Alone) -> Pass:
    """Run a batch forward and, if the loss is finite, backward, penalties included."""
    parameters = model.parameters
    result = replicas.gradients(parameters, partial(_pass, model, batch))
    if parameters.regularized and model.trainable:
        result = result._replace(loss=result.loss + parameters.penalty())
        if math.isfinite(result.loss):
            parameters.add_penalty_gradient()
    return result


def _pass(
    model: Sequential, batch: Data, summed: bool, after_layer: Callable[[Layer], None] | None
) -> Pass:
    """Run a batch forward, and backward if the loss is finite: see `Alone.gradients`.

    Without samples nothing is run: user's losses need not know of such batches.
    """
    assert model.loss is not None
    if not len(batch):
        shape = model.compute_output_shape(batch.x.shape)
        return Pass(0.0, 0, 0, np.empty([size or 0 for size in shape], model.dtype), None)
    paired = model.head_is_paired
    outputs, mask = model.run(batch.x, batch.mask, training=True)
    loss, d_outputs = model.loss.value_and_gradient(
        batch.y, outputs, batch.weight, logits=paired, **if_any(mask)
    )
    values = count_values(outputs, mask)
    if math.isfinite(loss):
        if summed:
            d_outputs *= d_outputs.dtype.type(values)
        model.backward(
            d_outputs, through_activation=not paired, keep_tape=False, after_layer=after_layer
        )
    return Pass(loss, values, len(batch), outputs, mask)


def _prepare(model: Sequential, data: Data) -> None:
    """Build what is not there yet, so that the first step finds everything in its place."""
    assert model.optimizer is not None
    if not model.built:
        model.build_from_data(np.broadcast_to(np.float32(0), data.shape(None)))
    model.optimizer.build(model.parameters)
    if not model.trainable_weights:
        _warn_of_nothing_trained(model)


def _warn_of_nothing_trained(model: Sequential) -> None:
    """Say that training will change nothing, and why."""
    trainable = [repr(layer.name) for layer in model.layers if layer.trainable_weights]
    reason = "it has no weights" if not model.parameters.items else "all its layers are frozen"
    if trainable:  # the model alone is frozen
        reason = (
            f"model.trainable is False, which goes before that of layer {', '.join(trainable)}: "
            "set model.trainable = True, then freeze the other layers"
        )
    warn(f"training will change nothing: {reason}")


def train_on_batch(model: Sequential, data: Data) -> dict[str, float]:
    """One step; loss and metrics of the batch."""
    require_samples(data)
    states.require_whole_batches(model, len(data), len(data))
    _prepare(model, data)
    batch = data.batch(model, slice(None))
    missing = Missing(TRAINED, model.dtype, targets=bool(model.metrics))
    with blas_held(), missing.look(batch):
        result = _checked_step(model, batch)
    reset_all(model.metrics)
    for metric in model.metrics:
        metric.update(batch.y, result.outputs, **if_any(result.mask))
    logs = {"loss": result.loss, **results(model.metrics)}
    missing.warn(logs)
    return logs


def _checked_step(model: Sequential, batch: Data) -> Pass:
    """Take one step; FloatingPointError, and nothing changed, where anything becomes infinite."""
    assert model.optimizer is not None
    before = states.kept(model)
    result = _gradients(model, batch, Alone())
    problem = "" if math.isfinite(result.loss) else f"the loss is {result.loss}"
    if not problem and model.trainable:
        risky = may_overflow(model.optimizer, model.parameters)
        snapshot = Snapshot(model, "before this step") if risky else None
        model.optimizer.step(model.parameters)
        if snapshot is not None and not _weights_are_finite(model):
            snapshot.restore()
            problem = "a weight became infinite"
    if problem:
        states.put_back(before)
        words = culprit(batch, None, model.dtype)
        raise FloatingPointError(f"{problem}{words}; nothing was changed")
    return result


def _weights_are_finite(model: Sequential) -> bool:
    """Return whether all weights that are trained are.

    Weight by weight, because the gaps between them may hold anything: Adam with epsilon 0 makes NaN
    of them.
    """
    return all(np.isfinite(item.array).all() for item in model.trainable_weights)


def _culprit_of_all(replicas: Alone, own: str) -> str:
    """Return the first process's words that name something, with its number."""
    named = [
        words if replicas.size == 1 else f" of rank {rank}{words}"
        for rank, words in enumerate(replicas.gather(own))
        if words != NO_CULPRIT
    ]
    return named[0] if named else NO_CULPRIT


# ---- epochs -------------------------------------------------------------------------------------


def fit(
    model: Sequential,
    data: FitData,
    settings: FitSettings,
    rng: np.random.Generator | None,
    callbacks: CallbackList,
    file: RunFile | None,
    replicas: Alone,
) -> History:
    """Train for some epochs; see `Sequential.fit`. Only the first process has the file."""
    found = replicas.first_of(lambda: None if file is None else file.read())
    with replicas.together():
        _prepare(model, data.train.first)
    model.stop_training = False
    model.seed_run(rng)
    replicas.even_out(model)
    with replicas.together():
        callbacks.begin(
            model,
            first=replicas.first,
            verbose=settings.verbose,
            epochs=settings.epochs,
            steps=data.train.batch_count(settings.batch_size),
            validation=data.validation is not None,
        )
        callbacks.call("on_train_begin")
    with blas_held(), Interrupt() as interrupt, replicas.drawing(model):
        run = Run(model, callbacks, file, interrupt, settings.initial_epoch, replicas)
        if found is not None:
            with replicas.together():
                run.take_up(found)
            data.train.end_epochs(run.epoch - settings.initial_epoch)
        with suppress(RunEnded):
            while run.epoch < settings.epochs and not (run.stops() or data.train.ended):
                _fit_epoch(model, data, settings, run)
        return run.finish()


def _fit_epoch(model: Sequential, data: FitData, settings: FitSettings, run: Run) -> None:
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

            found = evaluate_batches(model, validated, run.callbacks, after_batch, run.replicas)
            results_there = {f"val_{name}": value for name, value in found.items()}
            missing.warn(results_there)
            logs.update(results_there)
        logs = run.end_epoch(logs)
        progress.finish(logs)
    run.go_on()
    data.train.end_epochs(1)


def _epoch(
    model: Sequential, data: Batches, settings: FitSettings, run: Run, progress: Progress
) -> dict[str, float]:
    """Go once over the data; mean loss and metrics."""
    before, totals, replicas = run.begin_epoch(), run.totals, run.replicas
    rng = model.rng if settings.shuffle else None
    epoch = Epoch(settings.batch_size, rng, settings.bucket, totals.batches)
    batches = data.batches(model, epoch)
    run.ordered()
    words: Callable[[], str] = str
    look = looker(model, data, replicas)
    for batch, samples in before.guarded(batches):
        run.begin_batch()
        where = place_of(data, samples, totals)
        words = partial(run.missing.culprit, batch, where)
        try:
            with run.missing.look(batch, where):
                result = _fit_step(model, batch, settings, replicas)
        except BaseException:  # a second Ctrl-C, say, which may have come in the middle of a step
            before.restore()
            raise
        if not math.isfinite(result.loss):
            place = f"batch {totals.batches + 1} of epoch {run.epoch + 1}{data.place}"
            named = _culprit_of_all(replicas, words())
            run.give_up(before, f"the loss became {result.loss} at {place}{named}")
        totals.add(result.loss, result.samples)
        if len(batch):
            run.seen = True
            look(batch)
            with replicas.later():
                for metric in model.metrics:
                    metric.update(batch.y, result.outputs, **if_any(result.mask))
        progress.update(result.samples, run.own_logs)
        if run.end_batch():
            break
    if not totals.batches:
        raise RunEnded
    try:
        replicas.settle()
    except Exception:
        before.restore()
        raise
    if not _weights_are_finite(model):  # the last step's harm shows in no loss
        problem = f"a weight became infinite at the end of epoch {run.epoch + 1}"
        run.give_up(before, problem + _culprit_of_all(replicas, words()))
    logs = run.logs()
    run.missing.warn(logs)
    run.end_training()
    return logs


def _fit_step(model: Sequential, batch: Data, settings: FitSettings, replicas: Alone) -> Pass:
    if settings.bptt_steps is None:
        return _train_step(model, batch, replicas)
    train_step = partial(_train_step, replicas=replicas)
    return truncated.step(model, batch, settings.bptt_steps, train_step)


def as_result(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Return loss and metrics in the form that Keras gives them: a number, a list or a dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
