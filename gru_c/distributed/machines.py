"""What the machines of the processes are, and how many threads each process may use on its own."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from gru_c import _core
from gru_c._version import __version__
from gru_c.runtime.threads import cpus_of_process, get_num_threads, usable


def described() -> str:
    """Return what the bits of a result depend on: instruction sets, versions."""
    features: dict[str, bool] = {}  # that NumPy's loops are chosen by; it says so nowhere else
    with suppress(ImportError, AttributeError):
        features = import_module("numpy._core._multiarray_umath").__cpu_features__
    found = " ".join(sorted(name for name, there in features.items() if there))
    kernels = _core.active_isa()
    return f"{platform.machine()} {kernels} gru_c {__version__} NumPy {np.__version__} {found}"


def threads_of_each(node: Any) -> int:
    """Return the threads of this process, so that those of a machine do not use more than it has.

    Processes that are bound to other CPUs do not count. More than `gru_c.get_num_threads` says are
    never used.

    Parameters
    ----------
    node : mpi4py.MPI.Comm
        Of the processes on this machine.
    """
    mine = cpus_of_process()
    rivals = sum(1 for cpus in node.allgather(mine) if cpus & mine)
    return max(1, min(get_num_threads(), usable(len(mine)) // rivals))
