"""The loops over batches: fit, evaluate, predict."""

from __future__ import annotations

import math
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from gru_c import states, truncated
from gru_c.data import Data, FitData, Samples
from gru_c.layers.base import check_count
from gru_c.passes import blas_held
from gru_c.progress import Progress, check_verbose
from gru_c.sequences import SequenceList
from gru_c.steps import mask_of

if TYPE_CHECKING:
    from gru_c.model import Sequential

Array = npt.NDArray[Any]

DEFAULT_BATCH_SIZE = 32


class History:
    """What a `fit` recorded.

    Attributes
    ----------
    history : dict of str to list of float
        A value per epoch: "loss", the metrics, and both with ``"val_"`` before the name.
    epoch : list of int
        Numbers of the epochs, from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def append(self, epoch: int, logs: dict[str, float]) -> None:
        """Add an epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}>"


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


def check_batch_size(batch_size: int | None) -> int:
    """Return the batch size as an int >= 1, or an exception that says what it was."""
    return DEFAULT_BATCH_SIZE if batch_size is None else check_count("batch_size", batch_size)


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
    batch = data.batch(slice(None), model.fixed_time)
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


class _Snapshot:
    """Weights, optimizer and states at the beginning of an epoch, to go back to."""

    def __init__(self, model: Sequential) -> None:
        assert model.optimizer is not None
        self.model = model
        self.values = model.parameters.values.copy()
        self.slots = {name: slot.copy() for name, slot in model.optimizer.slots.items()}
        self.iterations = model.optimizer.iterations
        self.states = states.kept(model)

    def give_up(self, problem: str) -> NoReturn:
        """Go back and raise."""
        self._restore()
        raise FloatingPointError(
            f"{problem}; weights and optimizer are as they were at the beginning of this epoch"
        )

    def _restore(self) -> None:
        optimizer = self.model.optimizer
        assert optimizer is not None
        self.model.parameters.values[:] = self.values
        for name, slot in self.slots.items():
            optimizer.slots[name][:] = slot
        optimizer.iterations = self.iterations
        states.put_back(self.states)


def fit(
    model: Sequential, data: FitData, settings: FitSettings, rng: np.random.Generator | None
) -> History:
    """Train for some epochs; see `Sequential.fit`."""
    parts = [part for part in (data.train, data.validation) if part is not None]
    states.require_whole_batches(model, settings.batch_size, *map(len, parts))
    _prepare(model, data.train)
    model.seed_run(rng)
    model.history = history = History()
    with blas_held():
        for epoch in range(settings.initial_epoch, settings.epochs):
            batches = math.ceil(len(data.train) / settings.batch_size)
            title = f"Epoch {epoch + 1}/{settings.epochs}"
            with Progress(settings.verbose, title, batches) as progress:
                logs = _epoch(model, data.train, settings, epoch, progress)
                if data.validation is not None:
                    found = _evaluate(model, data.validation, settings.batch_size)
                    logs.update({f"val_{name}": value for name, value in found.items()})
                progress.finish(logs)
            history.append(epoch, logs)
    return history


def _epoch(
    model: Sequential, data: Data, settings: FitSettings, epoch: int, progress: Progress
) -> dict[str, float]:
    """Go once over the data; mean loss and metrics."""
    before = _Snapshot(model)
    plan = data.plan(
        settings.batch_size, model.rng if settings.shuffle else None, bucket=settings.bucket
    )
    for metric in model.metrics:
        metric.reset()
    total, seen = 0.0, 0
    for number, where in enumerate(plan, start=1):
        batch = data.batch(where, model.fixed_time)
        if settings.bucket and model.fixed_time is None:
            batch = batch.shortened()
        if settings.bptt_steps is None:
            loss, outputs, mask = _train_step(model, batch)
        else:
            loss, outputs, mask = truncated.step(model, batch, settings.bptt_steps, _train_step)
        if not math.isfinite(loss):
            problem = f"the loss became {loss} at batch {number} of epoch {epoch + 1}"
            before.give_up(problem + _culprit(batch, np.arange(len(data))[where]))
        total, seen = total + loss * len(batch), seen + len(batch)
        for metric in model.metrics:
            metric.update(batch.y, outputs, **_if_any(mask))
        progress.update(lambda: {"loss": total / seen, **_results(model)})  # noqa: B023
    # The last step's harm shows in no loss. Weight by weight, because the gaps between them may
    # hold anything: Adam with epsilon 0 makes NaN of them.
    if not all(np.isfinite(item.value).all() for item in model.parameters.items):
        problem = f"a weight became infinite at the end of epoch {epoch + 1}"
        before.give_up(problem + _culprit(batch, np.arange(len(data))[where]))
    return {"loss": total / seen, **_results(model)}


