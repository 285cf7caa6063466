"""The loops over batches: fit, evaluate, predict."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from gru_c import states, truncated
from gru_c.arrays import as_real
from gru_c.chain import NO_LAYERS
from gru_c.layers.base import check_count
from gru_c.passes import blas_held
from gru_c.progress import Progress, check_verbose

if TYPE_CHECKING:
    from gru_c.model import Sequential

Array = npt.NDArray[Any]

DEFAULT_BATCH_SIZE = 32


class History:
    """What a `fit` recorded.

    Attributes
    ----------
    history : dict of str to list of float
        A value per epoch: "loss", the metrics, and both with "val_" before the name.
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
class Data:
    """Samples that have been checked against a model and its loss."""

    x: Array
    y: Array
    weight: Array | None

    @classmethod
    def of(
        cls,
        model: Sequential,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
    ) -> Data:
        """Check everything that a loop will need, before anything is changed."""
        if model.optimizer is None or model.loss is None:
            raise ValueError(
                "the model does not know what to minimise: call "
                "compile(optimizer='adam', loss='mse') first"
            )
        if not model.layers:
            raise ValueError(NO_LAYERS)
        inputs = model.check_input(x)
        if inputs.ndim < 2:
            raise ValueError(f"x must have shape (samples, ...), got {inputs.shape}")
        if len(inputs) == 0:
            raise ValueError(f"x has no samples: its shape is {inputs.shape}")
        targets = as_real("y", y)
        if targets.ndim == 0 or len(targets) != len(inputs):
            raise ValueError(f"x has {len(inputs)} samples, y has shape {targets.shape}")
        output_shape = model.compute_output_shape(inputs.shape)
        shape = tuple(int(size or 0) for size in output_shape)
        return cls(inputs, *model.loss.check(targets, shape, sample_weight))

    def __len__(self) -> int:
        return len(self.x)

    def take(self, where: slice | Array) -> Data:
        """Return some of the samples."""
        weight = None if self.weight is None else self.weight[where]
        return Data(self.x[where], self.y[where], weight)

    def steps(self, first: int, end: int, *, only_x: bool = False) -> Data:
        """Return time steps first .. end of all samples; `only_x`: of the inputs alone."""
        if only_x:
            return Data(self.x[:, first:end], self.y, self.weight)
        per_step = self.weight is not None and self.weight.ndim > 1 and self.weight.shape[1] > 1
        weight = self.weight[:, first:end] if per_step else self.weight  # type: ignore[index]
        return Data(self.x[:, first:end], self.y[:, first:end], weight)

    def batches(self, batch_size: int, order: Array | None = None) -> Iterator[Data]:
        """Yield the samples by `batch_size`, in the order given."""
        for first in range(0, len(self), batch_size):
            window = slice(first, first + batch_size)
            yield self.take(window if order is None else order[window])


@dataclass(frozen=True)
class FitData:
    """Samples to train on, and samples to validate on."""

    train: Data
    validation: Data | None

    @classmethod
    def of(
        cls,
        model: Sequential,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        validation_split: float,
        validation_data: tuple[Any, ...] | None,
    ) -> FitData:
        """Check and split."""
        data = Data.of(model, x, y, sample_weight)
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise ValueError(
                    "validation_data must be (x, y) or (x, y, sample_weight), got "
                    f"{type(validation_data).__name__}"
                )
            validation_x, validation_y, *weight = validation_data
            return cls(data, Data.of(model, validation_x, validation_y, *(weight or [None])))
        if (
            not isinstance(validation_split, (int, float, np.number))
            or not 0 <= validation_split < 1
        ):
            raise ValueError(f"validation_split must be in [0, 1), got {validation_split!r}")
        if validation_split == 0:
            return cls(data, None)
        kept = math.floor(len(data) * (1 - validation_split))
        if kept in (0, len(data)):
            raise ValueError(
                f"validation_split={validation_split} of {len(data)} samples leaves "
                f"{kept} to train on and {len(data) - kept} to validate on"
            )
        return cls(data.take(slice(0, kept)), data.take(slice(kept, None)))


