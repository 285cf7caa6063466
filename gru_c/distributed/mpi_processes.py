"""The processes of an MPI communicator that train one model together."""

from __future__ import annotations

import copy
import math
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from gru_c.data.batch_order import WHOLE, Fraction
from gru_c.data.batch_source import BatchSource
from gru_c.data.inputs import FitData
from gru_c.distributed import machines, process_exit, shared_errors
from gru_c.distributed.shards import ShardFeed, WholeFeed, check_states, feed, fingerprint
from gru_c.layers.random import DrawingLayer
from gru_c.metrics import merged_states
from gru_c.runtime.threads import use_threads
from gru_c.training.processes import (
    BatchLosses,
    MakePass,
    Pass,
    ProcessGroup,
    average_loss,
    results,
)
from gru_c.training.run_identity import differences
from gru_c.training.snapshot import check_metrics, trainable_flags
from gru_c.utils.optional import require
from gru_c.utils.progress import muted

if TYPE_CHECKING:
    from gru_c.metrics import Metric
    from gru_c.network.network import Network
    from gru_c.parameters import Layer, Parameters


T = TypeVar("T")

# What is sent before the gradients: the sum of the loss over values, how many, samples, and how
# many processes failed, want to stop, want to write a file. In float32 counts are exact to 2^24.
_LOSS, _VALUES, _SAMPLES, _FAILED, _STOP, _WRITE = range(6)

_LEAST_PIECE = 1 << 16  # bytes: gradients of smaller layers go with those of the next one
# Bytes of an Allreduce, at the most. For each one MPI gets itself as much memory, which is new and
# cold if it is much: at once 38.6 MB take 16 ms between two processes of MPICH, so 4 ms.
LARGEST_PIECE = 1 << 22


