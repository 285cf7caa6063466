"""Errors of one process that become errors of all, so that none waits for ever."""

from __future__ import annotations

import builtins
from contextlib import suppress
from typing import Any

from gru_c.utils import validation

_TOLD_AS_THEY_ARE = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


class RankError(RuntimeError):
    """Another process raised an exception; this one ends with it."""


def error_of_all(comm: Any, error: Exception | None) -> Exception:
    """Return one's own exception, or that of the first process that has one."""
    told = comm.allgather(_told(error))
    if error is not None:
        return error
    rank = next(rank for rank, one in enumerate(told) if one is not None)
    return _as_error(rank, *told[rank])


def _told(error: Exception | None) -> tuple[str, str] | None:
    """Return what others are told of an exception: its type's name, and its words."""
    if error is None:
        return None
    words = "it cannot say what it is"
    with suppress(Exception):
        words = str(error)
    return type(error).__name__, words


def _as_error(rank: int, name: str, words: str) -> Exception:
    """Return another process's exception, of the same type if all processes know that type."""
    kind = getattr(builtins, name, None) or getattr(validation, name, None)
    if isinstance(kind, type) and issubclass(kind, _TOLD_AS_THEY_ARE):
        with suppress(TypeError):  # UnicodeError wants five arguments
            return kind(f"rank {rank}: {words}")
    return RankError(f"rank {rank}: {name}: {words}")
