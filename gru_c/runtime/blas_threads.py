"""Limits BLAS libraries to one thread while the core works."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any

from gru_c import _core

BLAS: int = _core.ENGINES["blas"]


def _free_openblas() -> None:
    """Let any Python thread set OpenBLAS's threads.

    Since 3.8 threadpoolctl accepts settings only from the Python thread that made the first one, as
    long as it lives. Here that is a thread that holds BLAS, while the core works, and then none.
    """
    from threadpoolctl import OpenBLASController

    clear = getattr(OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


class _Hold:
    """Keeps BLAS libraries on one thread from the first entry to the last exit."""

    def __init__(self) -> None:
        self.depth = 0
        self._limiter: Any = None

    def enter(self, libraries: Any) -> None:
        # In a forked child BLAS may be held already. Without libraries a limit only costs time.
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
    """A separate hold for each Python thread."""


class _SingleThreadedBlas:
    """Context in which BLAS runs one thread per caller.

    More threads of BLAS would compete with the core's. Entries nest and overlap between Python
    threads: the first entry saves the thread counts of BLAS, the last exit restores them. A BLAS
    built with OpenMP has a count for each Python thread, so there each thread's first entry and
    last exit do so.
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
        """Give SciPy's BLAS to the core, on first use because importing it takes 0.3 s."""
        missing = missing_packages()
        if missing:
            raise ImportError(
                f"the engine 'blas' needs {' and '.join(missing)}, not installed here: "
                f"pip install {' '.join(missing)}, or take engine='auto' or 'packed'",
                name=missing[0],
            )
        from scipy.linalg import cython_blas
        from threadpoolctl import ThreadpoolController

        _core.set_blas(cython_blas.__pyx_capi__)
        self._hold(ThreadpoolController().select(user_api="blas"))

    def _hold(self, libraries: Any) -> None:
        """Set the BLAS libraries that are held."""
        layers = {getattr(lib, "threading_layer", None) for lib in libraries.lib_controllers}
        self._pool_of_thread = libraries.select(threading_layer="openmp")
        self._pool_of_process = libraries.select(threading_layer=list(layers - {"openmp"}))
        self._libraries = libraries

    def libraries(self) -> list[str]:
        """Return names, versions and kernels of the held BLAS libraries; after first use."""
        names = {
            f"{library['internal_api']} {library['version']} ({library.get('architecture', '?')})"
            for library in self._libraries.info()
        }
        return sorted(names)

    def reset_after_fork(self) -> None:
        """Count only the entries of the thread that forked: the child has no other threads.

        The lock is replaced, because a thread of the parent may have held it.
        """
        self._lock = threading.Lock()
        self._of_process.depth = self._of_thread.depth


single_threaded_blas = _SingleThreadedBlas()


def missing_packages() -> list[str]:
    """Return the names of the packages that the BLAS engine needs and that are not installed."""
    return [name for name in ("scipy", "threadpoolctl") if find_spec(name) is None]


if missing_packages():
    _core.set_blas(None)  # "auto" then stands for the packed engine on every CPU

_NOTHING = nullcontext()


def blas_held(engine: int | None = None) -> AbstractContextManager[None]:
    """Return the context in which to call an engine: `single_threaded_blas` if it calls BLAS.

    Without an argument, the engine is the one that "auto" stands for.
    """
    engine = _core.auto_engine() if engine is None else engine
    return single_threaded_blas if engine == BLAS else _NOTHING
