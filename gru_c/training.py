"""The loops over batches that train and evaluate."""

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
from gru_c.callbacks import CallbackList
from gru_c.data import Data, check_batch_size
from gru_c.history import History
from gru_c.interrupts import Interrupt
from gru_c.passes import blas_held
from gru_c.progress import Progress, check_verbose
from gru_c.run_file import RunFile
from gru_c.runs import Run, RunEnded, Totals
from gru_c.sources import FitData, Source

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


def _train_step(model: Sequential, batch: Data) -> tuple[float, Array, Array | None]:
    """Take one optimizer step; loss and outputs of the batch, and which of their steps count.

    When the loss is not finite, nothing is changed; it is for the caller to say so.
    """
    assert model.loss is not None
    assert model.optimizer is not None
    paired, parameters = model.head_is_paired, model.parameters
    outputs, mask = model.run(batch.x, batch.mask, training=True)
    loss, d_outputs = model.loss.value_and_gradient(
        batch.y, outputs, batch.weight, logits=paired, **_if_any(mask)
    )
    if parameters.regularized:
        loss += parameters.penalty()
    if math.isfinite(loss):
        model.backward(d_outputs, through_activation=not paired, keep_tape=False)
        if parameters.regularized:
            parameters.add_penalty_gradient()
        model.optimizer.step(parameters)
    return loss, outputs, mask


def _if_any(mask: Array | None) -> dict[str, Any]:
    """Return the mask as an argument: a user's losses and metrics need not know of masks."""
    return {} if mask is None else {"mask": mask}


def _prepare(model: Sequential, data: Data) -> None:
    """Build what is not there yet, so that the first step finds everything in its place."""
    assert model.optimizer is not None
    if not model.built:
        model.build_from_data(np.broadcast_to(np.float32(0), data.shape(None)))
    model.optimizer.build(model.parameters)


def train_on_batch(model: Sequential, data: Data) -> dict[str, float]:
    """One step; loss and metrics of the batch."""
    states.require_whole_batches(model, len(data), len(data))
    _prepare(model, data)
    before = states.kept(model)
    batch = data.batch(model, slice(None))
    with blas_held():
        loss, outputs, mask = _train_step(model, batch)
    if not math.isfinite(loss):
        states.put_back(before)
        raise FloatingPointError(f"the loss is {loss}{_culprit(batch)}; nothing was changed")
    for metric in model.metrics:
        metric.reset()
        metric.update(batch.y, outputs, **_if_any(mask))
    return {"loss": loss, **_results(model)}


def _results(model: Sequential) -> dict[str, float]:
    return {metric.name: metric.result() for metric in model.metrics}


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
    return (
        ", while all of the batch's x and y are finite: the learning rate may be too high, or an "
        "earlier batch held an infinite value"
    )


# ---- epochs -------------------------------------------------------------------------------------


def fit(
    model: Sequential,
    data: FitData,
    settings: FitSettings,
    rng: np.random.Generator | None,
    callbacks: CallbackList,
    file: RunFile | None = None,
) -> History:
    """Train for some epochs; see `Sequential.fit`."""
    data.require_epochs(settings.epochs - settings.initial_epoch)
    arrays = [len(part) for part in data.parts if isinstance(part, Data)]
    states.require_whole_batches(model, settings.batch_size, *arrays)
    found = None if file is None else file.read()
    _prepare(model, data.train.first)
    model.stop_training = False
    callbacks.begin(
        model,
        verbose=settings.verbose,
        epochs=settings.epochs,
        steps=data.train.batch_count(settings.batch_size),
        validation=data.validation is not None,
    )
    callbacks.call("on_train_begin")
    model.seed_run(rng)
    with blas_held(), Interrupt() as interrupt:
        run = Run(model, callbacks, file, interrupt, settings.initial_epoch)
        if found is not None:
            run.take_up(found)
            data.train.end_epochs(run.epoch - settings.initial_epoch)
        with suppress(RunEnded):
            while run.epoch < settings.epochs and not (model.stop_training or data.train.ended):
                _fit_epoch(model, data, settings, run)
        return run.finish()


