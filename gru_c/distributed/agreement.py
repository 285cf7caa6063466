"""Errors of one process that become errors of all, so that none waits for ever."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import numpy as np

from gru_c._extras import require

_TOLD_AS_THEY_ARE = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


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
