"""Process groups: the processes that train one model together, as the training loops see them.

All processes call each method at the same point of the program, unless its docstring says
otherwise. `gru_c.distributed` defines the group of several processes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple, TypeVar

import numpy as np

from gru_c.common.arrays import Array
from gru_c.data import checks
from gru_c.data.batch_order import WHOLE, Fraction
from gru_c.data.inputs import FitData
from gru_c.data.samples import Data, require_samples
from gru_c.layers import Layer
from gru_c.metrics import Metric
from gru_c.network.network import Network
from gru_c.parameters import Parameters

T = TypeVar("T")


class Pass(NamedTuple):
    """The results of a forward and backward pass over a batch.

    Attributes
    ----------
    loss : float
        Mean over the values.
    values : int
        The number of values in the mean: samples, or the time steps that count.
    samples : int
        Number of samples in the batch.
    outputs, mask : ndarray
        The outputs for this process's part of the batch, and the mask of the time steps that count.
    """

    loss: float
    values: int
    samples: int
    outputs: Array
    mask: Array | None


# Makes a pass and writes its gradients. The arguments: True for the gradients of the sum over the
# values instead of their mean; a function to call with each layer whose gradients are complete.
MakePass = Callable[[bool, "Callable[[Layer], None] | None"], Pass]

# For each batch its mean loss, the number of values in that mean, and the number of samples.
BatchLosses = list[tuple[float, int, int]]


def average_loss(batches: BatchLosses) -> float:
    """Return the mean of the batches' losses, weighted by samples; NaN without samples."""
    samples = sum(count for _, _, count in batches)
    if not samples:
        return math.nan
    return sum(loss * count for loss, _, count in batches) / samples


def results(metrics: list[Metric]) -> dict[str, float]:
    """Return the results of metrics, by name."""
    return {metric.name: _number(metric) for metric in metrics}


def _number(metric: Metric) -> float:
    """Return the result of a metric as a float; ValueError for several numbers."""
    result: Any = metric.result()
    if np.size(result) != 1:
        raise ValueError(
            f"metric {metric.name!r} has {np.size(result)} results, and a model reports one number"
        )
    return result if isinstance(result, float) else float(np.reshape(result, ()))


class ProcessGroup:
    """The processes that train one model together; these methods are right for one process.

    Attributes
    ----------
    rank : int
        The number of this process.
    size : int
        The number of processes.
    """

    rank = 0
    size = 1

    def __init__(self) -> None:
        self._local_requests: Callable[[], tuple[bool, bool]] = lambda: (False, False)

    @property
    def is_first(self) -> bool:
        """True in the process that writes files and shows progress."""
        return self.rank == 0

    @property
    def batch_fraction(self) -> Fraction:
        """The fraction of each batch that this process takes, if all were given the same data."""
        return WHOLE

    # ---- context managers ----

    @contextmanager
    def session(self) -> Iterator[None]:
        """Surround a whole `fit` or `evaluate`."""
        yield

    def raise_together(self) -> AbstractContextManager[None]:
        """Raise an exception of this block in all processes, if one of them raises it."""
        return nullcontext()

    def defer_errors(self) -> AbstractContextManager[None]:
        """Keep an exception of this block for the next optimizer step, or `raise_deferred`."""
        return nullcontext()

    def raise_deferred(self) -> None:
        """Raise the exception that `defer_errors` kept, in all processes."""

    def separate_generators(self, model: Network) -> AbstractContextManager[None]:
        """Give the layers of each process another random generator within the block."""
        return nullcontext()

    # ---- before the first batch ----

    def shard(
        self,
        model: Network,
        data: FitData,
        batch_size: int,
        training: bool,
        describe_call: Callable[[], dict[str, Any]],
    ) -> FitData:
        """Return this process's shard of the data; `batch_size` is that of all processes together.

        Raises
        ------
        ValueError
            Unless `describe_call` returns the same in all processes, and if there are no samples,
            or no whole batches for stateful layers.
        """
        arrays = [part for part in data.parts if isinstance(part, Data)]
        for part in arrays:
            require_samples(part)
        checks.require_whole_batches(model, batch_size, *map(len, arrays))
        return data

    def broadcast_model(self, model: Network) -> None:
        """Copy the weights, optimizer and generator of the first process to all others."""

    # ---- communication ----

    def broadcast(self, make: Callable[[], T]) -> T:
        """Call `make` in the first process and return its result in all."""
        return make()

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, by rank."""
        return [value]

    def any_process(self, condition: bool) -> bool:
        """Return True in all processes if the condition is true in one."""
        return condition

    def merge_metrics(self, metrics: list[Metric]) -> dict[str, float]:
        """Return the results of metrics over the samples of all processes."""
        return results(metrics)

    def mean_loss(self, losses: BatchLosses) -> float:
        """Return the mean loss over the batches of all processes; NaN without samples."""
        return average_loss(losses)

    # ---- an optimizer step ----

    def agree_on_trainable(self, model: Network) -> None:
        """Fix the trainable layers for the steps up to the next call."""

    def compute_gradients(self, parameters: Parameters, make: MakePass) -> Pass:
        """Make a pass, and leave the gradients of the whole batch in the parameters.

        The loss, values and samples of the result are those of the whole batch, too.
        """
        return make(False, None)

    def synchronize_weights(self, model: Network) -> None:
        """Make the weights equal in all processes after an optimizer step."""

    def register_requests(self, local_requests: Callable[[], tuple[bool, bool]]) -> None:
        """Register a function that returns two requests of this process: to stop, to write a file.

        It is called in each optimizer step.
        """
        self._local_requests = local_requests

    def take_requests(self) -> tuple[bool, bool]:
        """Return the requests of all processes in the last step: to stop, to write a file."""
        return self._local_requests()

    def check_weights_equal(self, model: Network) -> None:
        """Raise RuntimeError if the weights are no longer the same in all processes."""


class Distribution:
    """Base class of the objects that `Sequential.fit` takes as `distribution`."""

    def start(self) -> ProcessGroup:
        """Start a `fit` or `evaluate` together with the other processes."""
        raise NotImplementedError(f"{type(self).__name__} must define start()")


class SingleProcess(ProcessGroup):
    """The group of a process that trains its model by itself."""


def start_group(distribution: object) -> ProcessGroup:
    """Return the processes that train together; TypeError for anything but a Distribution."""
    if distribution is None:
        return SingleProcess()
    if not isinstance(distribution, Distribution):
        raise TypeError(
            "distribution must be an object such as gru_c.distributed.DataParallel(), got "
            f"{distribution!r}"
        )
    return distribution.start()
