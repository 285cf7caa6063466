"""The number of threads that the core uses."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gru_c import _core
from gru_c.runtime.blas_threads import single_threaded_blas
from gru_c.utils.validation import check_integer

_MOST_THREADS = 2**15


def _cgroup_limit() -> float:
    """Whole CPUs that the container may use (cgroup v2, then v1); infinity without a limit."""
    v2, v1 = Path("/sys/fs/cgroup/cpu.max"), Path("/sys/fs/cgroup/cpu")
    try:
        if v2.exists():
            quota, period = v2.read_text().split()
        else:
            quota = (v1 / "cpu.cfs_quota_us").read_text()
            period = (v1 / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else float("inf")
    except (OSError, ValueError, ZeroDivisionError):  # no such files, or "max"
        return float("inf")


def cpus_of_process() -> frozenset[int]:
    """Numbers of the CPUs this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux has it
    return frozenset(affinity(0)) if affinity else frozenset(range(os.cpu_count() or 1))


def usable(cpus: int) -> int:
    """How many of so many CPUs the container lets this process use; at least 1."""
    return max(1, int(min(cpus, _cgroup_limit())))


def _default_num_threads() -> int:
    """OMP_NUM_THREADS, or the CPUs this process may run on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted.isdecimal() and int(wanted) > 0:  # isdigit would let "²" through
        return min(int(wanted), _MOST_THREADS)
    return usable(len(cpus_of_process()))


_most_threads = _MOST_THREADS if _core.HAS_OPENMP else 1  # built without threads
_num_threads = min(_default_num_threads(), _most_threads)
_were_set = False
_of_python_threads: dict[int, int] = {}  # by the thread's number: what `use_threads` has set there

# OpenMP's threads do not survive a fork, and libgomp waits for them for ever: a child forked after
# they were started works on its own thread only.
_used_threads = False
_forked = False


def check_num_threads(n: object) -> int:
    """Return a number of threads as an int, or raise TypeError or ValueError."""
    return check_integer("the number of threads", n, 1, _MOST_THREADS)


def set_num_threads(n: int) -> None:
    """Set how many threads the core may use in this process.

    The results are the same bits for any number. Without this call it is the environment variable
    ``OMP_NUM_THREADS``, else the CPUs that the process may use (affinity and container limit).

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    TypeError, ValueError
        When n is no integer, or not between 1 and 32768.

    Examples
    --------
    >>> import gru_c
    >>> before = gru_c.get_num_threads()
    >>> gru_c.set_num_threads(1)
    >>> gru_c.get_num_threads()
    1
    >>> gru_c.set_num_threads(before)
    """
    global _num_threads, _were_set
    _num_threads = check_num_threads(n)
    _were_set = True


def get_num_threads() -> int:
    """Return how many threads the core may use; see `set_num_threads`."""
    return team_threads()


def were_set() -> bool:
    """Whether the program has called `set_num_threads`: the environment says it otherwise."""
    return _were_set


@contextmanager
def use_threads(n: int | None) -> Iterator[None]:
    """While this lasts, calls from this Python thread use `n` threads; None: as before.

    What is set for the process, and what other Python threads use, stays.

    Raises TypeError or ValueError as `set_num_threads` does.
    """
    if n is None:
        yield
        return
    thread = threading.get_ident()
    before = _of_python_threads.get(thread)
    _of_python_threads[thread] = min(check_num_threads(n), _most_threads)
    try:
        yield
    finally:
        if before is None:
            del _of_python_threads[thread]
        else:
            _of_python_threads[thread] = before


def team_threads(n: int | None = None) -> int:
    """Return the threads of a call of the core's own team: `n`, or the setting."""
    if n is None:
        if _of_python_threads:  # 5 ns; to look always would take 45
            return _of_python_threads.get(threading.get_ident(), _num_threads)
        return _num_threads
    if type(n) is int and 1 <= n <= _most_threads:  # a short call has no time for more
        return n
    return min(check_num_threads(n), _most_threads)


def openmp_threads(n: int | None = None) -> int:
    """Return the threads of a call of the BLAS engine, which works on OpenMP's.

    1 in a child forked from a process whose OpenMP threads had been started.
    """
    global _used_threads
    count = team_threads(n)
    if _forked:
        return 1
    _used_threads = _used_threads or count > 1
    return count


def _after_fork_in_child() -> None:
    global _forked
    _forked = _forked or _used_threads
    thread = threading.get_ident()  # a new thread may get the number of one that is gone
    for other in _of_python_threads.keys() - {thread}:
        del _of_python_threads[other]
    single_threaded_blas.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