@dataclass(frozen=True)
class FitSettings:
    """How `fit` goes over the data."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    verbose: int
    bptt_steps: int | None = None

    @classmethod
    def of(
        cls,
        batch_size: int | None,
        epochs: int,
        initial_epoch: int,
        shuffle: bool,
        verbose: str | int,
        bptt_steps: int | None = None,
    ) -> FitSettings:
        """Check the arguments; `bptt_steps` has been checked."""
        return cls(
            check_batch_size(batch_size),
            _check_epoch("epochs", epochs),
            _check_epoch("initial_epoch", initial_epoch),
            bool(shuffle),
            check_verbose(verbose),
            bptt_steps,
        )


def check_batch_size(batch_size: int | None) -> int:
    """Return the batch size as an int >= 1, or an exception that says what it was."""
    return DEFAULT_BATCH_SIZE if batch_size is None else check_count("batch_size", batch_size)


def _check_epoch(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"{name} must be an integer of at least 0, got {value!r}")
    return int(value)


# ---- one batch ----------------------------------------------------------------------------------


def _train_step(model: Sequential, batch: Data) -> tuple[float, Array]:
    """Take one optimizer step; loss and outputs of the batch.

    When the loss is not finite, nothing is changed; it is for the caller to say so.
    """
    assert model.loss is not None
    assert model.optimizer is not None
    paired, parameters = model.head_is_paired, model.parameters
    outputs = model.forward(batch.x, training=True)
    loss, d_outputs = model.loss.value_and_gradient(batch.y, outputs, batch.weight, logits=paired)
    if parameters.regularized:
        loss += parameters.penalty()
    if math.isfinite(loss):
        model.backward(d_outputs, through_activation=not paired, keep_tape=False)
        if parameters.regularized:
            parameters.add_penalty_gradient()
        model.optimizer.step(parameters)
    return loss, outputs


def _prepare(model: Sequential, data: Data) -> None:
    """Build what is not there yet, so that the first step finds everything in its place."""
    assert model.optimizer is not None
    if not model.built:
        model.build_from_data(data.x)
    model.optimizer.build(model.parameters)


def train_on_batch(model: Sequential, batch: Data) -> dict[str, float]:
    """One step; loss and metrics of the batch."""
    states.require_whole_batches(model, len(batch), len(batch))
    _prepare(model, batch)
    before = states.kept(model)
    with blas_held():
        loss, outputs = _train_step(model, batch)
    if not math.isfinite(loss):
        states.put_back(before)
        raise FloatingPointError(f"the loss is {loss}{_culprit(batch)}; nothing was changed")
    for metric in model.metrics:
        metric.reset()
        metric.update(batch.y, outputs)
    return {"loss": loss, **_results(model)}


def _results(model: Sequential) -> dict[str, float]:
    return {metric.name: metric.result() for metric in model.metrics}


def _culprit(batch: Data, samples: Array | None = None) -> str:
    """Name what in the batch is not finite, if anything is.

    `samples` are the places of the batch's samples in the user's data, where the two differ.
    """
    for name, array in (("x", batch.x), ("y", batch.y)):
        bad = np.argwhere(~np.isfinite(array)) if array.dtype.kind == "f" else np.empty((0,))
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
    order = model.rng.permutation(len(data)) if settings.shuffle else None
    for metric in model.metrics:
        metric.reset()
    total, seen = 0.0, 0
    for number, batch in enumerate(data.batches(settings.batch_size, order), start=1):
        if settings.bptt_steps is None:
            loss, outputs = _train_step(model, batch)
        else:
            loss, outputs = truncated.step(model, batch, settings.bptt_steps, _train_step)
        if not math.isfinite(loss):
            problem = f"the loss became {loss} at batch {number}"
            first = (number - 1) * settings.batch_size
            samples = (np.arange(len(data)) if order is None else order)[first:]
            before.give_up(f"{problem} of epoch {epoch + 1}{_culprit(batch, samples)}")
        total, seen = total + loss * len(batch), seen + len(batch)
        for metric in model.metrics:
            metric.update(batch.y, outputs)
        progress.update(lambda: {"loss": total / seen, **_results(model)})  # noqa: B023
    # The last step's harm shows in no loss. Weight by weight, because the gaps between them may
    # hold anything: Adam with epsilon 0 makes NaN of them.
    if not all(np.isfinite(item.value).all() for item in model.parameters.items):
        before.give_up(f"a weight became infinite at the end of epoch {epoch + 1}{_culprit(batch)}")
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
        for batch in data.batches(batch_size):
            outputs = model.forward(batch.x)
            total += model.loss(batch.y, outputs, batch.weight) * len(batch)
            for metric in model.metrics:
                metric.update(batch.y, outputs)
            if progress is not None:
                progress.update()
    # Of the layers, as a model that shares them with another has no `Parameters` of its own.
    penalty = sum(layer.penalty() for layer in model.layers)
    return {"loss": total / len(data) + penalty, **_results(model)}


def predict(
    model: Sequential, x: npt.ArrayLike, batch_size: int | None, verbose: str | int
) -> Array:
    """Return the outputs for all samples; see `Sequential.predict`."""
    model.require_built("predict")
    inputs = model.check_input(x)
    size = check_batch_size(batch_size)
    states.require_whole_batches(model, size, len(inputs))
    mode = check_verbose(verbose)
    if verbose == "auto" and (len(inputs) <= size or not sys.stderr.isatty()):
        mode = 0
    shape = model.compute_output_shape(inputs.shape)
    outputs = np.empty([int(length or 0) for length in shape], model.dtype)
    with (
        blas_held(),
        model.weights_held() if len(inputs) > size else nullcontext(),
        Progress(mode, "Predict", math.ceil(len(inputs) / size)) as progress,
    ):
        for first in range(0, len(inputs), size):
            window = slice(first, first + size)
            outputs[window] = model.forward(inputs[window])
            progress.update()
    return outputs


def as_result(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Return loss and metrics in the form that Keras gives them: a number, a list or a dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