class MPIProcesses(ProcessGroup):
    """What a process knows of the others during one `fit` or `evaluate`.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        For nothing else but this.
    whole : bool
        Whether all were given the same data.
    overlap : bool
        Whether gradients are sent layer by layer.
    """

    model: Network

    def __init__(self, comm: Any, whole: bool, overlap: bool) -> None:
        super().__init__()
        self.comm = comm
        self.rank, self.size = comm.rank, comm.size
        self.whole = whole
        self.overlap = overlap
        self.problem: Exception | None = None  # to be raised by the step that comes next
        self._raised: Exception | None = None  # by all, the last time
        self._in_place = require("mpi4py.MPI", "mpi").IN_PLACE
        self._requests = (False, False)
        self._trained: list[slice] = []  # where the weights lie that are trained in this epoch
        self._machines_differ = len(set(self.gather(machines.described()))) > 1

    # ---- while something lasts ----

    @contextmanager
    def session(self) -> Iterator[None]:
        """Use this process's share of its machine, and be silent unless it is the first one."""
        node = self.comm.Split_type(require("mpi4py.MPI", "mpi").COMM_TYPE_SHARED)
        threads = machines.threads_of_each(node)
        node.Free()
        with use_threads(threads), muted(not self.is_first):
            try:
                yield
            except BaseException as error:
                if error is not self._raised:
                    process_exit.end_all(self.comm, error)
                raise

    @contextmanager
    def raise_together(self) -> Iterator[None]:
        """Let an exception of one process in this block be one of all."""
        error = None
        try:
            yield
        except Exception as problem:
            error = problem
        if self.any_process(error is not None):
            self._raise_in_all(error)

    def _raise_in_all(self, error: Exception | None) -> NoReturn:
        self._raised = shared_errors.error_of_all(self.comm, error)
        raise self._raised

    @contextmanager
    def separate_generators(self, model: Network) -> Iterator[None]:
        """Let the layers of each process draw other random numbers while this lasts."""
        every = [
            one for layer in model.layers for one in (layer, *getattr(layer, "directions", ()))
        ]
        layers = [layer for layer in every if isinstance(layer, DrawingLayer)]
        before = [layer.rng for layer in layers]
        own = {id(rng): self._own_generator(model, rng) for rng in before}
        for layer, rng in zip(layers, before, strict=True):
            layer.rng = own[id(rng)]
        try:
            yield
        finally:
            for layer, rng in zip(layers, before, strict=True):
                layer.rng = rng

    def _own_generator(self, model: Network, rng: np.random.Generator) -> np.random.Generator:
        """Return a generator for this process; nothing is drawn from the one of all.

        So the order of the samples is that of one process. The number of steps taken tells a `fit`
        from the one before.
        """
        assert model.optimizer is not None
        key = int(copy.deepcopy(rng).integers(2**63))
        return np.random.default_rng([key, self.rank, model.optimizer.iterations + 1])

    # ---- what all begin with ----

    def shard(
        self,
        model: Network,
        data: FitData,
        batch_size: int,
        training: bool,
        describe_call: Callable[[], dict[str, Any]],
    ) -> FitData:
        """Return this process's part of the data; ValueError unless all do the same."""
        self.model = model
        with self.raise_together():
            facts = {
                **describe_call(),
                "trainable": trainable_flags(model),
                "validation": data.split or data.validation is not None,
            }
            facts["data"] = [
                "source" if isinstance(one, BatchSource) else "arrays" for one in data.parts
            ]
            check_metrics(model.metrics)
            for metric in model.metrics:
                metric.check_mergeable()
            if facts.get("bptt_steps"):
                facts["time_steps"] = data.train.first.x.shape[1]  # as many pieces in all
                if isinstance(data.train, BatchSource) and not self.whole:
                    raise ValueError(
                        "bptt_steps with a source of batches needs auto_shard_dataset=True: all "
                        "processes must have the same number of time steps in a batch"
                    )
        self._require_same("all processes must do the same", facts)
        self._check_data(model, data)
        feeds: list[WholeFeed | ShardFeed] = []
        for own in data.parts:
            with self.raise_together():
                known = own.batch_count(1), own.describe()
            every = self.gather(known)
            with self.raise_together():
                feeds.append(feed(self, own, every, training and not feeds, batch_size))
        with self.raise_together():
            check_states(model, feeds, batch_size)
        return FitData(feeds[0], feeds[1] if len(feeds) > 1 else None, data.split)

    @property
    def batch_fraction(self) -> Fraction:
        """What this process takes of a batch that all are given."""
        return (self.rank, self.size) if self.whole else WHOLE

    def _require_same(self, rule: str, facts: Any) -> None:
        """Raise ValueError in all processes unless they have the same facts."""
        every = self.gather(facts)
        with self.raise_together():
            for rank, other in enumerate(every):
                text = differences(every[0], other, "is", f"in rank {rank} it is")
                if text:
                    raise ValueError(f"{rule}: {text}")

    def _check_data(self, model: Network, data: FitData) -> None:
        """Raise ValueError, or warn, where the samples cannot be what they should be."""
        with self.raise_together():
            prints = fingerprint(model, data.train)
        if self.whole:
            facts = {"data": data.train.describe(), "samples": prints}
            self._require_same(
                "with auto_shard_dataset=True all processes must be given the same data", facts
            )
            return
        all_alike = len(set(self.gather(prints))) == 1
        with self.raise_together():
            if all_alike and self.is_first:
                warnings.warn(
                    "all processes were given the same samples, each of which then counts "
                    f"{self.size} times: give each its own, such as X[rank::size], or say "
                    "auto_shard_dataset=True",
                    stacklevel=4,
                )

    def broadcast_model(self, model: Network) -> None:
        """Give all the first one's weights, optimizer and generator."""
        optimizer, parameters = model.optimizer, model.parameters
        assert optimizer is not None
        shapes = {f"{n} {item.name}": item.array.shape for n, item in enumerate(parameters.items)}
        self._require_same("all processes must have the same weights", _listed(shapes))
        for vector in (parameters.values, *optimizer.slots.values()):
            self.comm.Bcast(vector)
        optimizer.iterations = self.broadcast(lambda: optimizer.iterations)
        model.rng.bit_generator.state = self.broadcast(lambda: model.rng.bit_generator.state)

    # ---- what they tell each other ----

    def broadcast(self, make: Callable[[], T]) -> T:
        """Return to all what a function returns in the first process."""
        value: Any = None
        with self.raise_together():
            if self.is_first:
                value = make()
        found: T = self.comm.bcast(value)
        return found

    def gather(self, value: T) -> list[T]:
        """Return the values of all, in order."""
        found: list[T] = self.comm.allgather(value)
        return found

    def any_process(self, condition: bool) -> bool:
        """Return whether one of them says so."""
        found = np.array([condition], np.int32)
        self.comm.Allreduce(self._in_place, found)
        return bool(found[0])

    @contextmanager
    def defer_errors(self) -> Iterator[None]:
        """Leave an exception of this process to the next step, or to `raise_deferred`."""
        try:
            yield
        except Exception as error:
            self.problem = self.problem or error

    def raise_deferred(self) -> None:
        """Raise what `defer_errors` has left."""
        with self.raise_together():
            self._raise_problem()

    def _raise_problem(self) -> None:
        problem, self.problem = self.problem, None
        if problem is not None:
            raise problem

    def merge_metrics(self, metrics: list[Metric]) -> dict[str, float]:
        """Return the results of metrics over the samples of all."""
        with self.raise_together():
            own = [metric.get_state() for metric in metrics]
        every = self.gather(own)
        with self.raise_together():
            for metric, state in zip(metrics, merged_states(metrics, every), strict=True):
                metric.set_state(state)
            found = results(metrics)
            for metric, state in zip(metrics, own, strict=True):
                metric.set_state(state)
        return found

    def mean_loss(self, losses: BatchLosses) -> float:
        """Return the loss over the batches of all; NaN without samples."""
        every = self.gather(np.array(losses).reshape(-1, 3))
        sums = np.zeros((max(map(len, every)), 3))
        for of_rank in every:
            loss, values, samples = of_rank.T
            sums[: len(of_rank)] += np.stack([loss * values, values, samples], axis=1)
        batches = sums.tolist()
        return average_loss(
            [(loss / max(n, 1), int(n), int(samples)) for loss, n, samples in batches]
        )

    # ---- a step ----

    def agree_on_trainable(self, model: Network) -> None:
        """Remember where the trainable weights lie; ValueError unless all have the same ones."""
        self._require_same("all processes must train the same layers", trainable_flags(model))
        self._trained = self._trainable_runs(model.parameters)

    def _trainable_runs(self, parameters: Parameters) -> list[slice]:
        return parameters.trainable_runs() if self.model.trainable else []

    def compute_gradients(self, parameters: Parameters, make: MakePass) -> Pass:
        """Make a pass over this process's part, and add up what all found, in one message."""
        notes = parameters.message[: _WRITE + 1]
        message = _Message(self.comm, parameters, self._trained, self._in_place, self.overlap)
        notes[:] = 0
        error, found = None, None
        try:
            self._raise_problem()
            if self._trainable_runs(parameters) != self._trained:
                raise ValueError(
                    "a layer's or the model's trainable has been changed within an epoch: with a "
                    "distribution change it between epochs, in all processes"
                )
            found = make(True, message.send if self.overlap else None)
            notes[:_FAILED] = found.loss * found.values, found.values, found.samples
        except Exception as problem:
            error = problem
            notes[_FAILED] = 1
        if found is None or not found.samples or not math.isfinite(found.loss):
            message.clear()
        notes[_STOP], notes[_WRITE] = self._local_requests()
        message.finish()
        if notes[_FAILED] or found is None:
            self._raise_in_all(error)
        self._requests = (
            self._requests[0] or bool(notes[_STOP]),
            self._requests[1] or bool(notes[_WRITE]),
        )
        loss, values, samples = map(float, notes[:_FAILED])
        share = parameters.gradients.dtype.type(1 / max(values, 1))
        for run in self._trained:
            parameters.gradients[run] *= share
        return found._replace(
            loss=loss / max(values, 1), values=round(values), samples=round(samples)
        )

    def synchronize_weights(self, model: Network) -> None:
        """Send the first one's weights to all, where machines may round otherwise."""
        if self._machines_differ:
            self.comm.Bcast(model.parameters.values)

    def take_requests(self) -> tuple[bool, bool]:
        """Return what the processes wanted in the last step: to stop, to write a file."""
        found, self._requests = self._requests, (False, False)
        return found

    def check_weights_equal(self, model: Network) -> None:
        """Raise RuntimeError where the weights are no longer the same everywhere."""
        digest = 0
        for layer in model.layers:
            for item in layer.parameters:
                digest = zlib.crc32(np.ascontiguousarray(item.array).data.cast("B"), digest)
        every = self.gather(digest)
        with self.raise_together():
            for rank, other in enumerate(every):
                if other != every[0]:
                    raise RuntimeError(
                        f"the weights in rank {rank} are no longer those in rank 0: something "
                        "changed them in one process only"
                    )