def evaluate(
    model: Sequential, data: Data, batch_size: int, verbose: str | int
) -> dict[str, float]:
    """Mean loss and metrics; see `Sequential.evaluate`."""
    states.require_whole_batches(model, batch_size, len(data))
    batches = math.ceil(len(data) / batch_size)
    with Progress(check_verbose(verbose), "Evaluate", batches) as progress:
        logs = _evaluate(model, data, batch_size, progress)
        progress.finish(logs)
    return logs


def _evaluate(
    model: Sequential, data: Data, batch_size: int, progress: Progress | None = None
) -> dict[str, float]:
    assert model.loss is not None
    for metric in model.metrics:
        metric.reset()
    total = 0.0
    with blas_held(), model.weights_held():
        for where in data.plan(batch_size):
            batch = data.batch(where, model.fixed_time)
            outputs, mask = model.run(batch.x, batch.mask)
            total += model.loss(batch.y, outputs, batch.weight, **_if_any(mask)) * len(batch)
            for metric in model.metrics:
                metric.update(batch.y, outputs, **_if_any(mask))
            if progress is not None:
                progress.update()
    # Of the layers, as a model that shares them with another has no `Parameters` of its own.
    penalty = sum(layer.penalty() for layer in model.layers)
    return {"loss": total / len(data) + penalty, **_results(model)}


def predict(
    model: Sequential,
    x: Any,
    batch_size: int | None,
    verbose: str | int,
    lengths: npt.ArrayLike | None = None,
    bucket: bool = False,
) -> Array | list[Array]:
    """Return the outputs for all samples; see `Sequential.predict`."""
    model.require_built("predict")
    samples = Samples.inputs(model, x, lengths)
    size = check_batch_size(batch_size)
    states.require_whole_batches(model, size, len(samples))
    plan = samples.plan(size, bucket=samples.check_bucket(model, bucket))
    mode = check_verbose(verbose)
    if verbose == "auto" and (len(plan) <= 1 or not sys.stderr.isatty()):
        mode = 0
    with (
        blas_held(),
        model.weights_held() if len(plan) > 1 else nullcontext(),
        Progress(mode, "Predict", len(plan)) as progress,
    ):
        compute = _predict_list if isinstance(samples.x, SequenceList) else _predict_array
        return compute(model, samples, plan, progress)


def _predict_array(
    model: Sequential, samples: Samples, plan: list[Any], progress: Progress
) -> Array:
    """Return the outputs in one array."""
    x, lengths = samples.x, samples.lengths
    shape = model.compute_output_shape(x.shape)
    outputs = np.empty([int(length or 0) for length in shape], model.dtype)
    for where in plan:
        mask = None if lengths is None else mask_of(lengths[where], x.shape[1])
        outputs[where] = model.forward(x[where], mask=mask)
        progress.update()
    return outputs


def _predict_list(
    model: Sequential, samples: Samples, plan: list[Any], progress: Progress
) -> Array | list[Array]:
    """Return a list, where each step of a sequence has an output, else one array."""
    found: list[Any] = [None] * len(samples)
    mask = None
    for where in plan:
        batch = samples.batch(where, model.fixed_time)
        outputs, mask = model.run(batch.x, batch.mask)
        numbers = np.arange(len(samples))[where]
        for number, output, length in zip(numbers, outputs, samples.x.lengths[where], strict=True):
            found[number] = output if mask is None else output[:length]
        progress.update()
    return np.stack(found) if mask is None else found


def as_result(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Return loss and metrics in the form that Keras gives them: a number, a list or a dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
