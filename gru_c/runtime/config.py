"""The configuration of this installation, for reports and for tests."""

from __future__ import annotations

import os
import platform
from typing import Any

from gru_c import _core
from gru_c._version import __version__
from gru_c.runtime import blas_threads, threads


def apply_environment() -> None:
    """Select the instruction set that GRU_C_ISA names; called once, at import.

    Raises
    ------
    ImportError
        When the name is unknown or this CPU does not have it.
    """
    wanted = os.environ.get("GRU_C_ISA")
    if not wanted:
        return
    if wanted not in _core.isa_names():
        raise ImportError(
            f"the environment variable GRU_C_ISA is {wanted!r}; this CPU can run: "
            + ", ".join(_core.isa_names())
        )
    _core.select_isa(wanted)


def _blas() -> str:
    """Return name and version of SciPy's BLAS, after loading it; or say what is not installed."""
    missing = blas_threads.missing_packages()
    if missing:
        return f"{' and '.join(missing)} not installed: engine='blas' cannot be used"
    with blas_threads.single_threaded_blas:
        pass
    libraries = blas_threads.single_threaded_blas.libraries()
    return "; ".join(libraries) or "SciPy's, unknown to threadpoolctl"


def _engine() -> str:
    """Return the engine that "auto" stands for on this machine, and the reason."""
    if blas_threads.missing_packages():
        return "auto: packed (there is no BLAS for the engine blas)"
    if _core.auto_engine() == _core.ENGINES["packed"]:
        return f"auto: packed (its kernels for {_core.active_isa()} are faster than BLAS)"
    return (
        f"auto: blas (the {_core.active_isa()} kernels have no fused multiply-add, BLAS may have "
        "better ones)"
    )


def _threads() -> int | str:
    """Return the number of threads, or say that this build has none."""
    return threads.get_num_threads() if _core.HAS_THREADS else "1: built without threads"


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Show version, compiler, instruction set, engines, BLAS and threads.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Print a table, or return it as a dict.

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> import gru_c
    >>> gru_c.show_config("dicts")["engine"].startswith("auto: ")
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode must be 'stdout' or 'dicts', got {mode!r}")
    engines = [name for name in _core.ENGINES if name != "auto"]
    config = {
        "version": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": _core.COMPILER,
        "machine": f"{platform.system()} {platform.machine()}",
        "instruction set": f"{_core.active_isa()} (of {', '.join(_core.isa_names())})",
        "engine": _engine(),
        "engines": ", ".join(engines),
        "blas": _blas(),
        "openmp": "yes" if _core.HAS_OPENMP else "no: the engine blas runs on one thread",
        "threads": _threads(),
    }
    if mode == "dicts":
        return config
    for name, value in config.items():
        print(f"{name + ':':17}{value}")
    return None