class _Message:
    """The notes and the gradients of all trained layers, added up over all processes.

    From the first to the last; or, overlapping, from the last layer, once it is done, to the first,
    whose notes go with it.
    """

    def __init__(
        self,
        comm: Any,
        parameters: Parameters,
        trained: list[slice],
        in_place: Any,
        overlap: bool,
    ) -> None:
        self._parameters = parameters
        self._in_place = in_place
        self._add_up = comm.Iallreduce if overlap else comm.Allreduce
        self._whole = parameters.message
        self._notes = len(self._whole) - len(parameters.gradients)
        self._end = len(self._whole)  # of what has not been sent
        runs = [slice(run.start + self._notes, run.stop + self._notes) for run in trained]
        if runs and runs[0].start == self._notes:
            self._sent = [slice(0, runs[0].stop), *runs[1:]]
        else:
            self._sent = [slice(0, self._notes), *runs]
        self._overlap = overlap
        self._requests: list[Any] = []

    def send(self, layer: Layer) -> None:
        """Send what has been written once a layer is done, if it is enough for a piece."""
        begin = self._notes + self._parameters.span(layer)[0]
        if begin > self._notes and self._whole[begin : self._end].nbytes >= _LEAST_PIECE:
            self._send_from(begin)

    def _send_from(self, begin: int) -> None:
        most = LARGEST_PIECE // self._whole.itemsize
        for run in self._sent:
            end = min(run.stop, self._end)
            for first in range(max(run.start, begin), end, most):
                piece = self._whole[first : min(first + most, end)]
                self._requests.append(self._add_up(self._in_place, piece))
        self._end = begin

    def clear(self) -> None:
        """Put zeros into what has not been sent: nothing is added by this process."""
        self._whole[self._notes : self._end] = 0

    def finish(self) -> None:
        """Send the rest, and wait for all."""
        if self._overlap:
            # A process that failed has not sent what the others have: the same pieces.
            for layer in reversed(self._parameters.layers):
                if self._notes + self._parameters.span(layer)[0] < self._end:
                    self.send(layer)
        self._send_from(0)
        if self._overlap:
            for request in self._requests:
                request.Wait()


def _listed(shapes: dict[str, tuple[int, ...]]) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in shapes.items()}
