"""BLAS libraries held to one thread while the core works."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from gru_c import _core

BLAS: int = _core.ENGINES["blas"]


def _free_openblas() -> None:
    """Let any Python thread set OpenBLAS's threads.

    Since 3.8 threadpoolctl ignores all Python threads but the one that set them first, as long as
    that one lives. While the core works that is one that holds BLAS here; then nobody.
    """
    from threadpoolctl import OpenBLASController

    clear = getattr(OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


class _Hold:
    """BLAS libraries on one thread from the first entry to the last exit."""

    def __init__(self) -> None:
        self.depth = 0
        self._limiter: Any = None

    def enter(self, libraries: Any) -> None:
        # A forked child may be held already; without libraries there is nothing to pay for.
        if self._limiter is None and libraries.lib_controllers:
            _free_openblas()
            self._limiter = libraries.limit(limits=1)
        self.depth += 1

    def leave(self) -> None:
        self.depth -= 1
        if self.depth == 0 and self._limiter is not None:
            _free_openblas()
            self._limiter.restore_original_limits()
            self._limiter = None
            _free_openblas()


class _HoldOfThread(_Hold, threading.local):
    """A hold that each Python thread has for itself."""


class _SingleThreadedBlas:
    """Context in which BLAS runs one thread per caller.

    Its own threads would fight with the core's. Entries nest and overlap between Python threads:
    the first one in saves the thread counts of BLAS, the last one out sets them back. A BLAS built
    with OpenMP has a count for each Python thread, so there it is each thread's first and last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_process, self._of_thread = _Hold(), _HoldOfThread()
        self._libraries: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._libraries is None:
                self._load()
            self._of_process.enter(self._pool_of_process)
            self._of_thread.enter(self._pool_of_thread)

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._of_thread.leave()
            self._of_process.leave()

    def _load(self) -> None:
        """Hand SciPy's BLAS to the core; done on first use because importing it takes 0.3 s."""
        from threadpoolctl import ThreadpoolController

        from gru_c import _blas

        _core.set_blas(_blas.routines())
        self._hold(ThreadpoolController().select(user_api="blas"))

    def _hold(self, libraries: Any) -> None:
        """Take note of the BLAS libraries that are to be held."""
        layers = {getattr(lib, "threading_layer", None) for lib in libraries.lib_controllers}
        self._pool_of_thread = libraries.select(threading_layer="openmp")
        self._pool_of_process = libraries.select(threading_layer=list(layers - {"openmp"}))
        self._libraries = libraries

    def libraries(self) -> list[str]:
        """Names, versions and kernels of the BLAS libraries that are held; after first use."""
        found = {
            f"{library['internal_api']} {library['version']} ({library.get('architecture', '?')})"
            for library in self._libraries.info()
        }
        return sorted(found)

    def reset_after_fork(self) -> None:
        """Count only the entries of the thread that forked: the child has no other.

        The lock is a new one, because a thread that is gone may have held the old one.
        """
        self._lock = threading.Lock()
        self._of_process.depth = self._of_thread.depth


single_threaded_blas = _SingleThreadedBlas()

_NOTHING = nullcontext()


def blas_held(engine: int | None = None) -> AbstractContextManager[None]:
    """Return the context to call an engine in, which is `single_threaded_blas` if that calls BLAS.

    Without an engine it is the one that "auto" stands for.
    """
    engine = _core.auto_engine() if engine is None else engine
    return single_threaded_blas if engine == BLAS else _NOTHING
