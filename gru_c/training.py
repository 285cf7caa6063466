"""The loops over batches that train and evaluate."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c import states, truncated
from gru_c.batches import Epoch
from gru_c.callbacks import CallbackList
from gru_c.data import Data, check_batch_size, require_samples
from gru_c.doubts import Missing
from gru_c.history import History
from gru_c.interrupts import Interrupt
from gru_c.layers import Layer
from gru_c.metrics import reset_all
from gru_c.passes import blas_held
from gru_c.progress import SILENT, Progress, check_verbose
from gru_c.replicas import Alone, Parts, Pass, results
from gru_c.run_file import RunFile
from gru_c.runs import Run, RunEnded, Totals
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
    parameters = model.parameters
    found = replicas.gradients(parameters, partial(_pass, model, batch))
    if parameters.regularized and model.trainable:
        found = found._replace(loss=found.loss + parameters.penalty())
    if math.isfinite(found.loss) and model.trainable:
        if parameters.regularized:
            parameters.add_penalty_gradient()
        with replicas.later():  # a schedule or a constraint may be the user's
            model.optimizer.step(parameters)
        replicas.stepped(model)
    return found


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
        batch.y, outputs, batch.weight, logits=paired, **_if_any(mask)
    )
    values = _count_values(outputs, mask)
    if math.isfinite(loss):
        if summed:
            d_outputs *= d_outputs.dtype.type(values)
        model.backward(
            d_outputs, through_activation=not paired, keep_tape=False, after_layer=after_layer
        )
    return Pass(loss, values, len(batch), outputs, mask)


def _count_values(outputs: Array, mask: Array | None) -> int:
    """Return how many values a loss is the mean over."""
    if mask is None:
        return math.prod(outputs.shape[:-1])
    return int(np.count_nonzero(mask)) * math.prod(outputs.shape[2:-1])


def _if_any(mask: Array | None) -> dict[str, Any]:
    """Return the mask as an argument: a user's losses and metrics need not know of masks."""
    return {} if mask is None else {"mask": mask}


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
    warnings.warn(f"training will change nothing: {reason}", stacklevel=5)


def train_on_batch(model: Sequential, data: Data) -> dict[str, float]:
    """One step; loss and metrics of the batch."""
    require_samples(data)
    states.require_whole_batches(model, len(data), len(data))
    _prepare(model, data)
    before = states.kept(model)
    batch = data.batch(model, slice(None))
    with blas_held():
        found = _train_step(model, batch, Alone())
    if not math.isfinite(found.loss):
        states.put_back(before)
        raise FloatingPointError(f"the loss is {found.loss}{_culprit(batch)}; nothing was changed")
    reset_all(model.metrics)
    for metric in model.metrics:
        metric.update(batch.y, found.outputs, **_if_any(found.mask))
    return {"loss": found.loss, **results(model.metrics)}


_NO_CULPRIT = (
    ", while all of the batch's x and y are finite: the learning rate may be too high, or an "
    "earlier batch held an infinite value"
)


def _culprit(batch: Data, samples: Array | None = None) -> str:
    """Name what in the batch is not finite, if anything that counts is.

    `samples` are the places of the batch's samples in the user's data, where the two differ.
    """
    for name, array, by_step in (("x", batch.x, True), ("y", batch.y, batch.per_step)):
        finite = np.isfinite(array) if array.dtype.kind == "f" else np.ones(array.shape, bool)
        if by_step and batch.mask is not None:
            finite[~batch.mask] = True
        bad = np.argwhere(~finite)
        if len(bad):
            sample, *rest = bad[0]
            place = [sample if samples is None else samples[sample], *rest]
            where = ", ".join(map(str, place))
            count = f"{len(bad)} values of {name} in this batch are not finite"
            return f": {count}, the first is {name}[{where}]"
    return _NO_CULPRIT


