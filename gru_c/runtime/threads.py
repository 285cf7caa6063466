"""The number of threads that the core uses."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gru_c import _core
from gru_c.common.validation import check_integer
from gru_c.common.warnings import warn
from gru_c.runtime.blas_threads import single_threaded_blas
from gru_c.runtime.cgroups import cpu_limit
from gru_c.runtime.openmp import cpus_of_process

_MOST_THREADS = 2**15


def usable(cpus: int) -> int:
    """Return the number of CPUs, out of `cpus`, that control groups allow; at least 1."""
    return max(1, int(min(cpus, cpu_limit())))


def _threads_of_environment() -> int:
    """Return OMP_NUM_THREADS, which is read at import; 0 if it says nothing."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    known = wanted.isdecimal()  # isdigit would let "²" through
    return min(int(wanted), _MOST_THREADS) if known else 0


def _default_num_threads() -> int:
    """Return OMP_NUM_THREADS, or the number of CPUs that this process may run on."""
    return _threads_of_environment() or usable(len(cpus_of_process()))


_most_threads = _MOST_THREADS if _core.HAS_THREADS else 1  # built without threads
_num_threads = min(_threads_of_environment(), _most_threads)  # 0: from the CPUs, on first use
_were_set = False
_of_python_threads: dict[int, int] = {}  # the setting of `use_threads`, by the thread's number

# OpenMP's threads do not survive a fork, and libgomp would wait for them forever: a child that was
# forked after they had been started uses a single thread.
_used_threads = False
_forked = False


def check_num_threads(n: object) -> int:
    """Return a number of threads as an int, or raise TypeError or ValueError."""
    return check_integer("the number of threads", n, 1, _MOST_THREADS)


def _allowed(n: object) -> int:
    """Return a user's number of threads; in a build without threads 1, with a warning."""
    count = check_num_threads(n)
    if count > _most_threads:
        warn(f"this build of gru_c has no threads: it uses {_most_threads}, not {count}")
    return min(count, _most_threads)


def set_num_threads(n: int) -> None:
    """Set the number of threads that the core may use in this process.

    The results have the same bits for any number. The default is the environment variable
    ``OMP_NUM_THREADS``, else the number of CPUs that the process may use: its
    affinity, and the limits of its container or control groups (systemd, Slurm), when gru_c first
    needs it. A build without threads, as for WebAssembly, warns of any number but 1, and keeps 1.

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    TypeError, ValueError
        When n is not an integer, or not between 1 and 32768.

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
    _num_threads = _allowed(n)
    _were_set = True


def get_num_threads() -> int:
    """Return the number of threads that the core may use; see `set_num_threads`."""
    return team_threads()


def were_set() -> bool:
    """Return True if `set_num_threads` was called: else the number is the environment's."""
    return _were_set


@contextmanager
def use_threads(n: int | None) -> Iterator[None]:
    """Let calls from this Python thread use `n` threads in a ``with`` block; None changes nothing.

    The setting of the process, and those of other Python threads, stay.

    Raises TypeError or ValueError as `set_num_threads` does.
    """
    if n is None:
        yield
        return
    thread = threading.get_ident()
    before = _of_python_threads.get(thread)
    _of_python_threads[thread] = _allowed(n)
    try:
        yield
    finally:
        if before is None:
            del _of_python_threads[thread]
        else:
            _of_python_threads[thread] = before


def team_threads(n: int | None = None) -> int:
    """Return the number of threads of a call of the core's own team: `n`, or the setting."""
    if n is None:
        if _of_python_threads:  # takes 5 ns; the lookup takes 45
            of_thread = _of_python_threads.get(threading.get_ident())
            if of_thread is not None:
                return of_thread
        return _num_threads or _first_number()
    if type(n) is int and 1 <= n <= _most_threads:  # fast, for short calls
        return n
    return _allowed(n)


def _first_number() -> int:
    """Set and return the number that follows from the CPUs and their limits.

    The files that hold the limits are read now and not at import.
    """
    global _num_threads
    _num_threads = min(_default_num_threads(), _most_threads)
    return _num_threads


def openmp_threads(n: int | None = None) -> int:
    """Return the number of threads of a call of the BLAS engine, which uses OpenMP.

    It is 1 without OpenMP, and in a child forked from a process whose OpenMP threads had been
    started.
    """
    global _used_threads
    count = team_threads(n)
    if _forked or not _core.HAS_OPENMP:
        return 1
    _used_threads = _used_threads or count > 1
    return count


def _after_fork_in_child() -> None:
    global _forked
    _forked = _forked or _used_threads
    thread = threading.get_ident()  # a new thread may get the number of a thread that has ended
    for other in _of_python_threads.keys() - {thread}:
        del _of_python_threads[other]
    single_threaded_blas.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
