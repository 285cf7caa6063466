"""Errors of one process that become errors of all, so that none waits for ever."""

from __future__ import annotations

import builtins
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, NoReturn

import numpy as np

from gru_c._extras import require

_TOLD_AS_THEY_ARE = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


_PATIENCE = 10.0  # seconds after which a process that waits for others says so
_LONGEST_NAP = 0.1  # seconds between two looks; the first ones are shorter


class RankError(RuntimeError):
    """Another process raised an exception; this one ends with it."""


def _told(error: BaseException | None) -> tuple[str, str] | None:
    """Return what others are told of an exception: its type's name, and its words."""
    return None if error is None else (type(error).__name__, str(error))


def _as_error(rank: int, told: tuple[str, str]) -> Exception:
    """Return another process's exception: of its own type where that is one of Python's."""
    name, words = told
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, _TOLD_AS_THEY_ARE):
        with suppress(TypeError):  # UnicodeError wants five arguments
            return kind(f"rank {rank}: {words}")
    return RankError(f"rank {rank}: {name}: {words}")


def raise_of(comm: Any, error: Exception | None) -> NoReturn:
    """Raise one's own exception, or that of the first process that has one."""
    told = comm.allgather(_told(error))
    if error is None:
        rank = next(rank for rank, one in enumerate(told) if one is not None)
        error = _as_error(rank, told[rank])
    error.of_all_ranks = True  # type: ignore[attr-defined]
    raise error


def is_of_all(error: BaseException) -> bool:
    """Say whether all processes have an exception, if not this one."""
    return getattr(error, "of_all_ranks", False)


@contextmanager
def together(comm: Any) -> Iterator[None]:
    """Wait for all at the end of the block; where one raised, all raise."""
    error: Exception | None = None
    try:
        yield
    except Exception as problem:
        error = problem
    failed = np.array([error is not None], np.int32)
    comm.Allreduce(require("mpi4py.MPI", "mpi").IN_PLACE, failed)
    if failed[0]:
        raise_of(comm, error)


# ---- what no agreement is possible about --------------------------------------------------------


def end_all(comm: Any, error: BaseException) -> NoReturn:
    """End all processes with an exception that the others know nothing of."""
    traceback.print_exception(error)
    print(f"rank {comm.rank} of {comm.size} ends the run of all", file=sys.stderr)
    _flush()
    code = error.code if isinstance(error, SystemExit) else 1
    comm.Abort(code if isinstance(code, int) and code else 1)
    os._exit(1)  # Abort does not return; a launcher may take its time


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def end_all_when_this_process_fails() -> None:
    """Let an exception that ends this process end the others, too; once is enough."""
    if getattr(sys.excepthook, "of_gru_c", False):
        return
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        _flush()
        # As `python -m mpi4py` does: when the interpreter ends, MPI is aborted, not finalized.
        require("mpi4py.run", "mpi").set_abort_status(error)

    hook.of_gru_c = True  # type: ignore[attr-defined]
    sys.excepthook = hook


def wait_for_all(comm: Any) -> None:
    """Wait until all have come here; warn once if that takes long."""
    began, arrived, warned = time.monotonic(), comm.Ibarrier(), False
    while not arrived.Test():
        waited = time.monotonic() - began
        time.sleep(min(_LONGEST_NAP, waited / 10))
        if waited > _PATIENCE and not warned:
            warned = True
            warnings.warn(
                f"rank {comm.rank} has waited {waited:.0f} s for the others to call fit or "
                "evaluate, which all processes must do",
                stacklevel=5,
            )