def _culprit_of_all(replicas: Alone, own: str) -> str:
    """Return the first process's words that name something, with its number."""
    named = [
        words if replicas.size == 1 else f" of rank {rank}{words}"
        for rank, words in enumerate(replicas.gather(own))
        if words != _NO_CULPRIT
    ]
    return named[0] if named else _NO_CULPRIT


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

    def after_batch(batch: Data, samples: Array | None) -> None:
        run.missing.look(batch, samples)
        run.end_validation_if_interrupted()

    with Progress(settings.verbose, title, batches) as progress:
        logs = _epoch(model, data.train, settings, run, progress)
        if data.validation is not None:
            found = _evaluate(
                model,
                data.validation,
                settings.batch_size,
                run.callbacks,
                after_batch,
                run.replicas,
            )
            run.missing.warn()
            logs.update({f"val_{name}": value for name, value in found.items()})
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
    culprit: Callable[[], str] = str
    for batch, samples in before.guarded(batches):
        run.begin_batch()
        culprit = partial(_culprit, batch, samples)
        try:
            found = _fit_step(model, batch, settings, replicas)
        except BaseException:  # a second Ctrl-C, say, which may have come in the middle of a step
            before.restore()
            raise
        if not math.isfinite(found.loss):
            place = f"batch {totals.batches + 1} of epoch {run.epoch + 1}{data.place}"
            words = _culprit_of_all(replicas, culprit())
            run.give_up(before, f"the loss became {found.loss} at {place}{words}")
        totals.add(found.loss, found.samples)
        if len(batch):
            run.seen = True
            with replicas.later():
                for metric in model.metrics:
                    metric.update(batch.y, found.outputs, **_if_any(found.mask))
        progress.update(found.samples, run.own_logs)
        if run.end_batch():
            break
    if not totals.batches:
        raise RunEnded
    try:
        replicas.settle()
    except Exception:
        before.restore()
        raise
    # The last step's harm shows in no loss. Weight by weight, because the gaps between them may
    # hold anything: Adam with epsilon 0 makes NaN of them.
    if not all(np.isfinite(item.array).all() for item in model.trainable_weights):
        problem = f"a weight became infinite at the end of epoch {run.epoch + 1}"
        run.give_up(before, problem + _culprit_of_all(replicas, culprit()))
    logs = run.logs()
    run.end_training()
    return logs


def _fit_step(model: Sequential, batch: Data, settings: FitSettings, replicas: Alone) -> Pass:
    if settings.bptt_steps is None:
        return _train_step(model, batch, replicas)
    train_step = partial(_train_step, replicas=replicas)
    return truncated.step(model, batch, settings.bptt_steps, train_step)


def evaluate(
    model: Sequential,
    data: Batches,
    batch_size: int,
    verbose: str | int,
    callbacks: CallbackList,
    replicas: Alone,
) -> dict[str, float]:
    """Mean loss and metrics; see `Sequential.evaluate`."""
    batches = data.batch_count(batch_size)
    mode = check_verbose(verbose if replicas.first else SILENT)
    replicas.check_even(model)
    with replicas.together():
        callbacks.begin(model, first=replicas.first, verbose=mode, epochs=1, steps=batches)
    missing = Missing("they are part of the loss and the metrics")
    with Progress(mode, "Evaluate", batches) as progress:

        def after_batch(batch: Data, samples: Array | None) -> None:
            missing.look(batch, samples)
            progress.update(len(batch))

        logs = _evaluate(model, data, batch_size, callbacks, after_batch, replicas)
        progress.finish(logs)
    missing.warn()
    return logs


def _evaluate(
    model: Sequential,
    data: Batches,
    batch_size: int,
    callbacks: CallbackList,
    after_batch: Callable[[Data, Array | None], None],
    replicas: Alone,
) -> dict[str, float]:
    """Mean loss and metrics over the samples of all; callbacks see this process's after a batch."""
    assert model.loss is not None
    totals, parts = Totals(), Parts()
    # Of the layers, as a model that shares them with another has no `Parameters` of its own.
    penalty = sum(layer.penalty() for layer in model.layers) if model.trainable else 0

    def own_logs() -> dict[str, float]:
        return {"loss": totals.mean_loss + penalty, **results(model.metrics)}

    with replicas.together(), blas_held(), model.weights_held():
        reset_all(model.metrics)
        callbacks.call("on_test_begin")
        for number, (batch, samples) in enumerate(data.batches(model, Epoch(batch_size))):
            if not len(batch):  # this process's part of it
                parts.append((0.0, 0, 0))
                continue
            callbacks.call("on_test_batch_begin", number)
            outputs, mask = model.run(batch.x, batch.mask)
            loss = model.loss(batch.y, outputs, batch.weight, **_if_any(mask))
            totals.add(loss, len(batch))
            parts.append((loss, _count_values(outputs, mask), len(batch)))
            for metric in model.metrics:
                metric.update(batch.y, outputs, **_if_any(mask))
            callbacks.call("on_test_batch_end", number, logs=own_logs)
            after_batch(batch, samples)
    logs = {"loss": replicas.mean_loss(parts) + penalty, **replicas.merged(model.metrics)}
    with replicas.together():
        callbacks.call("on_test_end", logs=logs)
    return logs


def as_result(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Return loss and metrics in the form that Keras gives them: a number, a list or a dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
