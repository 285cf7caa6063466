"""Loads the core, and with it an OpenMP runtime that neither spins for long nor takes CPUs away.

GCC's runtime lets a waiting thread spin for about 10 ms before it sleeps. On a machine that another
program keeps busy, the spinning thread takes the CPU from the thread that it waits for: 16 small
passes on two threads took 74 to 206 ms, but 4 to 8 ms with a short spin. On an idle machine the
short spin costs a few percent. The runtime reads the setting once, when it is loaded. A setting of
the user has precedence, and child processes do not inherit this one.

With ``OMP_PROC_BIND=true`` the runtime binds the thread that loads it to one CPU or a few, and all
threads that are started later inherit them. Threads of this package get the CPUs of the process.
"""

from __future__ import annotations

import os
from pathlib import Path

_BINDING = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")
_SPINS = "1000"
_chosen_by_user = "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ


def _cpus_of_thread() -> frozenset[int]:
    """Return the numbers of the CPUs that this Python thread may run on."""
    affinity = getattr(os, "sched_getaffinity", None)  # only on Linux
    return frozenset(affinity(0)) if affinity else frozenset(range(os.cpu_count() or 1))


def _cpus_of_runtimes(mine: frozenset[int]) -> set[int]:
    """Return the CPUs of all places of GCC's runtimes that have bound this thread to one of them.

    Other packages may have loaded such a runtime before. `mine` are the CPUs of this thread.
    """
    cpus: set[int] = set()
    if not any(name in os.environ for name in _BINDING):
        return cpus
    import ctypes  # takes milliseconds

    try:
        names = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
        for name in sorted(name for name in names if Path(name).name.startswith("libgomp")):
            runtime = ctypes.CDLL(name)
            places = []
            for place in range(runtime.omp_get_num_places()):
                numbers = (ctypes.c_int * runtime.omp_get_place_num_procs(place))()
                runtime.omp_get_place_proc_ids(place, numbers)
                places.append(frozenset(numbers))
            if mine in places:
                cpus.update(*places)
    except (OSError, AttributeError):  # no such file, or a runtime without these functions
        pass
    return cpus


_given = _cpus_of_thread()
_given |= _cpus_of_runtimes(_given)
if not _chosen_by_user:
    os.environ["GOMP_SPINCOUNT"] = _SPINS
try:
    from gru_c import _core as _core
finally:
    if not _chosen_by_user:
        del os.environ["GOMP_SPINCOUNT"]
_bound = _cpus_of_thread()
if _bound < _given:
    _core.unbind_workers(sorted(_given))


def cpus_of_process() -> frozenset[int]:
    """Return the numbers of the CPUs that this process may run on.

    They are those of this thread, unless the OpenMP runtime has bound it.
    """
    cpus = _cpus_of_thread()
    return _given if cpus == _bound else cpus


def unbind_thread() -> None:
    """Let this Python thread run on all CPUs of the process, if it inherited those of OpenMP."""
    if _bound < _given and _cpus_of_thread() == _bound:
        os.sched_setaffinity(0, _given)
