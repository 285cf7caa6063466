"""The processes of an MPI communicator that train one model together."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from gru_c.common.optional import require
from gru_c.common.progress import muted
from gru_c.data.batch_order import WHOLE, Fraction
from gru_c.data.batch_source import BatchSource
from gru_c.data.inputs import Batches, FitData
from gru_c.data.samples import Description
from gru_c.distributed import machines, process_exit, shared_errors
from gru_c.distributed.gradient_message import GradientMessage
from gru_c.distributed.shards import (
    CommonShard,
    PrivateShard,
    check_states,
    fingerprint,
    weights_checksum,
)
from gru_c.layers.base.random_layer import DrawingLayer
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
from gru_c.training.snapshot import check_mergeable, trainable_flags

if TYPE_CHECKING:
    from gru_c.metrics import Metric
    from gru_c.network.network import Network
    from gru_c.parameters import Parameters


T = TypeVar("T")


class MPIProcesses(ProcessGroup):
    """The processes of an MPI communicator, during one `fit` or `evaluate`.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        A communicator that carries only the messages of this package.
    whole : bool
        True if all processes are given the same data, False if each is given its own samples.
    overlap : bool
        True if the gradients of a layer are sent while those of lower layers are computed.
    """

    def __init__(self, comm: Any, whole: bool, overlap: bool) -> None:
        super().__init__()
        self.comm = comm
        self.rank, self.size = comm.rank, comm.size
        self.whole = whole
        self.overlap = overlap
        self._problem: Exception | None = None  # raised by the next step
        self._raised: Exception | None = None  # the last exception that all processes raised
        self._in_place = require("mpi4py.MPI", "mpi").IN_PLACE
        self._requests = (False, False)
        self._trained: list[slice] = []  # where the trainable weights of this epoch lie
        self._machines_differ = len(set(self.gather(machines.describe()))) > 1

    # ---- contexts ----

    @contextmanager
    def session(self) -> Iterator[None]:
        """Use this process's share of its machine's CPUs, and print only in the first process."""
        node = self.comm.Split_type(require("mpi4py.MPI", "mpi").COMM_TYPE_SHARED)
        threads = machines.threads_of_each(node)
        node.Free()
        with use_threads(threads), muted(not self.is_first):
            try:
                yield
            except BaseException as error:
                if error is not self._raised:
                    process_exit.abort_all(self.comm, error)
                raise

    @contextmanager
    def raise_together(self) -> Iterator[None]:
        """Raise in all processes what one of them raises in this block."""
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
        """Let the layers of each process draw different random numbers in this block."""
        parts = [
            part for layer in model.layers for part in (layer, *getattr(layer, "directions", ()))
        ]
        layers = [part for part in parts if isinstance(part, DrawingLayer)]
        before = [layer.rng for layer in layers]
        generators = {id(rng): self._generator_of_process(model, rng) for rng in before}
        for layer, rng in zip(layers, before, strict=True):
            layer.rng = generators[id(rng)]
        try:
            yield
        finally:
            for layer, rng in zip(layers, before, strict=True):
                layer.rng = rng

    def _generator_of_process(
        self, model: Network, rng: np.random.Generator
    ) -> np.random.Generator:
        """Return a generator for this process, without drawing from the one that all share.

        The order of the samples is therefore that of a single process. The number of optimizer
        steps in the key makes a second `fit` draw other numbers than the first.
        """
        assert model.optimizer is not None
        key = int(copy.deepcopy(rng).integers(2**63))
        return np.random.default_rng([key, self.rank, model.optimizer.iterations + 1])

    # ---- the beginning of a fit or an evaluation ----

    def shard(
        self,
        model: Network,
        data: FitData,
        batch_size: int,
        training: bool,
        describe_call: Callable[[], dict[str, Any]],
    ) -> FitData:
        """Return this process's part of the data; ValueError unless all processes do the same."""
        self._model = model
        with self.raise_together():
            facts = self._facts(model, data, describe_call())
            check_mergeable(model.metrics)
            if model.loss is not None:
                model.loss.require_mean("training in several processes")
            if facts.get("bptt_steps"):
                facts["time_steps"] = self._time_steps(data)
        self._require_same("all processes must do the same", facts)
        self._check_data(model, data)
        shards: list[CommonShard | PrivateShard] = []
        for part in data.parts:
            with self.raise_together():
                known = part.batch_count(1), part.describe()
            of_all = self.gather(known)
            with self.raise_together():
                shards.append(self._shard(part, of_all, training and not shards, batch_size))
        with self.raise_together():
            check_states(model, shards, batch_size)
        train, *validation = shards
        return FitData(train, validation[0] if validation else None, data.split)

    def _facts(self, model: Network, data: FitData, run: dict[str, Any]) -> dict[str, Any]:
        """Return the facts that must be the same in all processes, including those of the run."""
        return {
            **run,
            "trainable": trainable_flags(model),
            "validation": data.split or data.validation is not None,
            "data": [
                "source" if isinstance(part, BatchSource) else "arrays" for part in data.parts
            ],
        }

    def _time_steps(self, data: FitData) -> int:
        """Return the number of time steps, so that all processes cut as many pieces of a batch."""
        steps: int = data.train.first.x.shape[1]
        if isinstance(data.train, BatchSource) and not self.whole:
            raise ValueError(
                "bptt_steps with a source of batches needs auto_shard_dataset=True: all "
                "processes must have the same number of time steps in a batch"
            )
        return steps

    def _shard(
        self,
        data: Batches,
        of_all: list[tuple[Any, Description]],
        training: bool,
        batch_size: int,
    ) -> CommonShard | PrivateShard:
        """Return this process's part of the data; see `PrivateShard` for `of_all`."""
        if self.whole:
            return CommonShard(self, self._model, data, training)
        return PrivateShard(self, self._model, data, training, of_all, batch_size)

    @property
    def batch_fraction(self) -> Fraction:
        """The part of a batch of common data that this process computes."""
        return (self.rank, self.size) if self.whole else WHOLE

    def _require_same(self, rule: str, facts: Any) -> None:
        """Raise ValueError in all processes unless they have the same facts."""
        of_all = self.gather(facts)
        with self.raise_together():
            for rank, other in enumerate(of_all):
                text = differences(of_all[0], other, "is", f"in rank {rank} it is")
                if text:
                    raise ValueError(f"{rule}: {text}")

    def _check_data(self, model: Network, data: FitData) -> None:
        """Raise ValueError where common data differ; warn where private samples are the same."""
        with self.raise_together():
            checksum = fingerprint(model, data.train)
        if self.whole:
            facts = {"data": data.train.describe(), "samples": checksum}
            self._require_same(
                "with auto_shard_dataset=True all processes must be given the same data", facts
            )
            return
        all_alike = len(set(self.gather(checksum))) == 1
        with self.raise_together():
            if all_alike and self.is_first:
                warnings.warn(
                    "all processes were given the same samples, each of which then counts "
                    f"{self.size} times: give each its own, such as X[rank::size], or say "
                    "auto_shard_dataset=True",
                    stacklevel=4,
                )

    def broadcast_model(self, model: Network) -> None:
        """Copy the first process's weights, optimizer and random generator to all."""
        optimizer, parameters = model.optimizer, model.parameters
        assert optimizer is not None
        shapes = {
            f"{n} {item.name}": list(item.array.shape) for n, item in enumerate(parameters.items)
        }
        self._require_same("all processes must have the same weights", shapes)
        for vector in (parameters.values, *optimizer.slots.values()):
            self.comm.Bcast(vector)
        optimizer.iterations = self.broadcast(lambda: optimizer.iterations)
        model.rng.bit_generator.state = self.broadcast(lambda: model.rng.bit_generator.state)

    # ---- communication of the processes ----

    def broadcast(self, make: Callable[[], T]) -> T:
        """Call a function in the first process, and return its result in all processes."""
        value: Any = None
        with self.raise_together():
            if self.is_first:
                value = make()
        shared: T = self.comm.bcast(value)
        return shared

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, in the order of their ranks."""
        values: list[T] = self.comm.allgather(value)
        return values

    def any_process(self, condition: bool) -> bool:
        """Return True if the argument is true in any process."""
        count = np.array([condition], np.int32)
        self.comm.Allreduce(self._in_place, count)
        return bool(count[0])

    @contextmanager
    def defer_errors(self) -> Iterator[None]:
        """Leave an exception in this block to the next step, or to `raise_deferred`."""
        try:
            yield
        except Exception as error:
            self._problem = self._problem or error

    def raise_deferred(self) -> None:
        """Raise in all processes the exception that `defer_errors` has kept."""
        with self.raise_together():
            self._raise_problem()

    def _raise_problem(self) -> None:
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def merge_metrics(self, metrics: list[Metric]) -> dict[str, float]:
        """Return the results of metrics over the samples of all processes."""
        with self.raise_together():
            states = [metric.get_state() for metric in metrics]
        of_all = self.gather(states)
        with self.raise_together():
            for metric, state in zip(metrics, merged_states(metrics, of_all), strict=True):
                metric.set_state(state)
            values = results(metrics)
            for metric, state in zip(metrics, states, strict=True):
                metric.set_state(state)
        return values

    def mean_loss(self, losses: BatchLosses) -> float:
        """Return the loss over the batches of all processes; NaN without samples."""
        of_all = self.gather(np.array(losses).reshape(-1, 3))
        sums = np.zeros((max(map(len, of_all)), 3))
        for of_rank in of_all:
            loss, values, samples = of_rank.T
            sums[: len(of_rank)] += np.stack([loss * values, values, samples], axis=1)
        batches = sums.tolist()
        return average_loss(
            [(loss / max(n, 1), int(n), int(samples)) for loss, n, samples in batches]
        )

    # ---- an optimizer step ----

    def agree_on_trainable(self, model: Network) -> None:
        """Note where the trainable weights lie; ValueError unless all processes train the same."""
        self._require_same("all processes must train the same layers", trainable_flags(model))
        self._trained = self._trainable_runs(model.parameters)

    def _trainable_runs(self, parameters: Parameters) -> list[slice]:
        return parameters.trainable_runs() if self._model.trainable else []

    def compute_gradients(self, parameters: Parameters, make: MakePass) -> Pass:
        """Make a pass over this process's part of the batch, and add up the gradients of all."""
        message = GradientMessage(
            self.comm, parameters, self._trained, self._in_place, self.overlap
        )
        error, result = None, None
        try:
            self._raise_problem()
            self._require_trained(parameters)
            result = make(True, message.send if self.overlap else None)
            message.record_pass(result)
        except Exception as problem:
            error = problem
            message.record_failure()
        if result is None or not result.samples or not math.isfinite(result.loss):
            message.clear()
        message.record_requests(*self._local_requests())
        message.finish()
        if message.failed or result is None:
            self._raise_in_all(error)
        (stop, write), (stopped, written) = message.requests, self._requests
        self._requests = (stopped or stop, written or write)
        loss, values, samples = message.totals
        factor = parameters.gradients.dtype.type(1 / max(values, 1))
        for run in self._trained:
            parameters.gradients[run] *= factor
        return result._replace(
            loss=loss / max(values, 1), values=round(values), samples=round(samples)
        )

    def _require_trained(self, parameters: Parameters) -> None:
        """Raise ValueError unless the trainable weights are those that all agreed on."""
        if self._trainable_runs(parameters) != self._trained:
            raise ValueError(
                "a layer's or the model's trainable has been changed within an epoch: with a "
                "distribution change it between epochs, in all processes"
            )

    def synchronize_weights(self, model: Network) -> None:
        """Make the weights equal where each process has changed them by itself.

        Moving statistics become their mean over the processes. The first process's weights are
        copied to all if their machines may round differently.
        """
        statistics = model.parameters.statistics
        if statistics:
            mean = np.concatenate([item.array for item in statistics])
            self.comm.Allreduce(self._in_place, mean)
            mean /= self.size
            ends = np.cumsum([item.array.size for item in statistics])[:-1]
            for item, part in zip(statistics, np.split(mean, ends), strict=True):
                item.value[...] = part
        if self._machines_differ:
            self.comm.Bcast(model.parameters.values)

    def take_requests(self) -> tuple[bool, bool]:
        """Return two flags: since the last call a process asked to stop, or to write a file."""
        signals, self._requests = self._requests, (False, False)
        return signals

    def check_weights_equal(self, model: Network) -> None:
        """Raise RuntimeError unless all processes have the same weights."""
        of_all = self.gather(weights_checksum(model))
        with self.raise_together():
            for rank, other in enumerate(of_all):
                if other != of_all[0]:
                    raise RuntimeError(
                        f"the weights in rank {rank} are no longer those in rank 0: something "
                        "changed them in one process only"
                    )
