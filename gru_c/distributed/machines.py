"""The machines that the processes run on, and the number of threads that each process may use."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from gru_c import _core
from gru_c._version import __version__
from gru_c.runtime.openmp import cpus_of_process
from gru_c.runtime.threads import get_num_threads, usable


def describe() -> str:
    """Return the facts on which the bits of a result depend: instruction sets and versions."""
    features: dict[str, bool] = {}  # NumPy chooses its loops by these; they have no public name
    with suppress(ImportError, AttributeError):
        features = import_module("numpy._core._multiarray_umath").__cpu_features__
    used = " ".join(sorted(name for name, available in features.items() if available))
    kernels = _core.active_isa()
    return f"{platform.machine()} {kernels} gru_c {__version__} NumPy {np.__version__} {used}"


def threads_of_each(node: Any) -> int:
    """Return this process's number of threads: an equal share of the CPUs that it may run on.

    CPUs are shared only with processes that may run on them, too. The number is never larger than
    `gru_c.get_num_threads` says.

    Parameters
    ----------
    node : mpi4py.MPI.Comm
        The communicator of the processes on this machine.
    """
    mine = cpus_of_process()
    rivals = sum(1 for cpus in node.allgather(mine) if cpus & mine)
    return max(1, min(get_num_threads(), usable(len(mine)) // rivals))
