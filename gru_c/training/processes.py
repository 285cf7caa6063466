"""Process groups: the processes that train one model together, as the training loops see them.

All processes call each method at the same place of the program, unless it says otherwise.
`gru_c.distributed` has the group of several processes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gru_c.data import checks
from gru_c.data.batch_order import WHOLE, Fraction
from gru_c.data.samples import Data, require_samples
from gru_c.utils.arrays import Array

if TYPE_CHECKING:
    from gru_c.data.inputs import FitData
    from gru_c.layers import Layer
    from gru_c.metrics import Metric
    from gru_c.network.network import Network
    from gru_c.parameters import Parameters


T = TypeVar("T")


class Pass(NamedTuple):
    """What a forward and backward pass over a batch found.

    Attributes
    ----------
    loss : float
        Mean over the values.
    values : int
        How many the mean is over: samples, or the time steps that count.
    samples : int
    outputs, mask : ndarray
        Of this process's part of the batch, and which of their steps count.
    """

    loss: float
    values: int
    samples: int
    outputs: Array
    mask: Array | None


# Makes a pass and writes its gradients: whether those of the sum over the values rather than of the
# mean, and what is to be called once a layer's gradients are there.
MakePass = Callable[[bool, "Callable[[Layer], None] | None"], Pass]
Parts = list[tuple[float, int, int]]  # of batches: mean loss, values that the mean is over, samples


def mean_of(parts: Parts) -> float:
    """Return the mean over the samples of the batches' mean losses; NaN without samples."""
    samples = sum(count for _, _, count in parts)
    if not samples:
        return math.nan
    return sum(loss * count for loss, _, count in parts) / samples


def results(metrics: list[Metric]) -> dict[str, float]:
    """Return the results of metrics, by name."""
    return {metric.name: metric.result() for metric in metrics}


class ProcessGroup:
    """The processes that train one model together; the methods here suit a group of one.

    Attributes
    ----------
    rank, size : int
        The number of this process, and how many there are.
    """

    rank = 0
    size = 1

    def __init__(self) -> None:
        self._wishes: Callable[[], tuple[bool, bool]] = lambda: (False, False)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    @property
    def part(self) -> Fraction:
        """What this process takes of a batch that all are given."""
        return WHOLE

    # ---- while something lasts ----

    @contextmanager
    def session(self) -> Iterator[None]:
        """Work together while this lasts."""
        yield

    def together(self) -> AbstractContextManager[None]:
        """Let an exception of one process in this block be one of all."""
        return nullcontext()

    def later(self) -> AbstractContextManager[None]:
        """Let an exception in this block be one of all in the next step, or in `settle`."""
        return nullcontext()

    def settle(self) -> None:
        """Raise what `later` has left."""

    def drawing(self, model: Network) -> AbstractContextManager[None]:
        """Let the layers of each process draw other random numbers while this lasts."""
        return nullcontext()

    # ---- what all begin with ----

    def share(
        self,
        model: Network,
        data: FitData,
        batch_size: int,
        training: bool,
        about: Callable[[], dict[str, Any]],
    ) -> FitData:
        """Return this process's part of the data, for batches of all of so many samples.

        ValueError unless what `about` returns is the same in all processes, and where there are no
        samples, or not whole batches for stateful layers.
        """
        arrays = [part for part in data.parts if isinstance(part, Data)]
        for part in arrays:
            require_samples(part)
        checks.require_whole_batches(model, batch_size, *map(len, arrays))
        return data

    def even_out(self, model: Network) -> None:
        """Give all the first one's weights, optimizer and generator."""

    # ---- what they tell each other ----

    def first_of(self, make: Callable[[], T]) -> T:
        """Return to all what a function returns in the first process."""
        return make()

    def gather(self, value: T) -> list[T]:
        """Return the values of all, in order."""
        return [value]

    def any(self, wish: bool) -> bool:
        """Return whether one of them says so."""
        return wish

    def merged(self, metrics: list[Metric]) -> dict[str, float]:
        """Return the results of metrics over the samples of all."""
        return results(metrics)

    def mean_loss(self, parts: Parts) -> float:
        """Return the loss over the batches of all; NaN without samples."""
        return mean_of(parts)

    # ---- a step ----

    def agree_on_trained(self, model: Network) -> None:
        """Take the layers that are trainable now for those of the steps to come."""

    def gradients(self, parameters: Parameters, make: MakePass) -> Pass:
        """Make a pass, and leave the gradients of the whole batch in the parameters.

        The loss, values and samples returned are those of the whole batch, too.
        """
        return make(False, None)

    def stepped(self, model: Network) -> None:
        """Make sure that the weights are the same everywhere after an optimizer step."""

    def listen(self, wishes: Callable[[], tuple[bool, bool]]) -> None:
        """Take a function that says whether this process wants to stop, and to write a file."""
        self._wishes = wishes

    def signals(self) -> tuple[bool, bool]:
        """Return what the processes wanted in the last step: to stop, to write a file."""
        return self._wishes()

    def check_even(self, model: Network) -> None:
        """Raise RuntimeError where the weights are no longer the same everywhere."""


class Distribution:
    """Base of what `Sequential.fit` takes as `distribution`."""

    def start(self) -> ProcessGroup:
        """Begin a `fit` or `evaluate` with the others."""
        raise NotImplementedError(f"{type(self).__name__} must define start()")


class SingleProcess(ProcessGroup):
    """A process that trains its model by itself."""


def start(distribution: object) -> ProcessGroup:
    """Return the processes that train together; TypeError for anything but a Distribution."""
    if distribution is None:
        return SingleProcess()
    if not isinstance(distribution, Distribution):
        raise TypeError(
            "distribution must be an object such as gru_c.distributed.DataParallel(), got "
            f"{distribution!r}"
        )
    return distribution.start()