def _fit_epoch(model: Sequential, data: FitData, settings: FitSettings, run: Run) -> None:
    """Train and validate once."""
    batches = data.train.batch_count(settings.batch_size)
    title = f"Epoch {run.epoch + 1}/{settings.epochs}"
    with Progress(settings.verbose, title, batches) as progress:
        logs = _epoch(model, data.train, settings, run, progress)
        if data.validation is not None:
            found = _evaluate(
                model,
                data.validation,
                settings.batch_size,
                run.callbacks,
                lambda _: run.end_if_interrupted(),
            )
            logs.update({f"val_{name}": value for name, value in found.items()})
        run.callbacks.call("on_epoch_end", run.epoch, logs=logs)
        progress.finish(logs)
    run.end_epoch(logs)
    data.train.end_epochs(1)


def _epoch(
    model: Sequential, data: Data | Source, settings: FitSettings, run: Run, progress: Progress
) -> dict[str, float]:
    """Go once over the data; mean loss and metrics."""
    before, totals = run.begin_epoch(), run.totals
    rng = model.rng if settings.shuffle else None
    batches = data.batches(model, settings.batch_size, rng, settings.bucket, totals.batches)
    run.ordered()
    culprit: Callable[[], str] = str
    for batch, samples in before.guarded(batches):
        run.begin_batch()
        culprit = partial(_culprit, batch, samples)
        try:
            loss, outputs, mask = _fit_step(model, batch, settings)
        except KeyboardInterrupt:  # a second Ctrl-C, which may have come in the middle of a step
            before.restore()
            raise
        if not math.isfinite(loss):
            place = f"batch {totals.batches + 1} of epoch {run.epoch + 1}{data.place}"
            run.give_up(before, f"the loss became {loss} at {place}{culprit()}")
        totals.add(loss, len(batch))
        for metric in model.metrics:
            metric.update(batch.y, outputs, **_if_any(mask))
        progress.update(len(batch), run.logs)
        if run.end_batch():
            break
    if not totals.batches:
        raise RunEnded
    # The last step's harm shows in no loss. Weight by weight, because the gaps between them may
    # hold anything: Adam with epsilon 0 makes NaN of them.
    if not all(np.isfinite(item.value).all() for item in model.parameters.items):
        problem = f"a weight became infinite at the end of epoch {run.epoch + 1}"
        run.give_up(before, problem + culprit())
    logs = run.logs()
    run.end_training()
    return logs


def _fit_step(
    model: Sequential, batch: Data, settings: FitSettings
) -> tuple[float, Array, Array | None]:
    if settings.bptt_steps is None:
        return _train_step(model, batch)
    return truncated.step(model, batch, settings.bptt_steps, _train_step)


def evaluate(
    model: Sequential,
    data: Data | Source,
    batch_size: int,
    verbose: str | int,
    callbacks: CallbackList,
) -> dict[str, float]:
    """Mean loss and metrics; see `Sequential.evaluate`."""
    if isinstance(data, Data):
        states.require_whole_batches(model, batch_size, len(data))
    batches = data.batch_count(batch_size)
    mode = check_verbose(verbose)
    callbacks.begin(model, verbose=mode, epochs=1, steps=batches)
    with Progress(mode, "Evaluate", batches) as progress:
        logs = _evaluate(model, data, batch_size, callbacks, progress.update)
        progress.finish(logs)
    return logs


def _evaluate(
    model: Sequential,
    data: Data | Source,
    batch_size: int,
    callbacks: CallbackList,
    after_batch: Callable[[int], None],
) -> dict[str, float]:
    assert model.loss is not None
    for metric in model.metrics:
        metric.reset()
    totals = Totals()
    # Of the layers, as a model that shares them with another has no `Parameters` of its own.
    penalty = sum(layer.penalty() for layer in model.layers)

    def logs() -> dict[str, float]:
        return {"loss": totals.mean_loss + penalty, **_results(model)}

    callbacks.call("on_test_begin")
    with blas_held(), model.weights_held():
        for number, (batch, _) in enumerate(data.batches(model, batch_size)):
            callbacks.call("on_test_batch_begin", number)
            outputs, mask = model.run(batch.x, batch.mask)
            totals.add(model.loss(batch.y, outputs, batch.weight, **_if_any(mask)), len(batch))
            for metric in model.metrics:
                metric.update(batch.y, outputs, **_if_any(mask))
            callbacks.call("on_test_batch_end", number, logs=logs)
            after_batch(len(batch))
    callbacks.call("on_test_end", logs=logs)
    return logs()


def as_result(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Return loss and metrics in the form that Keras gives them: a number, a list or a dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
